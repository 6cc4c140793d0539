"""Pairs of nodes side by side, and how their texts are measured."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from services.linkage.matching.columns import RARE, Codes, Columns, Vocabulary

Nodes = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.int32]
Ids = NDArray[np.intp]
"""Value ids as indices: arrays that are looked up with any others are converted first, each time."""
T = TypeVar("T")
Judged = tuple[Codes, Codes]
"""Level and rarity of each pair in one field, which may be changed. The rarity is the commoner value's, in eighths of a
bit."""

_RARE: Final = tuple(RARE)
NEAR: Final = np.float32(0.9)
"""The Jaro–Winkler similarity from which texts are alike."""
FEW: Final = 256
"""Texts that are measured as quickly as it is found which of them could be alike."""


class Pairs:
    """Value ids of both sides of n pairs of nodes. Where two values are the same, or one is not there, is told of all
    traits at once; a judge looks only at those of its field that differ."""

    def __init__(self, columns: Columns, left: Nodes, right: Nodes) -> None:
        self._columns, self._size = columns, len(left)
        self.left, self.right = (np.ascontiguousarray(columns.ids.take(nodes, axis=0).T) for nodes in (left, right))
        self.known = (self.left > 0) & (self.right > 0)
        self._apart = self.known & (self.left != self.right)
        self._borne, self._differ = (np.asarray(some.any(axis=1)).tolist() for some in (self.known, self._apart))
        self._rarities = columns.rarities.take(left, axis=0), columns.rarities.take(right, axis=0)
        self._measured: dict[Callable[[Pairs], Any], Any] = {}

    def __len__(self) -> int:
        return self._size

    def bear(self, trait: str) -> bool:
        """Whether any pair has a value of the trait on both sides."""
        return bool(self._borne[self._columns.at[trait]])

    def differ(self, trait: str) -> bool:
        """Whether any pair has two values of the trait that differ."""
        return bool(self._differ[self._columns.at[trait]])

    def of(self, trait: str) -> tuple[Values, Values]:
        """The ids of one trait's values, 0 where a node has none."""
        at = self._columns.at[trait]
        return self.left[at], self.right[at]

    def some(self, trait: str, pairs: Nodes) -> tuple[Ids, Ids]:
        """The same of some pairs, to look up what derives from the values."""
        left, right = self.of(trait)
        return left.take(pairs).astype(np.intp), right.take(pairs).astype(np.intp)

    def slots(self, traits: slice, pairs: Nodes) -> tuple[Values, Values]:
        """The ids of several neighbouring traits' values of some pairs, a trait a row."""
        return self.left[traits].take(pairs, axis=1), self.right[traits].take(pairs, axis=1)

    def rarity(self, field: str) -> tuple[Codes, Codes]:
        """How rare each side's value of one field is."""
        at = _RARE.index(field)
        left, right = self._rarities
        return left[:, at], right[:, at]

    def both(self, trait: str) -> Mask:
        """Which pairs have a value of the trait on both sides."""
        found: Mask = self.known[self._columns.at[trait]]
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

    def commoner(self) -> Codes:
        """The smaller rarity of each two values, shape (`columns.RARE`, n)."""
        return np.minimum(*self._rarities).T

    def vocabulary(self, sort: str) -> Vocabulary:
        """The values of one sort."""
        return self._columns.vocabularies[sort]


def within(vocabulary: Vocabulary, left: Ids, right: Ids, edits: int) -> Codes:
    """Optimal string alignment distance (a transposition is one edit), `edits + 1` for anything farther."""
    texts = vocabulary.texts
    found: Codes = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=OSA.distance, score_cutoff=edits, dtype=np.uint8
    )
    return found


def likeness(vocabulary: Vocabulary, left: Ids, right: Ids, least: np.float32) -> NDArray[np.float32]:
    """Jaro–Winkler similarity; 0 where it is below .7, and maybe where it is below `least`, which is more than that."""
    if len(left) <= FEW:
        return _likeness(vocabulary, left, right)
    found = np.zeros(len(left), np.float32)
    some = _may_be_like(vocabulary, left, right, least).nonzero()[0]
    found[some] = _likeness(vocabulary, left[some], right[some])
    return found


def _likeness(vocabulary: Vocabulary, left: Ids, right: Ids) -> NDArray[np.float32]:
    texts = vocabulary.texts
    found: NDArray[np.float32] = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=JaroWinkler.similarity, score_cutoff=0.7, dtype=np.float32
    )
    return found


def _may_be_like(vocabulary: Vocabulary, left: Ids, right: Ids, least: np.float32) -> Mask:
    """Whether two texts' letters allow that they are as like as that: those of most do not.

    Of texts of a and b letters, m of them in common, Jaro's similarity is at most (m/a + m/b + 1) / 3; to one above .7
    Winkler's adds at most .4 of what it lacks. A letter that the other text has nowhere is not in common.
    """
    letters, length = vocabulary.part["letters"], vocabulary.part["length"]
    one, other, a, b = letters[left], letters[right], length[left], length[right]
    common = np.minimum(a - np.bitwise_count(one & ~other), b - np.bitwise_count(other & ~one))
    jaro = max(0.7, (float(least) - 0.4) / 0.6) - 1e-6
    return np.asarray(common * (a + b) >= (3 * jaro - 1) * (a * b))


def commoner(vocabulary: Vocabulary, field: str, left: Ids, right: Ids) -> Codes:
    """The smaller rarity of two values."""
    rarity = vocabulary.rarity[field]
    return np.minimum(rarity[left], rarity[right])


def meet(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Whether any of the values of each column, shape (k, n), is there and among those of `others`, shape (l, n)."""
    return np.asarray(((values[:, None] == others) & (values > 0)[:, None]).any(axis=(0, 1)))
