"""Average-link clustering of weighted edges, whole or in part, with one result whatever the order.

The similarity of two clusters is the mean weight over all pairs between them; a pair without an edge counts `missing`.
What lasting traits say against a pair (its `conflict`) is in its weight once, as a slip of one record. Where both
clusters have n records it would have slipped n times, each time alike: so the mean conflict counts once more for each
record after the first of the smaller cluster. Twins, and father and son of one name, part by that.

The most similar clusters merge while their similarity is at least `link`. Average link is reducible (a merged one is
never more similar to a third than the better of its parts was; conflict, which grows with size, keeps that so), so any
two clusters that are each other's most similar may merge at once, and what is far away cannot matter (Müllner 2011,
"Modern hierarchical, agglomerative clustering algorithms"). Sums are of integers, ties fall to the smaller rank: the
partition is a function of the edges and ranks.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Ranks = NDArray[np.uint64]

MUST: Final = 1 << 44
MUST_NOT: Final = -(1 << 40)
"""Weights of what a steward decided: above and below any mean that scores can reach; MUST outweighs MUST NOT."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """`label[i]` is the smallest member of i's cluster; `first[i]` the similarity at which i first merged; `low[label]`
    the least at which a part of two items or more merged in the cluster. Where there was no such merge they are ∞."""

    label: Ints
    first: Floats
    low: Floats


def agglomerate(
    count: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, rank: Ranks, link: int, missing: int
) -> Clustering:
    """Cluster `count` items by n edges (each pair at most once). Ranks are distinct integers ≥ 0."""
    left, right, weight, conflict = map(np.ascontiguousarray, (left, right, weight, conflict))
    return Clustering(*clustered(count, left, right, weight, conflict, rank.astype(np.uint64), link, missing))


@compiled
def clustered(
    count: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, ranks: Ranks, link: int, missing: int
) -> tuple[Ints, Floats, Floats]:
    """As ``agglomerate``, of contiguous arrays: label, first and low.

    In each round every two clusters that are each other's best merge into the one of the smaller label.
    """
    into, size, rank = np.empty(count, np.int64), np.empty(count, np.int64), ranks.copy()
    first, low, best = np.empty(count), np.empty(count), np.empty(count)
    choice, newest, place = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    for item in range(count):
        into[item], size[item], newest[item], place[item] = item, 1, -1, 0
        first[item] = low[item] = np.inf
    one, other, said, against = left.copy(), right.copy(), weight - missing, conflict.copy()
    while _choose(one, other, said, against, size, rank, link, missing, best, choice):
        for at in range(len(one)):
            if choice[one[at]] == other[at] and choice[other[at]] == one[at]:
                _merge(min(one[at], other[at]), max(one[at], other[at]), best[one[at]], into, size, rank, first, low)
        one, other, said, against = _folded(one, other, said, against, best, link, into, newest, place)
    for item in range(count):  # what an item went into is smaller, so its label is known before
        into[item] = into[into[item]]
    return into, first, low


@compiled
def _choose(
    one: Ints, other: Ints, said: Ints, against: Ints, size: Ints, rank: Ranks, link: int, missing: int, best: Floats,
    choice: Ints,
) -> bool:  # fmt: skip
    """Find for each cluster the best one to merge with, of equally good ones that of the smallest rank; is there any
    for any?"""
    for at in range(len(one)):
        best[one[at]] = best[other[at]] = -np.inf
        choice[one[at]] = choice[other[at]] = -1
    found = False
    for at in range(len(one)):
        a, b = one[at], other[at]
        alike = similarity(said[at], against[at], size[a], size[b], missing)
        if alike >= link:
            found = True
            _prefer(a, b, alike, rank, best, choice)
            _prefer(b, a, alike, rank, best, choice)
    return found


@compiled
def similarity(said: int, against: int, size: int, other_size: int, missing: int) -> float:
    """Of two clusters: what their edges say above what none would, and the conflict in it."""
    again = against * (min(size, other_size) - 1)
    return (said + again) / (size * other_size) + missing


@compiled
def _prefer(cluster: int, to: int, alike: float, rank: Ranks, best: Floats, choice: Ints) -> None:
    if alike < best[cluster]:
        return
    if alike == best[cluster]:
        held = choice[cluster]
        if rank[held] < rank[to] or (rank[held] == rank[to] and held < to):
            return
    best[cluster], choice[cluster] = alike, to


@compiled
def _merge(
    kept: int, gone: int, level: float, into: Ints, size: Ints, rank: Ranks, first: Floats, low: Floats
) -> None:  # fmt: skip
    """Two clusters become one, at a level of similarity."""
    if size[kept] == 1:
        first[kept] = level
    if size[gone] == 1:
        first[gone] = level
    later = level if size[kept] > 1 or size[gone] > 1 else np.inf
    low[kept] = min(low[kept], low[gone], later)
    size[kept] += size[gone]
    rank[kept] = min(rank[kept], rank[gone])
    into[gone] = kept


@compiled
def _folded(
    one: Ints, other: Ints, said: Ints, against: Ints, best: Floats, link: int, into: Ints, newest: Ints, place: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """The edges that may still count, as edges between the clusters that there are now: those between the same two
    become one.

    What is similar to nothing now will never be: a merged cluster is no more similar than its parts were. The edges of
    the smaller cluster are brought together by a chain of them (`newest` begins it, and is −1 before and after), and
    among them the larger one is found by the `place` it had last.
    """
    before = np.empty(len(one), np.int64)
    kept = 0
    for at in range(len(one)):
        if best[one[at]] >= link and best[other[at]] >= link and into[one[at]] != into[other[at]]:
            a, b = into[one[at]], into[other[at]]
            one[kept], other[kept], said[kept], against[kept] = min(a, b), max(a, b), said[at], against[at]
            before[kept], newest[one[kept]] = newest[one[kept]], kept
            kept += 1
    smaller, larger = np.empty(kept, np.int64), np.empty(kept, np.int64)
    sums, conflicts = np.empty(kept, np.int64), np.empty(kept, np.int64)
    count = 0
    for start in range(kept):
        cluster, begun = one[start], count
        at = newest[cluster]
        newest[cluster] = -1
        while at >= 0:
            found = place[other[at]]
            if not (begun <= found < count and larger[found] == other[at]):
                found, count = count, count + 1
                place[other[at]], smaller[found], larger[found] = found, cluster, other[at]
                sums[found] = conflicts[found] = 0
            sums[found] += said[at]
            conflicts[found] += against[at]
            at = before[at]
    return smaller[:count], larger[:count], sums[:count], conflicts[:count]
