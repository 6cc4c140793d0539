"""How far two records agree, field by field: arrays of node pairs in, arrays of agreement levels out.

Level 0 is "cannot say" (a side has no value), level 1 the fullest agreement; `LEVELS` names them all. Every level is a
function of the two nodes' traits only. String measures are rapidfuzz's.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from services.linkage.compiled import compiled, inner
from services.linkage.matching import compare_values as values
from services.linkage.matching.columns import RARE, Codes, Columns
from services.linkage.matching.compare_names import ask_names, judge_names
from services.linkage.matching.compare_values import (
    BIRTH_PLACE,
    DATE,
    EMAIL,
    NHS_NUMBER,
    NINO,
    OCCUPATION,
    PHONE_1,
    PHONE_2,
    POSTCODE,
    REFERENCE,
    SEX,
    SOURCE,
    STREET,
    TOWN,
    UPRN,
    VEHICLE,
)
from services.linkage.matching.pairs import (
    FAR,
    Nodes,
    Parts,
    Row,
    Sheet,
    Similarities,
    Values,
    distances,
    similarities,
    values_of,
)
from services.linkage.reading.normal import TRAITS

_CODE = ("same", "one edit", "alike", "different")
_TEXT = ("same", "alike", "shares a word", "different")
_DAYS = ("same", "swapped", "one edit", "within a month", "different")
_YEARS = ("same", "one edit", "two edits", "different", "a generation apart")

DAYS: Final = len(_DAYS)
"""Levels of the day beside each of the year."""

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "given": ("same", "diminutive", "one edit", "alike", "initial", "found in another name", "sounds alike",
              "different", "swapped with the family name", "swapped with a further name"),
    "family": ("same", "one edit", "alike", "shares a part", "found in another name", "somewhat alike", "different"),
    "middle": ("shared", "alike or initial", "different"),
    "sex": ("same", "different"),
    "year": _YEARS,
    "day": tuple(f"{day}, year {year}" for year in _YEARS for day in _DAYS),
    "postcode": ("same", "one edit", "same sector", "same district", "same area", "different"),
    "address": ("same", "same but unit", "alike", "same street", "street alike", "number only", "different"),
    "town": _TEXT,
    "uprn": ("same", "different"),
    "phone": ("shared", "one edit", "different"),
    "email": ("same", "alike", "same before the @", "different"),
    "nhs_number": _CODE,
    "nino": _CODE,
    "reference": _CODE,
    "vehicle": _CODE,
    "birth_place": _TEXT,
    "occupation": _TEXT,
    "source": ("same", "different"),
    "age": ("known of one",),
}  # fmt: skip
FIELDS: Final = tuple(LEVELS)
KEPT: Final = ("source", "age")
"""Fields that are not what a record says but who keeps it: what they are worth is in `model.Sources`."""

_FIELDS: Final = len(FIELDS)
(
    _GIVEN, _FAMILY, _MIDDLE, _SEX, _YEAR, _DAY, _POSTCODE, _ADDRESS, _TOWN, _UPRN, _PHONE, _EMAIL, _NHS_NUMBER, _NINO,
    _REFERENCE, _VEHICLE, _BIRTH_PLACE, _OCCUPATION, _SOURCE, _AGE,
) = range(_FIELDS)  # fmt: skip
_RARE: Final = tuple(FIELDS.index(field) for field in RARE)
_RARE_PHONE, _RARE_SOURCE = map(tuple(RARE).index, ("phone", "source"))
_TRAITS: Final = len(TRAITS)
_LIKES, _EDITS = 8, 11
"""Similarities and distances that may be asked of a pair, at most."""
_AT_ONCE: Final = 8192
"""Pairs that are compared at once: few enough to stay in the processor's cache."""


