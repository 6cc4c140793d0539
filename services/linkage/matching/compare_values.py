"""How far dates, places, numbers and texts agree (`compare.LEVELS`)."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import Codes, Vocabulary
from services.linkage.matching.pairs import (
    NEAR,
    Ids,
    Judged,
    Mask,
    Pairs,
    among,
    commoner,
    leveled,
    likeness,
    within,
)

Numbers = NDArray[np.uint32]
MOST_SOURCES: Final = 16
"""Partners are numbered from 1; 0 is one that the model does not know."""

COHORTS: Final = 16
COHORT: Final = 8
FIRST_COHORT: Final = 1912
"""Years of birth are told apart in spans of 8 years from 1912 on; the first holds all before it too."""

GENERATION: Final = 15
"""Years from which the dates of two namesakes of one home are a parent's and a child's, rather than one mistyped."""

_YEARS_APART: Final = np.array((1, 2, 3, 4, 4), np.uint8)
"""Levels of the year by how many digits differ."""

_ONE, _TWO, _DIGIT, _MONTH = map(np.uint32, (1, 2, 4, 8))
_EACH, _OF_MONTH = map(np.uint32, (0x1111, 0xFF))
"""Bits and digits of four digits of four bits."""

Judge = Callable[[Pairs], Judged]


def year(pairs: Pairs) -> Judged:
    """Levels of the year of birth."""
    left, right = pairs.of("date")
    dates = pairs.vocabulary("date")
    digits, years = dates.part["year_digits"], dates.part["year"]
    one, other = digits[left], digits[right]
    known = pairs.both("date")
    level, rest = leveled(known, (known & (one != other)).nonzero()[0], 4)
    if rest.size:
        count, crossed = _digits_apart(one[rest], other[rest])
        left, right = left[rest], right[rest]
        apart = _YEARS_APART[count]
        x, y = years[left], years[right]
        apart[(count > 1) & (np.maximum(x, y) - np.minimum(x, y) >= GENERATION)] = 5
        apart[crossed | _within_a_month(dates, left, right)] = 2
        level[rest] = apart
    return level, commoner(dates, "year", *pairs.of("date"))


def day(pairs: Pairs, years: Codes) -> Judged:
    """Levels of day and month of birth, in rows of five by the level of the year."""
    left, right = pairs.of("date")
    dates = pairs.vocabulary("date")
    digits = dates.part["day_digits"]
    one, other = digits[left], digits[right]
    known = (one > 0) & (other > 0) & (years > 0)
    level, rest = leveled(known, (known & (one != other)).nonzero()[0], 5)
    if rest.size:
        x, y = one[rest], other[rest]
        count, crossed = _digits_apart(x, y)
        apart = np.full(len(rest), 5, np.uint8)
        apart[_within_a_month(dates, left[rest], right[rest])] = 4
        apart[(count == 1) | crossed] = 3
        (month, of), (other_month, of_other) = ((side >> _MONTH, side & _OF_MONTH) for side in (x, y))
        apart[(month == of_other) & (other_month == of)] = 2
        apart[(month == other_month) & (np.minimum(of, of_other) == 0)] = 0  # a date to the month
        level[rest] = apart
    level += (level > 0) * (years - 1) * np.uint8(5)
    return level, commoner(dates, "day", left, right)


def _within_a_month(dates: Vocabulary, left: Ids, right: Ids) -> Mask:
    """Whether two whole dates are at most 31 days apart, every month counted as one of 31."""
    one, other = dates.part["whole"][left], dates.part["whole"][right]
    return np.asarray((np.maximum(one, other) - np.minimum(one, other) <= 31) & (one > 0) & (other > 0))


def _digits_apart(one: Numbers, other: Numbers) -> tuple[NDArray[np.uint8], Mask]:
    """How many of four digits differ, and whether all that is wrong is that two neighbours changed places. All digits
    at once: a digit is four bits, and the lowest of them says whether any is set."""
    wrong = _any_bit(one ^ other) & _EACH
    elsewhere = _any_bit((one ^ other >> _DIGIT) | (one >> _DIGIT ^ other))
    count = np.bitwise_count(wrong)
    return count, (wrong & ~elsewhere > 0) & (count == 2)


def _any_bit(digits: Numbers) -> Numbers:
    digits = digits | digits >> _ONE
    return digits | digits >> _TWO


def postcode(pairs: Pairs) -> Judged:
    """Levels of the postcode."""
    left, right = pairs.of("postcode")
    codes = pairs.vocabulary("postcode")
    level, rest = pairs.levels("postcode", 6)
    if rest.size:
        x, y = left[rest], right[rest]
        apart = np.full(len(rest), 6, np.uint8)
        for value, part in ((5, "area"), (4, "outward"), (3, "sector")):
            column = codes.part[part]
            apart[column[x] == column[y]] = value
        apart[within(codes, x, y, 1) == 1] = 2
        level[rest] = apart
    return level, commoner(codes, "postcode", left, right)


def address(pairs: Pairs) -> Judged:
    """Levels of the address line, read into unit, number and street."""
    left, right = pairs.of("street")
    streets = pairs.vocabulary("street")
    street, rest = pairs.levels("street", 3)
    if rest.size:
        street[rest] = np.minimum(_texts_apart(streets, left[rest], right[rest]), 3)
    (lu, ru), (ln, rn) = pairs.of("unit"), pairs.of("number")
    unit, number, unsaid = lu == ru, ln == rn, (ln == 0) | (rn == 0)
    level = np.array((0, 4, 5, 7), np.uint8)[street]
    level[number & (ln > 0) & (street == 3)] = 6
    level[(number | unsaid) & (street == 2)] = 3
    level[unsaid & ~number & (street == 1)] = 3
    level[number & ~unit & (street == 1)] = 2
    level[number & unit & (street == 1)] = 1
    # A house number is one in thirty or so: five bits.
    numbered = np.where((ln > 0) & (rn > 0), 40, 0)
    rarity = np.minimum(commoner(streets, "address", left, right) + numbered, 255).astype(np.uint8)
    return level, rarity


def _texts_apart(texts: Vocabulary, left: Ids, right: Ids) -> Codes:
    """2 alike or sharing a first or last word, 3 different; 2 means alike when they share no word."""
    level = np.where(_share_a_word(texts, left, right), np.uint8(2), np.uint8(3))
    level[likeness(texts, left, right) >= NEAR] = 2
    return level


def _share_a_word(texts: Vocabulary, left: Ids, right: Ids) -> Mask:
    head, tail = texts.part["head"], texts.part["tail"]
    a, b, c, d = head[left], tail[left], head[right], tail[right]
    return np.asarray((a == c) | (b == d) | (a == d) | (b == c))


def text(sort: str) -> Judge:
    """Levels of a short text."""

    def judge(pairs: Pairs) -> Judged:
        left, right = pairs.of(sort)
        texts = pairs.vocabulary(sort)
        level, rest = pairs.levels(sort, 4)
        if rest.size:
            x, y = left[rest], right[rest]
            level[rest[_share_a_word(texts, x, y)]] = 3
            level[rest[likeness(texts, x, y) >= NEAR]] = 2
        return level, commoner(texts, sort, left, right)

    return judge


def code(sort: str) -> Judge:
    """Levels of a number or mark that names one person."""

    def judge(pairs: Pairs) -> Judged:
        left, right = pairs.of(sort)
        codes = pairs.vocabulary(sort)
        level, rest = pairs.levels(sort, 4)
        if rest.size:
            level[rest] = np.array((1, 2, 3, 4), np.uint8)[within(codes, left[rest], right[rest], 2)]
        return level, commoner(codes, sort, left, right)

    return judge


def flag(sort: str) -> Judge:
    """Levels of what is the same or is not."""

    def judge(pairs: Pairs) -> Judged:
        left, right = pairs.of(sort)
        return pairs.levels(sort, 2)[0], commoner(pairs.vocabulary(sort), sort, left, right)

    return judge


def source(pairs: Pairs) -> Judged:
    """Whether one partner keeps both records; in the place of a rarity, which two partners do (`model.Sources`)."""
    left, right = pairs.of("source")
    number = pairs.vocabulary("source").rarity["source"]
    one, other = number[left], number[right]
    known = (one > 0) & (other > 0)
    level, _ = leveled(known, (known & (left != right)).nonzero()[0], 2)
    return level, np.minimum(one, other) * MOST_SOURCES + np.maximum(one, other)


def age(pairs: Pairs) -> Judged:
    """Whether one record alone is dated; in the place of a rarity, who keeps the other, and when the one was born."""
    (left, right), (one, other) = pairs.of("source"), pairs.of("date")
    number, years = pairs.vocabulary("source").rarity["source"], pairs.vocabulary("date").part["year"]
    keeper = number[np.where(one == 0, left, right)]
    level = ((one == 0) ^ (other == 0)) & (keeper > 0)
    return level.astype(np.uint8), keeper * COHORTS + cohort(np.maximum(years[one], years[other]))


def cohort(years: Numbers) -> Codes:
    """Which of `COHORTS` spans of `COHORT` years a year of birth is in."""
    spans = (np.maximum(years, FIRST_COHORT).astype(np.int64) - FIRST_COHORT) // COHORT
    return np.minimum(spans, COHORTS - 1).astype(np.uint8)


def phone(pairs: Pairs) -> Judged:
    """Levels of the telephone numbers: home and mobile are one set."""
    phones = pairs.vocabulary("phone")
    (l1, r1), (l2, r2) = pairs.of("phone_1"), pairs.of("phone_2")
    level = pairs.both("phone_1") * np.uint8(3)
    first, second = among(l1, [r1, r2]), among(l2, [r1, r2])
    level[first | second] = 1
    rest = (level == 3).nonzero()[0]
    if rest.size:
        level[rest[within(phones, l1[rest], r1[rest], 1) == 1]] = 2
    rarity = phones.rarity["phone"]
    return level, np.where(first, rarity[l1], rarity[l2]).astype(np.uint8)


def email(pairs: Pairs) -> Judged:
    """Levels of the e-mail address."""
    left, right = pairs.of("email")
    emails = pairs.vocabulary("email")
    level, rest = pairs.levels("email", 4)
    if rest.size:
        x, y = left[rest], right[rest]
        local = emails.part["local"]
        level[rest[local[x] == local[y]]] = 3
        near = within(emails, x, y, 2)
        letters = emails.part["letters"]
        level[rest[(near == 1) | ((near == 2) & (letters[x] != letters[y]))]] = 2
    return level, commoner(emails, "email", left, right)
