"""How far two records agree, field by field: arrays of node pairs in, arrays of agreement levels out.

Level 0 is "cannot say" (a side has no value), level 1 the fullest agreement; `LEVELS` names them all. Every level is a
function of the two nodes' traits only. String measures are rapidfuzz's: OSA counts a transposition as one edit.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from services.linkage.columns import Codes, Columns, Ids, Vocabulary

Nodes = NDArray[np.int64]
Mask = NDArray[np.bool_]

_CODE = ("same", "one edit", "alike", "different")
_TEXT = ("same", "alike", "shares a word", "different")
_DAYS = ("same", "swapped", "one edit", "different")
_YEARS = ("same", "one edit", "two edits", "different")

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
}  # fmt: skip
FIELDS: Final = tuple(LEVELS)

Weigh = tuple[Codes, Codes]
"""Level and rarity of each pair in one field. The rarity is the commoner value's, in eighths of a bit."""


def compare(columns: Columns, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
    """Levels and rarities of n pairs: two uint8 arrays of shape (fields, n)."""
    levels = np.zeros((len(FIELDS), len(left)), np.uint8)
    rarities = np.zeros_like(levels)
    pairs = _Pairs(columns, columns.ids[left], columns.ids[right])
    for at, field in enumerate(FIELDS):
        if pairs.comparable(field):
            levels[at], rarities[at] = _COMPARE[field](pairs)
    _settle_lone_names(pairs, levels, rarities)
    _settle_swapped_names(pairs, levels, rarities)
    return levels, rarities


class _Pairs:
    """Value ids of both sides of n pairs."""

    def __init__(self, columns: Columns, left: Ids, right: Ids) -> None:
        self._columns, self._left, self._right = columns, left.T, right.T

    def __len__(self) -> int:
        return int(self._left.shape[1])

    def comparable(self, field: str) -> bool:
        """Whether any pair may have both values: a cheap way past columns that a data set does not have."""
        at = self._columns.at[_NEEDS[field]]
        return bool(self._left[at].any() and self._right[at].any())

    def of(self, trait: str) -> tuple[Ids, Ids]:
        at = self._columns.at[trait]
        return self._left[at], self._right[at]

    def vocabulary(self, sort: str) -> Vocabulary:
        return self._columns.vocabularies[sort]


_NEEDS: Final = {field: field for field in FIELDS} | {
    "middle": "middle_1", "year": "date", "day": "date", "address": "street", "phone": "phone_1",
}  # fmt: skip


def _empty(pairs: _Pairs) -> Codes:
    return np.zeros(len(pairs), np.uint8)


def _within(vocabulary: Vocabulary, left: Ids, right: Ids, edits: int) -> Codes:
    """Optimal string alignment distance, `edits + 1` for anything farther."""
    texts = vocabulary.texts
    found: Codes = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=OSA.distance, score_cutoff=edits, dtype=np.uint8
    )
    return found


def _likeness(vocabulary: Vocabulary, left: Ids, right: Ids) -> NDArray[np.float32]:
    """Jaro–Winkler similarity, 0 below .7."""
    texts = vocabulary.texts
    found: NDArray[np.float32] = cpdist(
        texts[left].tolist(), texts[right].tolist(), scorer=JaroWinkler.similarity, score_cutoff=0.7, dtype=np.float32
    )
    return found


def _rarity(vocabulary: Vocabulary, field: str, left: Ids, right: Ids) -> Codes:
    rarity = vocabulary.rarity[field]
    return np.minimum(rarity[left], rarity[right])


def _lengths(vocabulary: Vocabulary, values: Ids) -> NDArray[np.int64]:
    return np.fromiter(map(len, vocabulary.texts[values]), np.int64, len(values))


def _spelled(vocabulary: Vocabulary, left: Ids, right: Ids) -> Codes:
    """Names that differ: 1 one edit, 2 alike, 3 somewhat alike, 4 different."""
    like = _likeness(vocabulary, left, right)
    level = np.full(len(left), 4, np.uint8)
    level[like >= np.float32(0.8)] = 3
    level[like >= np.float32(0.9)] = 2
    near = np.flatnonzero(like > 0)
    if near.size:
        short = np.minimum(_lengths(vocabulary, left[near]), _lengths(vocabulary, right[near]))
        edits = _within(vocabulary, left[near], right[near], 2)
        level[near[(edits == 2) & (short >= 6)]] = 2
        level[near[(edits == 1) & (short >= 3)]] = 1
    return level


