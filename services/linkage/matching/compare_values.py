"""How far dates, places, numbers and texts agree (`compare.LEVELS`)."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import Codes, Ids, Vocabulary
from services.linkage.matching.pairs import NEAR, Judged, Mask, Pairs, among, commoner, level_of_same, likeness, within

Numbers = NDArray[np.uint32]
MOST_SOURCES: Final = 16
"""Partners are numbered from 1; 0 is one that the model does not know."""

COHORTS: Final = 16
COHORT: Final = 8
FIRST_COHORT: Final = 1912
"""Years of birth are told apart in spans of 8 years from 1912 on; the first holds all before it too."""

GENERATION: Final = 15
"""Years from which the dates of two namesakes of one home are a parent's and a child's, rather than one mistyped."""

Judge = Callable[[Pairs], Judged]


def year(pairs: Pairs) -> Judged:
    """Levels of the year of birth."""
    left, right = pairs.of("date")
    dates = pairs.vocabulary("date")
    years = dates.part["year"]
    one, other = years[left], years[right]
    level = np.where(one == other, np.uint8(1), np.uint8(4))
    level[(left == 0) | (right == 0)] = 0
    rest = (level == 4).nonzero()[0]
    if rest.size:
        x, y = one[rest], other[rest]
        count, crossed = _digits_apart(x, y)
        level[rest] = np.array((1, 2, 3, 4, 4), np.uint8)[count]
        level[rest[(level[rest] > 2) & (np.maximum(x, y) - np.minimum(x, y) >= GENERATION)]] = 5
        level[rest[crossed | _within_a_month(pairs, left[rest], right[rest])]] = 2
    return level, commoner(dates, "year", left, right)


def day(pairs: Pairs, years: Codes) -> Judged:
    """Levels of day and month of birth, in rows of five by the level of the year."""
    left, right = pairs.of("date")
    dates = pairs.vocabulary("date")
    days = dates.part["day"]
    one, other = days[left], days[right]
    level = np.where(one == other, np.uint8(1), np.uint8(5))
    level[(one == 0) | (other == 0) | (years == 0)] = 0
    rest = (level == 5).nonzero()[0]
    if rest.size:
        x, y = one[rest], other[rest]
        count, crossed = _digits_apart(x, y)
        level[rest[_within_a_month(pairs, left[rest], right[rest])]] = 4
        level[rest[(count == 1) | crossed]] = 3
        level[rest[(x // 100 == y % 100) & (y // 100 == x % 100)]] = 2
    unsaid = ((one % 100 == 0) | (other % 100 == 0)) & (one // 100 == other // 100)
    level[unsaid & (one != other)] = 0
    level[level > 0] += (years[level > 0] - 1) * 5
    return level, commoner(dates, "day", left, right)


def _within_a_month(pairs: Pairs, left: Ids, right: Ids) -> Mask:
    """Whether two whole dates are at most 31 days apart, every month counted as one of 31."""
    part = pairs.vocabulary("date").part
    days = [part["year"][side].astype(np.int64) * 372 + part["day"][side] // 100 * 31 + part["day"][side] % 100
            for side in (left, right)]  # fmt: skip
    known = (part["day"][left] > 0) & (part["day"][right] > 0)
    return np.asarray(known & (abs(days[0] - days[1]) <= 31))


def _digits_apart(one: Numbers, other: Numbers) -> tuple[NDArray[np.int64], Mask]:
    """How many of four decimal digits differ, and whether all that is wrong is that two neighbours changed places."""
    left, right = _digits(one), _digits(other)
    wrong = [p != q for p, q in zip(left, right, strict=True)]
    crossed = [wrong[at] & wrong[at + 1] & (left[at] == right[at + 1]) & (left[at + 1] == right[at]) for at in range(3)]
    count = wrong[0].astype(np.int64) + wrong[1] + wrong[2] + wrong[3]
    return count, (crossed[0] | crossed[1] | crossed[2]) & (count == 2)


def _digits(number: Numbers) -> tuple[Numbers, ...]:
    tens, hundreds, thousands = number // 10, number // 100, number // 1000
    return number - 10 * tens, tens - 10 * hundreds, hundreds - 10 * thousands, thousands


def postcode(pairs: Pairs) -> Judged:
    """Levels of the postcode."""
    left, right = pairs.of("postcode")
    codes = pairs.vocabulary("postcode")
    level, rest = level_of_same(left, right, 6)
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
    street, rest = level_of_same(left, right, 3)
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
        level, rest = level_of_same(left, right, 4)
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
        level, rest = level_of_same(left, right, 4)
        if rest.size:
            level[rest] = np.array((1, 2, 3, 4), np.uint8)[within(codes, left[rest], right[rest], 2)]
        return level, commoner(codes, sort, left, right)

    return judge


def flag(sort: str) -> Judge:
    """Levels of what is the same or is not."""

    def judge(pairs: Pairs) -> Judged:
        left, right = pairs.of(sort)
        return level_of_same(left, right, 2)[0], commoner(pairs.vocabulary(sort), sort, left, right)

    return judge


def source(pairs: Pairs) -> Judged:
    """Whether one partner keeps both records; in the place of a rarity, which two partners do (`model.Sources`)."""
    left, right = pairs.of("source")
    number = pairs.vocabulary("source").rarity["source"]
    one, other = number[left], number[right]
    level = np.where(left == right, np.uint8(1), np.uint8(2))
    level[(one == 0) | (other == 0)] = 0
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
    level = np.where((l1 > 0) & (r1 > 0), np.uint8(3), np.uint8(0))
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
    level, rest = level_of_same(left, right, 4)
    if rest.size:
        x, y = left[rest], right[rest]
        local = emails.part["local"]
        level[rest[local[x] == local[y]]] = 3
        near = within(emails, x, y, 2)
        letters = emails.part["letters"]
        level[rest[(near == 1) | ((near == 2) & (letters[x] != letters[y]))]] = 2
    return level, commoner(emails, "email", left, right)
