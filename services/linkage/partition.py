"""The partition of nodes into clusters, kept up to date by clustering anew only what a change can have touched.

Why a part is enough: average link merges clusters that are each other's most similar, so a merge is right wherever
nothing else was more similar to either side. After clustering a region alone, an edge to the outside proves harmless
when it is weaker than every merge on both its sides and the two final clusters stay apart; where that fails, the region
widens. What remains is exactly the partition of the whole graph.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.cluster import MUST, MUST_NOT, Clustering, agglomerate
from services.linkage.columns import grown
from services.linkage.edges import Edges
from services.linkage.model import Thresholds
from services.linkage.nodes import Moves, Nodes

Ints = NDArray[np.int64]
Verdict = Literal["must", "must_not"]

_NO_PAIRS: Final = np.zeros((0, 2), np.int64)


class Decisions:
    """What stewards decided about pairs of records; it outlives the records' absence."""

    def __init__(self) -> None:
        self._of: dict[UUID, dict[UUID, Verdict]] = {}

    def set(self, left: UUID, right: UUID, verdict: Verdict | None) -> None:
        """Decide a pair, or take the decision back."""
        if left == right:
            raise ValueError(f"A record cannot be decided against itself: {left}. Name two records.")
        for one, other in ((left, right), (right, left)):
            if verdict is None:
                self._of.get(one, {}).pop(other, None)
            else:
                self._of.setdefault(one, {})[other] = verdict

    def between(self, left: UUID, right: UUID) -> Verdict | None:
        """The verdict on a pair, if there is one."""
        return self._of.get(left, {}).get(right)

    def __bool__(self) -> bool:
        return bool(self._of)

    def edges(self, nodes: Nodes, among: Iterable[int]) -> list[tuple[int, int, int]]:
        """(node, other node, weight) of every decision on a record of these nodes whose other record is here too."""
        found = {}
        for node in among:
            for record in nodes.bearers(node):
                for other, verdict in self._of.get(record, {}).items():
                    if other in nodes:
                        found[node, nodes.of(other)] = MUST if verdict == "must" else MUST_NOT
        return [(node, other, weight) for (node, other), weight in found.items()]


@dataclass(frozen=True, slots=True)
class _Around:
    """Edges of a region's nodes: position of the near end, far node, weight."""

    place: Ints
    other: Ints
    weight: Ints


