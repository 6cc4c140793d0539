"""How far dates, places, numbers and texts agree (`compare.LEVELS`).

Where the rules say `one` and `other`, those are rows of value ids, a trait each; `a` and `b` are two values.
"""

from collections.abc import Callable
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import inner
from services.linkage.matching.columns import Codes, parts
from services.linkage.matching.pairs import (
    NEAR,
    Parts,
    Row,
    Sheet,
    Similarities,
    Values,
    constants,
    differ,
    jaro_for,
    may_be_like,
    may_be_near,
    part,
    set_bits,
    write,
)
from services.linkage.reading.normal import TRAITS

Numbers = NDArray[np.uint32]
MOST_SOURCES: Final = 16
"""Partners are numbered from 1; 0 is one that the model does not know."""

COHORTS: Final = 16
COHORT: Final = 8
FIRST_COHORT: Final = 1912
"""Years of birth are told apart in spans of 8 years from 1912 on; the first holds all before it too."""

GENERATION: Final = 15
"""Years from which the dates of two namesakes of one home are a parent's and a child's, rather than one mistyped."""

(
    DATE, POSTCODE, UNIT, NUMBER, STREET, TOWN, PHONE_1, PHONE_2, EMAIL, NHS_NUMBER, NINO, REFERENCE, VEHICLE,
    BIRTH_PLACE, OCCUPATION, SEX, UPRN, SOURCE,
) = constants(
    map(
        TRAITS.index,
        ("date", "postcode", "unit", "number", "street", "town", "phone_1", "phone_2", "email", "nhs_number", "nino",
         "reference", "vehicle", "birth_place", "occupation", "sex", "uprn", "source"),
    )
)  # fmt: skip

_PART: Final = parts("date")
_YEAR, _YEAR_DIGITS, _DAY_DIGITS, _WHOLE = constants(
    _PART[name] for name in ("year", "year_digits", "day_digits", "whole")
)
_AREA, _OUTWARD, _SECTOR = (parts("postcode")[name] for name in ("area", "outward", "sector"))
_HEAD, _TAIL, _FOUR = (parts("town")[name] for name in ("head", "tail", "four"))
_LOCAL, _UNDIGITED = (parts("email")[name] for name in ("local", "undigited"))

_YEARS_APART: Final = (1, 2, 3, 4, 4)
"""Levels of the year by how many digits differ."""
_BY_EDITS: Final = (1, 2, 3, 4)
"""Levels of a number or mark that names one person."""
_ONE, _TWO = constants((1, 2))
_EACH: Final = 0x1111
"""The lowest bit of each of four digits of four bits."""
_NUMBERED: Final = 40


@inner
def ask_values(likes: Sheet, edits: Sheet, pair: int, known: Values, one: Row, other: Row) -> None:
    """Write down what has to be measured of a pair's places, texts and numbers, for the rules below."""
    if not _share_a_word(known.streets, one[STREET], other[STREET]):
        _ask_text(likes, pair, STREET, known.streets, one, other)
    _ask_text(likes, pair, TOWN, known.towns, one, other)
    _ask_text(likes, pair, BIRTH_PLACE, known.birth_places, one, other)
    _ask_text(likes, pair, OCCUPATION, known.occupations, one, other)
    if not _reached_alike(one, other):
        _ask_code(edits, pair, PHONE_1, known.phones, one, other, _ONE)
    _ask_code(edits, pair, POSTCODE, known.postcodes, one, other, _ONE)
    _ask_code(edits, pair, EMAIL, known.emails, one, other, _TWO)
    _ask_code(edits, pair, NHS_NUMBER, known.nhs_numbers, one, other, _TWO)
    _ask_code(edits, pair, NINO, known.ninos, one, other, _TWO)
    _ask_code(edits, pair, REFERENCE, known.references, one, other, _TWO)
    _ask_code(edits, pair, VEHICLE, known.vehicles, one, other, _TWO)


