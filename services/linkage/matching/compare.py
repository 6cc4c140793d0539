"""How far two records agree, field by field: arrays of node pairs in, arrays of agreement levels out.

Level 0 is "cannot say" (a side has no value), level 1 the fullest agreement; `LEVELS` names them all. Every level is a
function of the two nodes' traits only. String measures are rapidfuzz's.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from services.linkage.matching import compare_names as names
from services.linkage.matching import compare_values as values
from services.linkage.matching.columns import RARE, Codes, Columns
from services.linkage.matching.pairs import Judged, Nodes, Pairs
from services.linkage.reading.normal import TRAITS

_CODE = ("same", "one edit", "alike", "different")
_TEXT = ("same", "alike", "shares a word", "different")
_DAYS = ("same", "swapped", "one edit", "within a month", "different")
_YEARS = ("same", "one edit", "two edits", "different", "a generation apart")

DAYS: Final = len(_DAYS)
"""Levels of the day beside each of the year."""

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "given": ("same", "diminutive", "one edit", "alike", "initial", "found in another name", "sounds alike",
              "different", "swapped with the family name"),
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

_JUDGES: Final[Mapping[str, tuple[str, values.Judge]]] = {
    # field → the trait that says the same, or not; and who judges two values of it that differ
    "given": ("given", names.given), "family": ("family", names.family), "sex": ("sex", values.flag),
    "year": ("date", values.year), "postcode": ("postcode", values.postcode), "address": ("street", values.street),
    "town": ("town", values.text("town")), "uprn": ("uprn", values.flag), "email": ("email", values.email),
    "nhs_number": ("nhs_number", values.code("nhs_number")), "nino": ("nino", values.code("nino")),
    "reference": ("reference", values.code("reference")), "vehicle": ("vehicle", values.code("vehicle")),
    "birth_place": ("birth_place", values.text("birth_place")),
    "occupation": ("occupation", values.text("occupation")),
}  # fmt: skip
_SETTLED: Final[Mapping[str, tuple[str, Callable[[Pairs, Judged], None]]]] = {
    # field → the trait without which there is nothing to say; and who says what more there is to it than one value
    "given": ("given", names.settle_initials), "middle": ("middle_1", names.settle_middle),
    "address": ("street", values.settle_address), "phone": ("phone_1", values.settle_phone),
    "source": ("source", values.settle_source), "age": ("source", values.settle_age),
}  # fmt: skip
_GIVEN, _FAMILY, _MIDDLE, _YEAR, _DAY, _ADDRESS, _SOURCE = map(
    FIELDS.index, ("given", "family", "middle", "year", "day", "address", "source")
)
_JUDGED: Final = [FIELDS.index(field) for field in _JUDGES]
_OF_JUDGED: Final = [TRAITS.index(trait) for trait, _ in _JUDGES.values()]
_RARE: Final = [FIELDS.index(field) for field in RARE]
_SELVES: Final = [*_JUDGED, _DAY, FIELDS.index("phone")]
_OF_SELVES: Final = [*_OF_JUDGED, TRAITS.index("date"), TRAITS.index("phone_1")]


def compare(columns: Columns, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
    """Levels and rarities of n pairs: two uint8 arrays of shape (fields, n)."""
    levels = np.zeros((len(FIELDS), len(left)), np.uint8)
    rarities = np.zeros_like(levels)
    pairs = Pairs(columns, left, right)
    levels[_JUDGED] = pairs.known[_OF_JUDGED]
    rarities[_RARE] = pairs.commoner()
    for at, (trait, judge) in zip(_JUDGED, _JUDGES.values(), strict=True):
        if pairs.differ(trait):
            apart = pairs.apart(trait)
            levels[at, apart] = judge(pairs, apart)
    for field, (trait, settle) in _SETTLED.items():
        if pairs.bear(trait):
            at = FIELDS.index(field)
            settle(pairs, (levels[at], rarities[at]))
    if pairs.bear("date"):
        values.settle_day(pairs, levels[_DAY], levels[_YEAR])
    given, family = (levels[_GIVEN], rarities[_GIVEN]), (levels[_FAMILY], rarities[_FAMILY])
    names.settle_lone_names(pairs, given, family)
    names.settle_swapped_names(pairs, given, family)
    names.settle_called_by_middle_name(pairs, given, levels[_MIDDLE])
    return levels, rarities


def itself(columns: Columns, nodes: Nodes) -> tuple[Codes, Codes]:
    """What ``compare`` says of n nodes and themselves, but for `KEPT`, of which it says nothing: all that a node has is
    the same, and nothing need be compared for that."""
    levels = np.zeros((len(FIELDS), len(nodes)), np.uint8)
    rarities = np.zeros_like(levels)
    ids = columns.ids.take(nodes, axis=0).T
    levels[_SELVES] = ids[_OF_SELVES] > 0
    rarities[_RARE] = columns.rarities.take(nodes, axis=0).T
    rarities[_SOURCE] = 0
    length, digits = columns.vocabularies["name"].part["length"], columns.vocabularies["date"].part["day_digits"]
    levels[_GIVEN][length[ids[columns.at["given"]]] == 1] = names.INITIAL
    levels[_DAY] *= digits[ids[columns.at["date"]]] > 0
    middles = ids[names.MIDDLES]
    levels[_MIDDLE] = (middles[0] > 0) * np.where((length[middles] > 1).any(axis=0), np.uint8(1), np.uint8(2))
    values.count_number(rarities[_ADDRESS], ids[columns.at["number"]] > 0)
    return levels, rarities
