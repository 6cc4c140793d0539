"""Pairs of nodes side by side, and how their texts are measured."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from services.linkage.matching.columns import Codes, Columns, Vocabulary

Nodes = NDArray[np.int64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
"""Value ids as indices: arrays that are looked up with any others are converted first, each time."""
T = TypeVar("T")
Judged = tuple[Codes, Codes]
"""Level and rarity of each pair in one field. The rarity is the commoner value's, in eighths of a bit."""

NEAR: Final = np.float32(0.9)
"""The Jaro–Winkler similarity from which texts are alike."""


class Pairs:
    """Value ids of both sides of n pairs of nodes."""

    def __init__(self, columns: Columns, left: Nodes, right: Nodes) -> None:
        self._columns, self._size = columns, len(left)
        self._left, self._right = (np.ascontiguousarray(columns.ids.take(nodes, axis=0).T) for nodes in (left, right))
        self._both = (self._left > 0) & (self._right > 0)
        self._apart = self._both & (self._left != self._right)
        self._borne = np.asarray(self._both.any(axis=1)).tolist()
        self._measured: dict[Callable[[Pairs], Any], Any] = {}
        self._met: dict[int, tuple[Ids, Ids]] = {}

    def __len__(self) -> int:
        return self._size

    def bear(self, trait: str) -> bool:
        """Whether any pair has a value of the trait on both sides."""
        return bool(self._borne[self._columns.at[trait]])

    def of(self, trait: str) -> tuple[Ids, Ids]:
        """The ids of one trait's values, 0 where a node has none."""
        at = self._columns.at[trait]
        if at not in self._met:
            self._met[at] = self._left[at].astype(np.intp), self._right[at].astype(np.intp)
        return self._met[at]

    def both(self, trait: str) -> Mask:
        """Which pairs have a value of the trait on both sides."""
        found: Mask = self._both[self._columns.at[trait]]
        return found

    def apart(self, trait: str) -> Nodes:
        """The pairs whose two values of the trait differ."""
        found: Nodes = self._apart[self._columns.at[trait]].nonzero()[0]
        return found

    def once(self, measure: Callable[["Pairs"], T]) -> T:
        """What several judges measure alike."""
        if measure not in self._measured:
            self._measured[measure] = measure(self)
        found: T = self._measured[measure]
        return found

    def levels(self, trait: str, different: int) -> tuple[Codes, Nodes]:
        """0 where a side has no value, 1 where they are the same, else `different`; and the places of those last."""
        return leveled(self.both(trait), self.apart(trait), different)

    def vocabulary(self, sort: str) -> Vocabulary:
        """The values of one sort."""
        return self._columns.vocabularies[sort]


def leveled(known: Mask, apart: Nodes, different: int) -> tuple[Codes, Nodes]:
    """0 where nothing is known of a pair, `different` at those places where a known one is apart, else 1; and these."""
    level = known.astype(np.uint8)
    level[apart] = different
    return level, apart


def within(vocabulary: Vocabulary, left: Ids, right: Ids, edits: int) -> Codes:
    """Optimal string alignment distance (a transposition is one edit), `edits + 1` for anything farther."""
    texts = vocabulary.texts
    found: Codes = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=OSA.distance, score_cutoff=edits, dtype=np.uint8
    )
    return found


def likeness(vocabulary: Vocabulary, left: Ids, right: Ids) -> NDArray[np.float32]:
    """Jaro–Winkler similarity, 0 below .7."""
    texts = vocabulary.texts
    found: NDArray[np.float32] = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=JaroWinkler.similarity, score_cutoff=0.7, dtype=np.float32
    )
    return found


def commoner(vocabulary: Vocabulary, field: str, left: Ids, right: Ids) -> Codes:
    """The smaller rarity of two values."""
    rarity = vocabulary.rarity[field]
    return np.minimum(rarity[left], rarity[right])


def among(value: Ids, others: list[Ids]) -> Mask:
    """Whether the value is present and equals one of the others."""
    found = np.zeros(len(value), np.bool_)
    for other in others:
        found |= value == other
    return found & (value > 0)