@inner
def _ask_text(likes: Sheet, pair: int, trait: int, texts: Parts, one: Row, other: Row) -> None:
    a, b = one[trait], other[trait]
    if differ(a, b):
        prefix = 4 if texts[a, _FOUR] == texts[b, _FOUR] else 3
        if may_be_like(texts, a, b, jaro_for(NEAR, prefix)):
            write(likes, pair, trait, texts, a, b)


@inner
def _ask_code(edits: Sheet, pair: int, trait: int, codes: Parts, one: Row, other: Row, most: int) -> None:
    a, b = one[trait], other[trait]
    if differ(a, b) and may_be_near(codes, a, b, most):
        write(edits, pair, trait, codes, a, b)


@inner
def year(dates: Parts, one: Row, other: Row) -> int:
    """The level of two dates' years."""
    a, b = one[DATE], other[DATE]
    if a == 0 or b == 0:
        return 0
    count, crossed = _digits_apart(part(dates, a, _YEAR_DIGITS), part(dates, b, _YEAR_DIGITS))
    if count > 0 and (crossed or _within_a_month(dates, a, b)):
        return 2
    if count > 1 and abs(part(dates, a, _YEAR) - part(dates, b, _YEAR)) >= GENERATION:
        return 5
    return _YEARS_APART[count]


@inner
def day(dates: Parts, one: Row, other: Row, years: int) -> int:
    """The level of two dates' days and months, in rows of five by the level of their years."""
    level = _day(dates, one[DATE], other[DATE])
    return level + 5 * (years - 1) if level > 0 else 0


@inner
def _day(dates: Parts, a: int, b: int) -> int:
    x, y = part(dates, a, _DAY_DIGITS), part(dates, b, _DAY_DIGITS)
    if x == 0 or y == 0:
        return 0
    if x == y:
        return 1
    month, of, other_month, of_other = x >> 8, x & 0xFF, y >> 8, y & 0xFF
    if month == other_month and min(of, of_other) == 0:
        return 0  # a date to the month
    if month == of_other and other_month == of:
        return 2
    count, crossed = _digits_apart(x, y)
    if count == 1 or crossed:
        return 3
    return 4 if _within_a_month(dates, a, b) else 5


@inner
def _within_a_month(dates: Parts, a: int, b: int) -> bool:
    """Whether dates are whole and at most 31 days apart, every month counted as one of 31."""
    x, y = part(dates, a, _WHOLE), part(dates, b, _WHOLE)
    return bool(abs(x - y) <= 31 and min(x, y) > 0)


@inner
def _digits_apart(x: np.int64, y: np.int64) -> tuple[np.int64, bool]:
    """How many of four digits differ, and whether all that is wrong is that two neighbours changed places. All digits
    at once: a digit is four bits, and the lowest of them says whether any is set."""
    wrong = _any_bit(x ^ y) & _EACH
    elsewhere = _any_bit((x ^ y >> 4) | (x >> 4 ^ y))
    count = set_bits(wrong)
    return count, bool(wrong & ~elsewhere > 0 and count == 2)


@inner
def _any_bit(digits: np.int64) -> np.int64:
    digits = digits | digits >> 1
    return digits | digits >> 2


@inner
def postcode(codes: Parts, one: Row, other: Row, edits: int) -> int:
    """The level of two postcodes."""
    a, b = one[POSTCODE], other[POSTCODE]
    if not differ(a, b):
        return int(a > 0 and b > 0)
    if edits == 1:
        return 2
    if codes[a, _SECTOR] == codes[b, _SECTOR]:
        return 3
    if codes[a, _OUTWARD] == codes[b, _OUTWARD]:
        return 4
    return 5 if codes[a, _AREA] == codes[b, _AREA] else 6


@inner
def address(streets: Parts, one: Row, other: Row, similarity: np.float32) -> int:
    """The level of two address lines, read into unit, number and street."""
    a, b = one[STREET], other[STREET]
    if a == 0 or b == 0:
        return 0
    number, numbered = one[NUMBER] == other[NUMBER], is_numbered(one, other)
    if a == b:
        if number:
            return 1 if one[UNIT] == other[UNIT] else 2
        return 4 if numbered else 3
    if similarity >= NEAR or _share_a_word(streets, a, b):
        return 3 if number or not numbered else 5
    return 6 if number and numbered else 7


