"""Questions people ask of the index in memory: whom may this be, which pairs should a steward look at, which pairs are
strong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.blocking import Blocks
from services.linkage.index.edges import DEAD, Edges
from services.linkage.index.keys import block_keys
from services.linkage.index.nodes import Nodes
from services.linkage.index.partition import Partition
from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import compare
from services.linkage.matching.match import Matcher
from services.linkage.reading.normal import Traits

Ints = NDArray[np.int64]
MOST_COMPARED = 2_000
"""Nodes that one search compares: the rarest keys' first."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two records whose nodes an edge between the review and the link threshold joins, in different entities. ``moves``
    is how many records change hands if they are one."""

    left: UUID
    right: UUID
    millibits: int
    moves: int


def find(
    asked: Traits, matcher: Matcher, columns: Columns, blocks: Blocks, nodes: Nodes, limit: int
) -> list[tuple[UUID, int]]:
    """Records that share a block key with traits that no node need have, and their weights; the likeliest first.

    Overflowing keys count too, the rarest keys first, up to ``MOST_COMPARED`` nodes.
    """
    probe = Columns(matcher.model.frequencies())
    keys = np.unique(block_keys(probe, probe.append([asked])))
    found = blocks.holding(keys[keys > 0], MOST_COMPARED)
    if not len(found):
        return []
    others = probe.append([columns.traits(node) for node in found.tolist()])
    weights = matcher.weigh(*compare(probe, np.zeros(len(others), np.int64), others))
    best = np.argsort(-weights, kind="stable")[:limit]
    said = [(record, int(weights[at])) for at in best.tolist() for record in nodes.bearers(int(found[at]))]
    return said[:limit]


def doubts(
    edges: Edges, nodes: Nodes, partition: Partition, entity_of: Mapping[UUID, UUID],
    members: Mapping[UUID, tuple[UUID, ...]], review: int, limit: int,
) -> list[Doubt]:  # fmt: skip
    """At most ``limit`` pairs of entities that an edge above ``review`` millibits does not make one, one edge a pair of
    entities: those nearest to even odds."""
    weight = edges.weight[: edges.size]
    open_ = np.flatnonzero((weight >= review) & (weight != DEAD))
    ends = edges.left[open_], edges.right[open_]
    # Where only rules join no score speaks; and most strong edges are within an entity.
    open_ = open_[~(nodes.strict[ends[0]] | nodes.strict[ends[1]] | partition.together(*ends))]
    found: dict[tuple[UUID, UUID], Doubt] = {}
    for at in open_[np.argsort(-weight[open_], kind="stable")].tolist():
        borne = [nodes.bearers(int(node)) for node in (edges.left[at], edges.right[at])]
        if not all(borne):
            continue
        left, right = borne[0][0], borne[1][0]
        one, other = sorted((entity_of[left], entity_of[right]))
        if one != other and (one, other) not in found:
            moves = min(len(members[one]), len(members[other]))
            found[one, other] = Doubt(left, right, int(weight[at]), moves)
    return sorted(found.values(), key=lambda doubt: (abs(doubt.millibits), doubt.left, doubt.right))[:limit]


def strong(edges: Edges, nodes: Nodes, least: int) -> Iterator[tuple[UUID, UUID]]:
    """Pairs of records that weigh at least so many millibits on their own, each once."""
    found = np.flatnonzero(edges.weight[: edges.size] >= least)
    for left, right in zip(edges.left[found].tolist(), edges.right[found].tolist(), strict=True):
        yield from product(nodes.bearers(left), nodes.bearers(right))
    for node in np.flatnonzero(~nodes.thin[: nodes.count]).tolist():
        yield from combinations(nodes.bearers(node), 2)
