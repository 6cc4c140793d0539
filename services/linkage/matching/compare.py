"""How far two records agree, field by field: arrays of node pairs in, arrays of agreement levels out.

Level 0 is "cannot say" (a side has no value), level 1 the fullest agreement; `LEVELS` names them all. Every level is a
function of the two nodes' traits only. String measures are rapidfuzz's.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from services.linkage.matching import compare_names as names
from services.linkage.matching import compare_values as values
from services.linkage.matching.columns import Codes, Columns
from services.linkage.matching.pairs import Nodes, Pairs

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
    # field → the trait without which there is nothing to judge, and who judges
    "given": ("given", names.given), "family": ("family", names.family), "middle": ("middle_1", names.middle),
    "sex": ("sex", values.flag("sex")), "year": ("date", values.year), "postcode": ("postcode", values.postcode),
    "address": ("street", values.address), "town": ("town", values.text("town")),
    "uprn": ("uprn", values.flag("uprn")), "phone": ("phone_1", values.phone), "email": ("email", values.email),
    "nhs_number": ("nhs_number", values.code("nhs_number")), "nino": ("nino", values.code("nino")),
    "reference": ("reference", values.code("reference")), "vehicle": ("vehicle", values.code("vehicle")),
    "birth_place": ("birth_place", values.text("birth_place")),
    "occupation": ("occupation", values.text("occupation")), "source": ("source", values.source),
    "age": ("source", values.age),
}  # fmt: skip
_GIVEN, _FAMILY, _MIDDLE, _YEAR, _DAY = map(FIELDS.index, ("given", "family", "middle", "year", "day"))


def compare(columns: Columns, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
    """Levels and rarities of n pairs: two uint8 arrays of shape (fields, n)."""
    levels = np.zeros((len(FIELDS), len(left)), np.uint8)
    rarities = np.zeros_like(levels)
    pairs = Pairs(columns, left, right)
    for at, field in enumerate(FIELDS):
        if field in _JUDGES and pairs.bear(_JUDGES[field][0]):
            levels[at], rarities[at] = _JUDGES[field][1](pairs)
    if levels[_YEAR].any():
        levels[_DAY], rarities[_DAY] = values.day(pairs, levels[_YEAR])
    given, family = (levels[_GIVEN], rarities[_GIVEN]), (levels[_FAMILY], rarities[_FAMILY])
    names.settle_lone_names(pairs, given, family)
    names.settle_swapped_names(pairs, given, family)
    names.settle_called_by_middle_name(pairs, given, levels[_MIDDLE])
    return levels, rarities