class Partition:
    """`label[node]` names the node's cluster by one of its members; `low[label]` is the cluster's weakest merge."""

    def __init__(self, edges: Edges, nodes: Nodes, decisions: Decisions, thresholds: Thresholds) -> None:
        self._edges, self._nodes, self._decisions = edges, nodes, decisions
        self._link, self._missing = thresholds.link, thresholds.missing
        self._label: NDArray[np.int32] = np.zeros(0, np.int32)
        self._low: NDArray[np.float64] = np.zeros(0, np.float64)
        self._members: dict[int, Ints] = {}
        self._place: NDArray[np.int32] = np.zeros(0, np.int32)

    def restore(self, clusters: Sequence[Sequence[int]]) -> None:
        """Take clusters as they were stored. How weak their merges were is not known, so they count as the weakest."""
        self._grow()
        for cluster in clusters:
            if len(cluster) > 1 and not self._nodes.thin[cluster[0]]:
                self._keep(np.array(cluster, np.int64), -np.inf)

    def settle(self, moves: Moves, stirred: Ints) -> list[list[int]]:
        """Cluster what was stirred up; groups of nodes whose members, or whose members' bearers, changed."""
        self._grow()
        thin = self._nodes.thin
        changed = moves.changed[~thin[moves.changed]]
        before = self._joined(np.unique(self._label[np.concatenate((changed, stirred))]))
        reshaped = dict.fromkeys(self._leave(moves.gone[~thin[moves.gone]]))
        region = np.array([node for node in before.tolist() if self._nodes.bearers(node)], np.int64)
        doubts = proved = _NO_PAIRS
        while len(region):
            found, around = self._alone(region)
            upset = self._adopt(region, found, reshaped)
            # Two clusters that came out of one run as they went in are proved harmless to each other till one changes.
            proved = np.concatenate((proved, doubts))
            proved = proved[~np.isin(proved, upset).any(axis=1)]
            doubts = self._doubts(region, around, proved)
            region = self._joined(np.unique(doubts))
        labels = {int(self._label[node]) for node in reshaped} | {
            int(self._label[node]) for node in changed.tolist() if self._nodes.bearers(node)
        }
        return [self._cluster(label).tolist() for label in sorted(labels)]

    def _grow(self) -> None:
        known, size = len(self._label), self._nodes.count
        self._label, self._low = grown(self._label, size), grown(self._low, size)
        if len(self._label) > known:
            self._label[known:] = np.arange(known, len(self._label))
            self._low[known:] = np.inf
            self._place = np.full(len(self._label), -1, np.int32)

    def _cluster(self, label: int) -> Ints:
        found = self._members.get(label)
        return np.array([label], np.int64) if found is None else found

    def _joined(self, labels: Ints) -> Ints:
        """All nodes in these clusters."""
        return np.concatenate([self._cluster(label) for label in labels.tolist()]) if len(labels) else labels

    def _leave(self, gone: Ints) -> list[int]:
        """Take nodes out of their clusters; a node of each rest, which holds no longer and is clustered anew."""
        rests: list[int] = []
        for label in np.unique(self._label[gone]).tolist():
            members = self._members.pop(label, None)
            if members is None:
                continue
            self._label[members] = members
            self._low[members] = np.inf
            rest = members[~np.isin(members, gone)]
            if len(rest):
                self._keep(rest, -np.inf)
                rests.append(int(rest[0]))
        return rests

    def _keep(self, members: Ints, low: float) -> None:
        label = int(members.min())
        self._label[members] = label
        self._low[label] = low
        if len(members) > 1:
            self._members[label] = members

    def _alone(self, region: Ints) -> tuple[Clustering, _Around]:
        """Cluster a region as if there were nothing else; the clusters found, and the edges around."""
        around = self._around(region)
        inside = self._place[around.other].astype(np.int64)
        within = (inside >= 0) & (around.place < inside)
        found = agglomerate(
            len(region), around.place[within], inside[within], around.weight[within],
            self._nodes.rank[region], self._link, self._missing,
        )  # fmt: skip
        self._place[region] = -1
        outside = inside < 0
        return found, _Around(around.place[outside], around.other[outside], around.weight[outside])

    def _around(self, region: Ints) -> _Around:
        places, others, numbers = self._edges.of(region)
        weights = self._edges.weight[numbers]
        if self._decisions:
            places, others, weights = self._with_decisions(region, places, others, weights)
        self._place[region] = np.arange(len(region))
        return _Around(places, others, weights)

    def _with_decisions(self, region: Ints, places: Ints, others: Ints, weights: Ints) -> tuple[Ints, Ints, Ints]:
        """Decided pairs take the place of scored ones."""
        at = {int(node): place for place, node in enumerate(region)}
        decided = self._decisions.edges(self._nodes, at)
        if not decided:
            return places, others, weights
        span = self._nodes.count
        left = np.array([at[node] for node, _, _ in decided])
        right = np.array([other for _, other, _ in decided])
        free = ~np.isin(places * span + others, left * span + right)
        verdicts = np.array([weight for _, _, weight in decided])
        return (
            np.concatenate((places[free], left)), np.concatenate((others[free], right)),
            np.concatenate((weights[free], verdicts)),
        )  # fmt: skip

    def _adopt(self, region: Ints, found: Clustering, reshaped: dict[int, None]) -> Ints:
        """Make the clusters found those that hold; note a node of each that was not there before. Back come all labels,
        old and new, that mean another cluster now."""
        label, low = found.label, found.low
        order = np.argsort(label, kind="stable")
        starts = np.flatnonzero(np.diff(label[order], prepend=-1))
        clusters = [region[members] for members in np.split(order, starts[1:])]
        old = self._label[region]
        sizes = {label: len(self._cluster(label)) for label in set(old.tolist())}
        upset: set[int] = set()
        for nodes in clusters:
            was = self._label[nodes]
            if (was != was[0]).any() or sizes[int(was[0])] != len(nodes):
                reshaped[int(nodes[0])] = None
                upset |= {int(nodes.min()), *was.tolist()}
        for gone in sizes:
            self._members.pop(gone, None)
        for nodes, weakest in zip(clusters, low[label[order[starts]]].tolist(), strict=True):
            self._keep(nodes, weakest)
        return np.array(sorted(upset), np.int64)

    def _doubts(self, region: Ints, border: _Around, proved: Ints) -> Ints:
        """Pairs of clusters (n, 2) that edges across the region's border may concern, but for those proved harmless."""
        ends, weight = self._label[[region[border.place], border.other]].astype(np.int64), border.weight
        if not len(weight):
            return _NO_PAIRS
        span = len(self._label)
        pairs, which = np.unique(ends.min(axis=0) * span + ends.max(axis=0), return_inverse=True)
        near, far = pairs // span, pairs % span
        strongest = np.full(len(pairs), -np.inf)
        np.maximum.at(strongest, which, weight)
        total = np.zeros(len(pairs), np.int64)
        np.add.at(total, which, weight - self._missing)
        size = {label: len(self._cluster(label)) for label in {*near.tolist(), *far.tolist()}}
        sizes = np.array([size[a] * size[b] for a, b in zip(near.tolist(), far.tolist(), strict=True)])
        similar = total / sizes + self._missing >= self._link
        crossing = (strongest >= self._link) & (strongest >= np.minimum(self._low[near], self._low[far]))
        bad = (similar | crossing) & ~np.isin(pairs, proved[:, 0] * span + proved[:, 1])
        return np.stack((near[bad], far[bad]), axis=1)
