"""Average-link clustering of weighted edges, whole or in part, with one result whatever the order.

The similarity of two clusters is the mean weight over all pairs between them; a pair without an edge counts `missing`.
The most similar clusters merge while their similarity is at least `link`. Average link is reducible (a merged one is
never more similar to a third than the better of its parts was), so any two clusters that are each other's most similar
may merge at once, and what is far away cannot matter (Müllner 2011, "Modern hierarchical, agglomerative clustering
algorithms"). Sums are of integers, ties fall to the smaller rank: the partition is a function of the edges and ranks.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MUST: Final = 1 << 44
MUST_NOT: Final = -(1 << 40)
"""Weights of what a steward decided: above and below any mean that scores can reach; MUST outweighs MUST NOT."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """`label[i]` is the smallest member's position of i's cluster; `low[label]` is its weakest merge (∞ when alone)."""

    label: Ints
    low: Floats


def agglomerate(
    count: int, left: Ints, right: Ints, weight: Ints, rank: NDArray[np.uint64], link: int, missing: int
) -> Clustering:
    """Cluster `count` items by n edges (each pair at most once). Ranks are distinct integers ≥ 0."""
    state = _State(count, left, right, weight, rank, link, missing)
    while state.merge():
        pass
    return Clustering(state.label, state.low)


class _State:
    def __init__(
        self, count: int, left: Ints, right: Ints, weight: Ints, rank: NDArray[np.uint64], link: int, missing: int
    ) -> None:
        self.label: Ints = np.arange(count)
        self.low: Floats = np.full(count, np.inf)
        self._size: Ints = np.ones(count, np.int64)
        self._order = np.argsort(rank)
        self._rank: Ints = np.empty(count, np.int64)
        self._rank[self._order] = np.arange(count)
        self._left, self._right, self._sum = left, right, weight.astype(np.int64) - missing
        self._link, self._missing = link, missing

    def merge(self) -> bool:
        """Merge every two clusters that are each other's best; whether there were any."""
        left, right = self._left, self._right
        similarity = self._sum / (self._size[left] * self._size[right]) + self._missing
        likely = similarity >= self._link
        if not likely.any():
            return False
        into, gone, level = self._mutual(left[likely], right[likely], similarity[likely])
        self.low[into] = np.minimum(np.minimum(self.low[into], self.low[gone]), level)
        self._size[into] += self._size[gone]
        self._rank[into] = np.minimum(self._rank[into], self._rank[gone])
        moved = np.arange(len(self.label))
        moved[gone] = into
        self.label = moved[self.label]
        self._fold(moved[left], moved[right])
        return True

    def _mutual(self, left: Ints, right: Ints, similarity: Floats) -> tuple[Ints, Ints, Floats]:
        """Clusters that are each other's most similar: smaller label, larger label, similarity."""
        count = len(self.label)
        best = np.full(count, -np.inf)
        np.maximum.at(best, left, similarity)
        np.maximum.at(best, right, similarity)
        choice = np.full(count, count)
        for one, other in ((left, right), (right, left)):
            equal = similarity == best[one]
            np.minimum.at(choice, one[equal], self._rank[other[equal]])
        chooses = np.flatnonzero(choice < count)
        holder = np.full(count + 1, -1)
        holder[self._rank[chooses]] = chooses
        partner = holder[choice]
        into = chooses[(partner[chooses] > chooses) & (partner[partner[chooses]] == chooses)]
        return into, partner[into], best[into]

    def _fold(self, left: Ints, right: Ints) -> None:
        """Edges between the same two clusters become one."""
        apart = left != right
        low, high = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
        codes = low * len(self.label) + high
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        first = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if codes.size else order
        self._left, self._right = codes[first] // len(self.label), codes[first] % len(self.label)
        sums = self._sum[apart][order]
        self._sum = np.add.reduceat(sums, first) if codes.size else sums
