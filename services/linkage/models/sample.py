"""The pairs that a model learns from: candidates, and neighbours who are none.

Neighbours are candidates only where something else of theirs agrees, because too many share a postcode to compare them
all. Learning from candidates alone, one would find neighbours of one name too often and neighbours too seldom.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.blocking import Blocks
from services.linkage.matching.arrays import NONE, distinct, lengths, runs
from services.linkage.matching.columns import Columns

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST: Final = 400_000
"""Candidates that are enough to learn from."""
MOST_NEIGHBOURS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Sample:
    """n pairs of nodes, `left` < `right`, and how many of all pairs each stands for."""

    left: Ints
    right: Ints
    stands_for: Floats


def sample(columns: Columns, cap: int, random: np.random.Generator) -> Sample:
    """Pairs of all nodes of the columns, each at most once."""
    size = columns.size
    found = Blocks(columns, cap).change(NONE, np.arange(size)).fresh
    candidates = found.left * size + found.right
    neighbours, all_neighbours = _neighbours(columns, random)
    each = all_neighbours / max(len(neighbours), 1)
    neighbours = neighbours[~np.isin(neighbours, candidates)]
    chosen = candidates if len(candidates) <= MOST else candidates[random.permutation(len(candidates))[:MOST]]
    codes = np.concatenate((chosen, neighbours))
    stands_for = np.full(len(codes), len(candidates) / max(len(chosen), 1))
    stands_for[len(chosen) :] = each
    return Sample(codes // size, codes % size, stands_for)


def _neighbours(columns: Columns, random: np.random.Generator) -> tuple[Ints, int]:
    """Pairs of one postcode, or of one street where there are no postcodes, as left · nodes + right: a random sample,
    each once, and how many there are in all."""
    places = (columns.ids[: columns.size, columns.at[of]] for of in ("postcode", "street"))
    place = next((place for place in places if place.any()), NONE)
    held = place.nonzero()[0]
    order, starts = runs(place[held])
    sizes = lengths(starts, len(order))
    start, size = starts.repeat(sizes), sizes.repeat(sizes)
    ends = (size - 1).cumsum()
    if not len(ends) or not ends[-1]:
        return NONE, 0
    drawn = random.integers(0, ends[-1], MOST_NEIGHBOURS)
    one = ends.searchsorted(drawn, side="right")
    step = ends[one] - drawn  # 1 … size − 1
    other = start[one] + (one - start[one] + step) % size[one]
    pairs = np.sort(held[order[np.stack((one, other))]], axis=0)
    return distinct(pairs[0] * columns.size + pairs[1]), int(ends[-1]) // 2
