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

from services.linkage.matching.arrays import runs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

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
    count: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, rank: NDArray[np.uint64], link: int, missing: int
) -> Clustering:
    """Cluster `count` items by n edges (each pair at most once). Ranks are distinct integers ≥ 0."""
    if not (weight >= link).any():  # no mean of what is less than `link` reaches it
        return Clustering(np.arange(count), np.full(count, np.inf), np.full(count, np.inf))
    state = _State(count, left, right, weight, conflict, rank, link, missing)
    while state.merge():
        pass
    return Clustering(state.label, state.first, state.low)


class _State:
    def __init__(
        self, count: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, rank: NDArray[np.uint64],
        link: int, missing: int,
    ) -> None:  # fmt: skip
        self.label: Ints = np.arange(count)
        self.first: Floats = np.full(count, np.inf)
        self.low: Floats = np.full(count, np.inf)
        self._size: Ints = np.ones(count, np.int64)
        self._rank: Ints = np.empty(count, np.int64)
        self._rank[np.argsort(rank)] = np.arange(count)
        self._left, self._right, self._sum, self._conflict = left, right, weight - missing, conflict
        self._link, self._missing = link, missing

    def merge(self) -> bool:
        """Merge every two clusters that are each other's best; whether there were any."""
        left, right = self._left, self._right
        one, other = self._size[left], self._size[right]
        again = self._conflict * (np.minimum(one, other) - 1)
        similarity = (self._sum + again) / (one * other) + self._missing
        likely = (similarity >= self._link).nonzero()[0]
        if not likely.size:
            return False
        best = np.full(len(self.label), -np.inf)
        one = np.concatenate((left[likely], right[likely]))
        other = np.concatenate((right[likely], left[likely]))
        likely_similarity = np.concatenate((similarity[likely], similarity[likely]))
        np.maximum.at(best, one, likely_similarity)
        equal = likely_similarity == best[one]
        into, gone = self._mutual(one[equal], other[equal])
        self._merge(into, gone, best[into])
        # What is similar to nothing now will never be: a merged cluster is no more similar than its parts were.
        open_ = (best[left] >= self._link) & (best[right] >= self._link)
        self._fold(left[open_], right[open_], self._sum[open_], self._conflict[open_])
        return True

    def _mutual(self, one: Ints, best: Ints) -> tuple[Ints, Ints]:
        """Clusters that are each other's best, the smaller label first; of equally good ones that of smallest rank."""
        count = len(self.label)
        choice = np.full(count, count)
        np.minimum.at(choice, one, self._rank[best])
        chooses = (choice < count).nonzero()[0]
        holder = np.empty(count, np.int64)
        holder[self._rank[chooses]] = chooses
        partner = np.full(count, -1)
        partner[chooses] = holder[choice[chooses]]
        into = chooses[(partner[chooses] > chooses) & (partner[partner[chooses]] == chooses)]
        return into, partner[into]

    def _merge(self, into: Ints, gone: Ints, level: Floats) -> None:
        single, other_single = self._size[into] == 1, self._size[gone] == 1
        self.first[into[single]], self.first[gone[other_single]] = level[single], level[other_single]
        later = np.where(single & other_single, np.inf, level)
        self.low[into] = np.minimum(np.minimum(self.low[into], self.low[gone]), later)
        self._size[into] += self._size[gone]
        self._rank[into] = np.minimum(self._rank[into], self._rank[gone])
        self._moved = np.arange(len(self.label))
        self._moved[gone] = into
        self.label = self._moved[self.label]

    def _fold(self, left: Ints, right: Ints, evidence: Ints, conflict: Ints) -> None:
        """Edges between the same two clusters become one."""
        left, right = self._moved[left], self._moved[right]
        apart = left != right
        low, high = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
        codes, evidence, conflict = low * len(self.label) + high, evidence[apart], conflict[apart]
        order, first = runs(codes)
        codes = codes[order[first]]
        self._left, self._right = codes // len(self.label), codes % len(self.label)
        self._sum = np.add.reduceat(evidence[order], first) if first.size else evidence
        self._conflict = np.add.reduceat(conflict[order], first) if first.size else conflict