@inner
def is_numbered(one: Row, other: Row) -> bool:
    """Whether two addresses have house numbers."""
    return bool(one[NUMBER] > 0 and other[NUMBER] > 0)


@inner
def address_rarity(street: int, numbered: bool) -> int:
    """How rare an address is: a house number is one in thirty or so, five bits."""
    return min(street, 255 - _NUMBERED) + (_NUMBERED if numbered else 0)


@inner
def _share_a_word(texts: Parts, a: int, b: int) -> bool:
    """Whether the first or last word of one text is the first or last of the other."""
    head, tail, other_head, other_tail = texts[a, _HEAD], texts[a, _TAIL], texts[b, _HEAD], texts[b, _TAIL]
    return bool(head in (other_head, other_tail) or tail in (other_head, other_tail))


@inner
def text(texts: Parts, trait: int, one: Row, other: Row, similar: Similarities) -> int:
    """The level of two short texts."""
    a, b = one[trait], other[trait]
    if not differ(a, b):
        return int(a > 0 and b > 0)
    if similar[trait] >= NEAR:
        return 2
    return 3 if _share_a_word(texts, a, b) else 4


@inner
def code(trait: int, one: Row, other: Row, apart: Codes) -> int:
    """The level of two numbers or marks that name one person."""
    a, b = one[trait], other[trait]
    return _BY_EDITS[apart[trait]] if differ(a, b) else int(a > 0 and b > 0)


@inner
def flag(trait: int, one: Row, other: Row) -> int:
    """The level of what is the same or is not."""
    a, b = one[trait], other[trait]
    return 2 if differ(a, b) else int(a > 0 and b > 0)


@inner
def email(emails: Parts, one: Row, other: Row, edits: int) -> int:
    """The level of two e-mail addresses."""
    a, b = one[EMAIL], other[EMAIL]
    if not differ(a, b):
        return int(a > 0 and b > 0)
    if edits == 1 or (edits == 2 and emails[a, _UNDIGITED] != emails[b, _UNDIGITED]):
        return 2
    return 3 if emails[a, _LOCAL] == emails[b, _LOCAL] else 4


@inner
def phone(one: Row, other: Row, edits: int) -> int:
    """The level of the telephone numbers: home and mobile are one set."""
    if _reached_alike(one, other):
        return 1
    if one[PHONE_1] == 0 or other[PHONE_1] == 0:
        return 0
    return 2 if edits == 1 else 3


@inner
def shares_first(one: Row, other: Row) -> bool:
    """Whether the one's first number is one of the other's."""
    return _among_phones(one[PHONE_1], other)


@inner
def _reached_alike(one: Row, other: Row) -> bool:
    return _among_phones(one[PHONE_1], other) or _among_phones(one[PHONE_2], other)


@inner
def _among_phones(number: int, other: Row) -> bool:
    return bool(number > 0 and (number == other[PHONE_1] or number == other[PHONE_2]))


@inner
def keepers(one: int, other: int) -> int:
    """The number of two partners, in the place of a rarity (`model.Sources`)."""
    return min(one, other) * MOST_SOURCES + max(one, other)


def cohort(years: Numbers) -> Numbers:
    """Which of `COHORTS` spans of `COHORT` years a year of birth is in."""
    spans: Numbers = np.minimum((np.maximum(years, FIRST_COHORT) - FIRST_COHORT) // COHORT, COHORTS - 1)
    return spans


_cohort_of: Final = cast(Callable[[np.int64], int], inner(cohort))


@inner
def keeper_and_cohort(keeper: int, dates: Parts, date: int) -> int:
    """The number of a partner and of a date's cohort, in the place of a rarity (`model.Sources`)."""
    return keeper * COHORTS + _cohort_of(part(dates, date, _YEAR))
