"""Pairs of values side by side: which texts have to be measured, and what their measures are.

Rules are compiled and a measure is rapidfuzz's, which is not. So one walk over the pairs writes down whose measure may
change a level; all are taken at once, of whatever sort the values are; and a second walk judges.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from services.linkage.compiled import inner
from services.linkage.matching.columns import Codes, Columns, parts

Parts = NDArray[np.uint32]
"""What derives from the values of one sort (`Vocabulary.parts`)."""
Row = NDArray[np.int32]
"""The value ids of one node, a trait each."""
Nodes = NDArray[np.int64]
Sheet = NDArray[np.int32]
"""What to measure, a row each: of which pair, in the place of which trait, and the two texts. The first row counts the
others."""

Similarities = NDArray[np.float32]


def constants(numbers: Iterable[int]) -> list[Any]:
    """As numpy's numbers: a function is compiled once for all of those, but once for each of Python's constants that it
    is called with."""
    return list(np.array(list(numbers), np.int64))


TEXT, LETTERS, LENGTH = constants(parts("town")[name] for name in ("text", "letters", "length"))
"""Parts of every sort that is measured."""

SOMEWHAT, MUCH, NEAR = np.float32(0.7), np.float32(0.8), np.float32(0.9)
"""The Jaro–Winkler similarities from which texts are somewhat, much and very alike."""
NEVER: Final = np.float32(2)
"""More than any two texts' similarity."""
FAR: Final = 3
"""Edits between texts, when there are more than two."""
_SLACK: Final = 1e-6
"""For the rounding of similarities."""


class Values(NamedTuple):
    """The values of nodes (`Columns.ids`), what derives from those of each sort, and how rare they are."""

    ids: NDArray[np.int32]
    names: Parts
    dates: Parts
    postcodes: Parts
    streets: Parts
    towns: Parts
    phones: Parts
    emails: Parts
    nhs_numbers: Parts
    ninos: Parts
    references: Parts
    vehicles: Parts
    birth_places: Parts
    occupations: Parts
    rarities: Codes
    rare_names: Codes
    rare_phones: Codes


def values_of(columns: Columns) -> Values:
    """The columns as compiled functions take them."""
    of = columns.vocabularies
    return Values(
        columns.ids, of["name"].parts, of["date"].parts, of["postcode"].parts, of["street"].parts, of["town"].parts,
        of["phone"].parts, of["email"].parts, of["nhs_number"].parts, of["nino"].parts, of["reference"].parts,
        of["vehicle"].parts, of["birth_place"].parts, of["occupation"].parts,
        columns.rarities, of["name"].rarities, of["phone"].rarities,
    )  # fmt: skip


@inner
def differ(a: int, b: int) -> bool:
    """Whether two values are there, and not the same."""
    return a > 0 and b > 0 and a != b


@inner
def set_bits(bits: np.int64) -> np.int64:
    """How many of the 32 lowest bits are set (Warren, Hacker's Delight, 5–2)."""
    bits -= bits >> 1 & 0x55555555
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333)
    bits = bits + (bits >> 4) & 0x0F0F0F0F
    return np.int64(bits * 0x01010101 >> 24 & 0xFF)


@inner
def part(of: Parts, value: int, at: int) -> np.int64:
    """One part of a value, as a number that may be reckoned with."""
    return np.int64(of[value, at])


@inner
def may_be_like(of: Parts, one: int, other: int, jaro: float) -> bool:
    """Whether two texts' letters allow that Jaro's similarity is `jaro`: those of most do not.

    Of texts of a and b letters, m of them in common, it is at most (m/a + m/b + 1) / 3. A letter that the other text
    has nowhere is not in common.
    """
    letters, other_letters = part(of, one, LETTERS), part(of, other, LETTERS)
    a, b = part(of, one, LENGTH), part(of, other, LENGTH)
    common = min(a - set_bits(letters & ~other_letters), b - set_bits(other_letters & ~letters))
    return bool(common * (a + b) >= (3 * (jaro - _SLACK) - 1) * (a * b))


@inner
def jaro_for(similarity: np.float32, prefix: int) -> float:
    """The least Jaro similarity for one of Jaro and Winkler, of texts with at most so many first letters alike: to what
    is above .7, Winkler's adds for each of up to four a tenth of what is lacking."""
    return max(0.7, float(similarity - 0.1 * prefix) / (1 - 0.1 * prefix))


@inner
def may_be_near(of: Parts, one: int, other: int, edits: int) -> bool:
    """Whether two texts' letters allow that they are so few edits apart: each brings one letter in, or one out."""
    letters, other_letters = part(of, one, LETTERS), part(of, other, LETTERS)
    return bool(
        abs(part(of, one, LENGTH) - part(of, other, LENGTH)) <= edits
        and set_bits(letters & ~other_letters) <= edits
        and set_bits(other_letters & ~letters) <= edits
    )


@inner
def write(to: Sheet, pair: int, trait: int, of: Parts, one: int, other: int) -> None:
    """That two values of a sort are to be measured."""
    to[0, 0] += 1
    row = to[0, 0]
    to[row, 0], to[row, 1], to[row, 2], to[row, 3] = pair, trait, of[one, TEXT], of[other, TEXT]


def similarities(columns: Columns, asked: Sheet) -> Similarities:
    """Jaro–Winkler similarities, 0 below .7, which is not alike at all."""
    scores = cpdist(*_texts(columns, asked), scorer=JaroWinkler.similarity, score_cutoff=0.7, dtype=np.float32)
    return np.asarray(scores, np.float32)


def distances(columns: Columns, asked: Sheet) -> Codes:
    """Optimal string alignment distances (a transposition is one edit), `FAR` for anything farther than two."""
    scores = cpdist(*_texts(columns, asked), scorer=OSA.distance, score_cutoff=FAR - 1, dtype=np.uint8)
    return np.asarray(scores, np.uint8)


def _texts(columns: Columns, asked: Sheet) -> tuple[list[Any], list[Any]]:
    rows, texts = asked[1 : asked[0, 0] + 1], columns.texts
    return texts.take(rows[:, 2]).tolist(), texts.take(rows[:, 3]).tolist()
