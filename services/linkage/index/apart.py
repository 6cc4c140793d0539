"""Groups of records clustered alone: which of them hold together when nothing outside a group may speak.

What an initiative may see of an entity is made so (views.py): the sub-graph of the records that its purpose allows, by
the same edges, thresholds and stewards' decisions as the whole. All groups are clustered in one run, because they share
no edge. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.cluster import agglomerate
from services.linkage.index.edges import Edges
from services.linkage.index.nodes import Nodes
from services.linkage.index.partition import Decisions
from services.linkage.matching.model import Thresholds

Ints = NDArray[np.int64]
RULE = 1 << 20
"""The weight, in millibits, of a rule that holds: it outweighs every score, as far as the pairs of a few hundred
records go, and no steward's decision."""

Group = Sequence[UUID]
Rules = Callable[[int, int], bool]
"""Does a rule say that two nodes (or two bearers of one) are of one?"""


@dataclass(frozen=True, slots=True)
class _Items:
    """Node i of the run, and the group it is in; sorted by group, then node."""

    group: Ints
    node: Ints
    span: int

    def place(self, groups: Ints, nodes: Ints) -> Ints:
        """Where each of n (group, node) is; −1 where it is not."""
        codes, wanted = self.group * self.span + self.node, groups * self.span + nodes
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        return np.where(codes[at] == wanted, at, -1)


def apart(
    groups: Sequence[Group], strict: Sequence[bool], nodes: Nodes, edges: Edges, decisions: Decisions,
    thresholds: Thresholds, holds: Rules,
) -> list[list[list[UUID]]]:  # fmt: skip
    """For each group the clusters it falls into; in a ``strict`` one only rules and decisions join."""
    if not groups:
        return []
    members = [sorted({nodes.of(record) for record in group}) for group in groups]
    sizes = [len(one) for one in members]
    items = _Items(np.repeat(np.arange(len(groups)), sizes), np.concatenate(members).astype(np.int64), nodes.count)
    scored = _edges(items, np.array(strict, np.bool_), edges, holds)
    if decisions:
        scored = _decided(items, members, scored, nodes, decisions)
    found = agglomerate(len(items.node), *scored, nodes.rank[items.node], thresholds.link, thresholds.missing)
    starts = np.cumsum([0, *sizes])
    return [
        _parts(group, nodes, items.node[starts[at] :], found.label[starts[at] : starts[at + 1]], strict[at], holds)
        for at, group in enumerate(groups)
    ]


Scored = tuple[Ints, Ints, Ints, Ints]
"""Left and right item of n edges, weight, conflict."""


def _edges(items: _Items, strict: NDArray[np.bool_], edges: Edges, holds: Rules) -> Scored:
    """Edges of which both ends are in one group; in a strict group those alone that a rule makes."""
    places, others, numbers = edges.of(items.node)
    ends = items.place(items.group[places], others)
    inside = np.flatnonzero((ends >= 0) & (places < ends))
    left, right, weight = places[inside], ends[inside], edges.weight[numbers[inside]].astype(np.int64)
    conflict = edges.conflict[numbers[inside]].astype(np.int64)
    ruled = np.flatnonzero(strict[items.group[left]])
    kept = np.ones(len(left), np.bool_)
    for at in ruled.tolist():
        kept[at] = holds(int(items.node[left[at]]), int(items.node[right[at]]))
    weight[ruled], conflict[ruled] = RULE, 0
    return left[kept], right[kept], weight[kept], conflict[kept]


def _decided(
    items: _Items, members: Sequence[Sequence[int]], scored: Scored, nodes: Nodes, decisions: Decisions
) -> Scored:
    """Decided pairs take the place of scored ones."""
    pairs = np.array(
        [
            (group, node, other, weight)
            for group, inside in enumerate(members)
            for node, other, weight in decisions.edges(nodes, inside)
            if node < other
        ],
        np.int64,
    ).reshape(-1, 4)  # fmt: skip
    near, far = items.place(pairs[:, 0], pairs[:, 1]), items.place(pairs[:, 0], pairs[:, 2])
    here = far >= 0
    near, far, weights = near[here], far[here], pairs[here, 3]
    left, right, weight, conflict = scored
    free = ~np.isin(left * len(items.node) + right, near * len(items.node) + far)
    return (
        np.concatenate((left[free], near)), np.concatenate((right[free], far)),
        np.concatenate((weight[free], weights)), np.concatenate((conflict[free], np.zeros_like(weights))),
    )  # fmt: skip


def _parts(group: Group, nodes: Nodes, own: Ints, label: Ints, strict: bool, holds: Rules) -> list[list[UUID]]:
    """The records of each cluster. Records that say the same are one node; where only rules join, one must say so."""
    cluster = dict(zip(own[: len(label)].tolist(), label.tolist(), strict=True))
    found: defaultdict[tuple[int, UUID | None], list[UUID]] = defaultdict(list)
    bearers: defaultdict[int, list[UUID]] = defaultdict(list)
    for record in group:
        bearers[nodes.of(record)].append(record)
    for node, records in bearers.items():
        alone = strict and len(records) > 1 and not holds(node, node)
        for record in records:
            found[cluster[node], record if alone else None].append(record)
    return list(found.values())