def compare(columns: Columns, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
    """Levels and rarities of n pairs: two uint8 arrays of shape (fields, n), a pair's beside each other in memory."""
    left, right = _in_a_row(left), _in_a_row(right)
    known = values_of(columns)
    if len(left) <= _AT_ONCE:
        return _compare(columns, known, left, right)
    starts = range(0, len(left), _AT_ONCE)
    parts = [_compare(columns, known, left[at : at + _AT_ONCE], right[at : at + _AT_ONCE]) for at in starts]
    levels, rarities = (np.concatenate([one.T for one in side]).T for side in zip(*parts, strict=True))
    return levels, rarities


def _compare(columns: Columns, known: Values, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
    likes, edits = _ask(known, left, right)
    measured, counted = similarities(columns, likes), distances(columns, edits)
    levels, rarities = _judge(known, left, right, likes, measured, edits, counted)
    return levels.T, rarities.T


def itself(columns: Columns, nodes: Nodes) -> tuple[Codes, Codes]:
    """What ``compare`` says of n nodes and themselves, but for `KEPT`, of which it says nothing: all that a node has is
    the same, and nothing need be measured for that."""
    nodes = _in_a_row(nodes)
    levels, rarities = _judge(values_of(columns), nodes, nodes, *_NOTHING)
    levels[:, _SOURCE] = levels[:, _AGE] = 0
    return levels.T, rarities.T


_NOTHING: Final = (
    np.zeros((1, 4), np.int32), np.zeros(0, np.float32), np.zeros((1, 4), np.int32), np.zeros(0, np.uint8),
)  # fmt: skip


def _in_a_row(nodes: Nodes) -> Nodes:
    """As what is compiled takes them: for any others it would be compiled once more."""
    return np.ascontiguousarray(nodes, np.int64)


@compiled
def _ask(known: Values, left: Nodes, right: Nodes) -> tuple[Sheet, Sheet]:
    """Of which texts the similarity, and of which the distance may decide a level."""
    likes = np.empty((1 + _LIKES * len(left), 4), np.int32)
    edits = np.empty((1 + _EDITS * len(left), 4), np.int32)
    likes[0, 0] = edits[0, 0] = 0
    _ask_all(known, left, right, likes, edits)
    return likes, edits


@inner
def _ask_all(known: Values, left: Nodes, right: Nodes, likes: Sheet, edits: Sheet) -> None:
    for pair in range(len(left)):
        one, other = known.ids[left[pair]], known.ids[right[pair]]
        ask_names(likes, edits, pair, known.names, one, other)
        values.ask_values(likes, edits, pair, known, one, other)


@compiled
def _judge(
    known: Values, left: Nodes, right: Nodes, likes: Sheet, measured: Similarities, edits: Sheet, counted: Codes
) -> tuple[Codes, Codes]:
    """Levels and rarities of n pairs, shape (n, fields), once all is measured."""
    similar = np.zeros((len(left), _TRAITS), np.float32)
    apart = np.full((len(left), _TRAITS), FAR, np.uint8)
    for at in range(1, likes[0, 0] + 1):
        similar[likes[at, 0], likes[at, 1]] = measured[at - 1]
    for at in range(1, edits[0, 0] + 1):
        apart[edits[at, 0], edits[at, 1]] = counted[at - 1]
    levels = np.zeros((len(left), _FIELDS), np.uint8)
    rarities = np.zeros((len(left), _FIELDS), np.uint8)
    _judge_all(known, left, right, similar, apart, levels, rarities)
    return levels, rarities


@inner
def _judge_all(
    known: Values, left: Nodes, right: Nodes, similar: Similarities, apart: Codes, levels: Codes, rarities: Codes
) -> None:
    for pair in range(len(left)):
        one, other = known.ids[left[pair]], known.ids[right[pair]]
        rare, other_rare = known.rarities[left[pair]], known.rarities[right[pair]]
        like, edits, level, rarity = similar[pair], apart[pair], levels[pair], rarities[pair]
        for at in range(len(_RARE)):
            rarity[_RARE[at]] = min(rare[at], other_rare[at])  # the commoner value's
        _judge_names(known.names, known.rare_names, one, other, like, edits, level, rarity)
        _judge_dates(known.dates, one, other, level)
        _judge_places(known.streets, known.postcodes, one, other, like, edits, level, rarity)
        _judge_numbers(known.emails, one, other, edits, level)
        level[_TOWN] = values.text(known.towns, TOWN, one, other, like)
        level[_BIRTH_PLACE] = values.text(known.birth_places, BIRTH_PLACE, one, other, like)
        level[_OCCUPATION] = values.text(known.occupations, OCCUPATION, one, other, like)
        rarity[_PHONE] = rare[_RARE_PHONE] if values.shares_first(one, other) else known.rare_phones[one[PHONE_2], 0]
        _judge_keepers(known.dates, one, other, rare[_RARE_SOURCE], other_rare[_RARE_SOURCE], level, rarity)


@inner
def _judge_names(
    names: Parts, rare: Codes, one: Row, other: Row, similar: Similarities, apart: Codes, level: Codes, rarity: Codes
) -> None:
    given, family, middle, rare_given, rare_family = judge_names(names, rare, one, other, similar, apart)
    level[_GIVEN], level[_FAMILY], level[_MIDDLE] = given, family, middle
    if rare_given >= 0:
        rarity[_GIVEN] = rare_given
    if rare_family >= 0:
        rarity[_FAMILY] = rare_family


@inner
def _judge_dates(dates: Parts, one: Row, other: Row, level: Codes) -> None:
    years = values.year(dates, one, other)
    level[_YEAR], level[_DAY] = years, values.day(dates, one, other, years)


@inner
def _judge_places(
    streets: Parts, postcodes: Parts, one: Row, other: Row, similar: Similarities, apart: Codes, level: Codes,
    rarity: Codes,
) -> None:  # fmt: skip
    level[_ADDRESS] = values.address(streets, one, other, similar[STREET])
    rarity[_ADDRESS] = values.address_rarity(int(rarity[_ADDRESS]), values.is_numbered(one, other))
    level[_POSTCODE] = values.postcode(postcodes, one, other, apart[POSTCODE])
    level[_UPRN] = values.flag(UPRN, one, other)


@inner
def _judge_numbers(emails: Parts, one: Row, other: Row, apart: Codes, level: Codes) -> None:
    level[_SEX] = values.flag(SEX, one, other)
    level[_PHONE] = values.phone(one, other, apart[PHONE_1])
    level[_EMAIL] = values.email(emails, one, other, apart[EMAIL])
    level[_NHS_NUMBER] = values.code(NHS_NUMBER, one, other, apart)
    level[_NINO] = values.code(NINO, one, other, apart)
    level[_REFERENCE] = values.code(REFERENCE, one, other, apart)
    level[_VEHICLE] = values.code(VEHICLE, one, other, apart)


@inner
def _judge_keepers(
    dates: Parts, one: Row, other: Row, keeper: int, other_keeper: int, level: Codes, rarity: Codes
) -> None:
    """Who keeps the two records; and who the one without a date, if the other has one, and when that one was born."""
    if keeper > 0 and other_keeper > 0:
        level[_SOURCE] = values.flag(SOURCE, one, other)
    rarity[_SOURCE] = values.keepers(keeper, other_keeper)
    a, b = one[DATE], other[DATE]
    if (a == 0) != (b == 0):
        undated = keeper if a == 0 else other_keeper
        level[_AGE] = undated > 0
        rarity[_AGE] = values.keeper_and_cohort(undated, dates, max(a, b))