_TOKENS: Final = ("given", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3")


def _among(value: Ids, others: list[Ids]) -> Mask:
    """Whether the value is present and equals one of the others."""
    found = np.zeros(len(value), np.bool_)
    for other in others:
        found |= value == other
    return found & (value > 0)


def _given(pairs: _Pairs) -> Weigh:
    left, right = pairs.of("given")
    names = pairs.vocabulary("name")
    level = np.where((left > 0) & (right > 0), np.uint8(8), np.uint8(0))
    same = (left == right) & (level > 0)
    level[same] = 1
    rest = np.flatnonzero(level == 8)
    if rest.size:
        level[rest] = _given_apart(pairs, rest, left[rest], right[rest])
    return level, _rarity(names, "given", left, right)


def _given_apart(pairs: _Pairs, rest: Nodes, left: Ids, right: Ids) -> Codes:
    names = pairs.vocabulary("name")
    level = np.array((0, 3, 4, 7, 8), np.uint8)[_spelled(names, left, right)]
    part = names.part
    sounds = part["sound"]
    level[(level == 8) & (sounds[left] == sounds[right])] = 7
    lefts = [pairs.of(token)[0][rest] for token in _TOKENS[1:]]
    rights = [pairs.of(token)[1][rest] for token in _TOKENS[1:]]
    level[(level > 4) & (_among(left, rights) | _among(right, lefts))] = 6
    level[(level > 4) & _is_initial(names, left, right)] = 5
    prefix = part["three"]
    level[(level > 4) & (prefix[left] == prefix[right])] = 4
    level[_one_person_may_bear(names, left, right)] = 2
    return level


def _is_initial(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    texts = names.texts
    flags = [(len(x) == 1 or len(y) == 1) and x[:1] == y[:1] for x, y in zip(texts[left], texts[right], strict=True)]
    return np.array(flags, np.bool_)


def _one_person_may_bear(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    first, second = names.part["group"], names.part["second_group"]
    a, b, c, d = first[left], second[left], first[right], second[right]
    found: Mask = ((a > 0) & ((a == c) | (a == d))) | ((b > 0) & ((b == c) | (b == d)))
    return found


def _family(pairs: _Pairs) -> Weigh:
    left, right = pairs.of("family")
    level, rarity = _families(pairs, left, right)
    return level, rarity


def _families(pairs: _Pairs, left: Ids, right: Ids) -> Weigh:
    names = pairs.vocabulary("name")
    level = np.where((left > 0) & (right > 0), np.uint8(7), np.uint8(0))
    level[(left == right) & (level > 0)] = 1
    rest = np.flatnonzero(level == 7)
    if rest.size:
        level[rest] = _family_apart(pairs, rest, left[rest], right[rest])
    return level, _rarity(names, "family", left, right)


def _family_apart(pairs: _Pairs, rest: Nodes, left: Ids, right: Ids) -> Codes:
    names = pairs.vocabulary("name")
    level = np.array((0, 2, 3, 6, 7), np.uint8)[_spelled(names, left, right)]
    sounds = names.part["sound"]
    level[(level > 3) & (sounds[left] == sounds[right])] = 3
    lefts = [pairs.of(token)[0][rest] for token in _TOKENS]
    rights = [pairs.of(token)[1][rest] for token in _TOKENS]
    middles = slice(4, None)
    level[
        (level > 5) & (_among(lefts[1], [rights[0], *rights[middles]]) | _among(rights[1], [lefts[0], *lefts[middles]]))
    ] = 5
    kin = [_among(part, [*rights[1:4], right]) for part in (*lefts[1:4], left)]
    level[(level > 3) & np.logical_or.reduce(kin)] = 4
    return level


def _settle_lone_names(pairs: _Pairs, levels: Codes, rarities: Codes) -> None:
    """A record with one name only: nobody knows which it is, so it counts in the slot where it agrees better."""
    given, family = FIELDS.index("given"), FIELDS.index("family")
    lg, rg = pairs.of("given")
    lf, rf = pairs.of("family")
    lone = np.flatnonzero(((lf == 0) ^ (rf == 0)) & (lg > 0) & (rg > 0) & (levels[given] > 5))
    if not lone.size:
        return
    x = np.where(lf[lone] > 0, lf[lone], lg[lone])
    y = np.where(rf[lone] > 0, rf[lone], rg[lone])
    spelled = np.array((0, 2, 3, 6, 7), np.uint8)[_spelled(pairs.vocabulary("name"), x, y)]
    spelled[x == y] = 1
    better = spelled < 7
    chosen = lone[better]
    levels[family, chosen] = spelled[better]
    rarities[family, chosen] = _rarity(pairs.vocabulary("name"), "family", x, y)[better]
    levels[given, chosen] = 0


def _settle_swapped_names(pairs: _Pairs, levels: Codes, rarities: Codes) -> None:
    """Given and family name changed places: one event, so one weight. A lone name in the wrong slot counts once too."""
    given, family = FIELDS.index("given"), FIELDS.index("family")
    crossed = np.flatnonzero((levels[given] == 6) & (levels[family] == 5))
    if not crossed.size:
        return
    (lg, rg), (lf, rf), (lw, rw) = pairs.of("given"), pairs.of("family"), pairs.of("family_1")
    whole = ((lg == rf) | (lg == rw))[crossed] & ((rg == lf) | (rg == lw))[crossed]
    swapped = crossed[whole]
    names = pairs.vocabulary("name").rarity
    levels[family, crossed] = 7
    levels[given, swapped], levels[family, swapped] = 9, 0
    both = names["given"][lg[swapped]].astype(np.int64) + names["given"][rg[swapped]]
    rarities[given, swapped] = np.minimum(both, 255)


def _middle(pairs: _Pairs) -> Weigh:
    names = pairs.vocabulary("name")
    lefts, rights = zip(*(pairs.of(f"middle_{at}") for at in (1, 2, 3)), strict=True)
    level = np.where((lefts[0] > 0) & (rights[0] > 0), np.uint8(3), np.uint8(0))
    shared = np.logical_or.reduce([_among(part, list(rights)) for part in lefts])
    level[(level > 0) & shared] = 1
    rest = np.flatnonzero(level == 3)
    if rest.size:
        left, right = lefts[0][rest], rights[0][rest]
        alike = (_spelled(names, left, right) < 3) | _is_initial(names, left, right)
        level[rest[alike | _one_person_may_bear(names, left, right)]] = 2
    return level, _empty(pairs)


def _day_and_year(pairs: _Pairs) -> tuple[Weigh, Weigh]:
    left, right = pairs.of("date")
    dates = pairs.vocabulary("date")
    known = (left > 0) & (right > 0)
    year = np.array((1, 2, 3, 4, 4), np.uint8)[_digits_apart(dates, "year", left, right, 4)]
    days = _days_apart(dates, left, right)
    dated = known & (dates.part["day_hash"][left] > 0) & (dates.part["day_hash"][right] > 0)
    day = np.where(dated, (year - 1) * 4 + days, 0).astype(np.uint8)
    return (
        (np.where(known, year, 0).astype(np.uint8), _rarity(dates, "year", left, right)),
        (day, _rarity(dates, "day", left, right)),
    )


def _digits_apart(dates: Vocabulary, part: str, left: Ids, right: Ids, digits: int) -> NDArray[np.int64]:
    """How many decimal digits of two numbers differ; two neighbours swapped count as one."""
    x, y = dates.part[part][left].astype(np.int64), dates.part[part][right].astype(np.int64)
    powers = 10 ** np.arange(digits)
    p, q = x[:, None] // powers % 10, y[:, None] // powers % 10
    wrong = p != q
    swapped = (p[:, :-1] == q[:, 1:]) & (p[:, 1:] == q[:, :-1]) & wrong[:, 1:]
    count: NDArray[np.int64] = wrong.sum(1)
    return np.asarray(count - (swapped.any(1) & (count == 2)))


def _days_apart(dates: Vocabulary, left: Ids, right: Ids) -> Codes:
    """1 same, 2 day and month swapped, 3 one edit, 4 different."""
    month, day = dates.part["month"], dates.part["day"]
    months = _digits_apart(dates, "month", left, right, 2)
    wrong = months + _digits_apart(dates, "day", left, right, 2)
    level = np.array((1, 3, 4, 4, 4), np.uint8)[wrong]
    level[(wrong > 0) & (month[left] == day[right]) & (day[left] == month[right])] = 2
    return np.asarray(level)


def _year(pairs: _Pairs) -> Weigh:
    return _day_and_year(pairs)[0]


def _day(pairs: _Pairs) -> Weigh:
    return _day_and_year(pairs)[1]


def _postcode(pairs: _Pairs) -> Weigh:
    left, right = pairs.of("postcode")
    codes = pairs.vocabulary("postcode")
    level = np.where((left > 0) & (right > 0), np.uint8(6), np.uint8(0))
    for value, part in ((5, "area"), (4, "outward"), (3, "sector")):
        column = codes.part[part]
        level[(level > 0) & (column[left] == column[right])] = value
    level[(level > 0) & (left == right)] = 1
    rest = np.flatnonzero(level > 1)
    if rest.size:
        level[rest[_within(codes, left[rest], right[rest], 1) == 1]] = 2
    return level, _rarity(codes, "postcode", left, right)


def _address(pairs: _Pairs) -> Weigh:
    streets = pairs.vocabulary("street")
    left, right = pairs.of("street")
    known = (left > 0) & (right > 0)
    street = np.where(left == right, np.uint8(1), np.uint8(3))
    rest = np.flatnonzero(known & (street == 3))
    if rest.size:
        street[rest] = _texts_apart(streets, left[rest], right[rest])
    (lu, ru), (ln, rn) = pairs.of("unit"), pairs.of("number")
    unit, number = lu == ru, ln == rn
    either = (ln == 0) | (rn == 0)
    level = np.where(street == 1, np.uint8(4), np.where(street == 2, np.uint8(5), np.uint8(7)))
    level[number & (ln > 0) & (street == 3)] = 6
    level[(number | either) & (street == 2)] = 3
    level[either & ~number & (street == 1)] = 3
    level[number & ~unit & (street == 1)] = 2
    level[number & unit & (street == 1)] = 1
    numbered = np.where((ln > 0) & (rn > 0), 40, 0)
    rarity = np.minimum(_rarity(streets, "address", left, right) + numbered, 255).astype(np.uint8)
    return np.where(known, level, 0).astype(np.uint8), rarity


def _texts_apart(texts: Vocabulary, left: Ids, right: Ids) -> Codes:
    """2 alike or sharing a first or last word, 3 different."""
    head, tail = texts.part["head"], texts.part["tail"]
    shares = (
        (head[left] == head[right])
        | (tail[left] == tail[right])
        | (head[left] == tail[right])
        | (tail[left] == head[right])
    )
    like = _likeness(texts, left, right) >= np.float32(0.9)
    return np.where(like | shares, np.uint8(2), np.uint8(3))


def _text(sort: str) -> Any:
    def weigh(pairs: _Pairs) -> Weigh:
        left, right = pairs.of(sort)
        texts = pairs.vocabulary(sort)
        level = np.where((left > 0) & (right > 0), np.uint8(4), np.uint8(0))
        level[(left == right) & (level > 0)] = 1
        rest = np.flatnonzero(level == 4)
        if rest.size:
            near = _texts_apart(texts, left[rest], right[rest]) == 2
            like = _likeness(texts, left[rest], right[rest]) >= np.float32(0.9)
            level[rest[near]] = 3
            level[rest[like]] = 2
        return level, _rarity(texts, sort, left, right)

    return weigh


def _code(sort: str) -> Any:
    def weigh(pairs: _Pairs) -> Weigh:
        left, right = pairs.of(sort)
        codes = pairs.vocabulary(sort)
        level = np.where((left > 0) & (right > 0), np.uint8(4), np.uint8(0))
        level[(left == right) & (level > 0)] = 1
        rest = np.flatnonzero(level == 4)
        if rest.size:
            edits = _within(codes, left[rest], right[rest], 2)
            level[rest[edits <= 2]] = 3
            level[rest[edits == 1]] = 2
        return level, _rarity(codes, sort, left, right)

    return weigh


def _flag(sort: str) -> Any:
    def weigh(pairs: _Pairs) -> Weigh:
        left, right = pairs.of(sort)
        known = (left > 0) & (right > 0)
        level = np.where(known, np.where(left == right, np.uint8(1), np.uint8(2)), np.uint8(0))
        return level, _rarity(pairs.vocabulary(sort), sort, left, right)

    return weigh


def _phone(pairs: _Pairs) -> Weigh:
    phones = pairs.vocabulary("phone")
    (l1, r1), (l2, r2) = pairs.of("phone_1"), pairs.of("phone_2")
    level = np.where((l1 > 0) & (r1 > 0), np.uint8(3), np.uint8(0))
    first, second = _among(l1, [r1, r2]), _among(l2, [r1, r2])
    level[first | second] = 1
    rest = np.flatnonzero(level == 3)
    if rest.size:
        level[rest[_within(phones, l1[rest], r1[rest], 1) == 1]] = 2
    rarity = phones.rarity["phone"]
    return level, np.where(first, rarity[l1], rarity[l2]).astype(np.uint8)


def _email(pairs: _Pairs) -> Weigh:
    left, right = pairs.of("email")
    emails = pairs.vocabulary("email")
    level = np.where((left > 0) & (right > 0), np.uint8(4), np.uint8(0))
    local = emails.part["local"]
    level[(level > 0) & (local[left] == local[right])] = 3
    rest = np.flatnonzero(level > 0)
    if rest.size:
        level[rest[_within(emails, left[rest], right[rest], 2) <= 2]] = 2
    level[(level > 0) & (left == right)] = 1
    return level, _rarity(emails, "email", left, right)


_COMPARE: Final[Mapping[str, Any]] = {
    "given": _given, "family": _family, "middle": _middle, "sex": _flag("sex"), "year": _year, "day": _day,
    "postcode": _postcode, "address": _address, "town": _text("town"), "uprn": _flag("uprn"), "phone": _phone,
    "email": _email, "nhs_number": _code("nhs_number"), "nino": _code("nino"), "reference": _code("reference"),
    "vehicle": _code("vehicle"), "birth_place": _text("birth_place"), "occupation": _text("occupation"),
}  # fmt: skip
