"""How far dates, places, numbers and texts agree (`compare.LEVELS`)."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import Codes, Vocabulary
from services.linkage.matching.pairs import NEAR, Ids, Judged, Mask, Nodes, Pairs, likeness, within

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

Judge = Callable[[Pairs, Nodes], Codes]
"""Levels of some pairs, of which the two values differ."""


def year(pairs: Pairs, apart: Nodes) -> Codes:
    """Levels of the years of dates that differ."""
    left, right = pairs.some("date", apart)
    dates = pairs.vocabulary("date")
    digits, years = dates.part["year_digits"], dates.part["year"]
    count, crossed = _digits_apart(digits[left], digits[right])
    x, y = years[left], years[right]
    level = _YEARS_APART[count]
    level[(count > 1) & (np.maximum(x, y) - np.minimum(x, y) >= GENERATION)] = 5
    level[(count > 0) & (crossed | pairs.once(_within_a_month))] = 2
    return level


def settle_day(pairs: Pairs, level: Codes, years: Codes) -> None:
    """Levels of day and month of birth, in rows of five by the level of the year."""
    digits = pairs.vocabulary("date").part["day_digits"]
    known = pairs.both("date").nonzero()[0]
    one, other = (digits[side] for side in pairs.some("date", known))
    level[known] = (one > 0) & (other > 0)
    if not pairs.differ("date"):
        return
    apart = pairs.apart("date")
    x, y = (digits[side] for side in pairs.some("date", apart))
    count, crossed = _digits_apart(x, y)
    found = np.full(len(apart), 5, np.uint8)
    found[pairs.once(_within_a_month)] = 4
    found[(count == 1) | crossed] = 3
    (month, of), (other_month, of_other) = ((side >> _MONTH, side & _OF_MONTH) for side in (x, y))
    found[(month == of_other) & (other_month == of)] = 2
    found[(month == other_month) & (np.minimum(of, of_other) == 0)] = 0  # a date to the month
    found[count == 0] = 1
    found += (found > 0) * (years[apart] - 1) * np.uint8(5)
    level[apart] *= found


def _within_a_month(pairs: Pairs) -> Mask:
    """Whether dates that differ are whole and at most 31 days apart, every month counted as one of 31."""
    whole = pairs.vocabulary("date").part["whole"]
    one, other = (whole[side] for side in pairs.some("date", pairs.apart("date")))
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


def postcode(pairs: Pairs, apart: Nodes) -> Codes:
    """Levels of postcodes that differ."""
    left, right = pairs.some("postcode", apart)
    codes = pairs.vocabulary("postcode")
    level = np.full(len(apart), 6, np.uint8)
    for value, part in ((5, "area"), (4, "outward"), (3, "sector")):
        column = codes.part[part]
        level[column[left] == column[right]] = value
    level[within(codes, left, right, 1) == 1] = 2
    return level


def street(pairs: Pairs, apart: Nodes) -> Codes:
    """Streets that differ: 2 alike, 3 not."""
    return _texts_apart(pairs.vocabulary("street"), *pairs.some("street", apart))


def settle_address(pairs: Pairs, address: Judged) -> None:
    """Levels of the address line, read into unit, number and street; so far it is the street's (`street`)."""
    level, rarity = address
    (lu, ru), (ln, rn) = pairs.of("unit"), pairs.of("number")
    unit, number, numbered = lu == ru, ln == rn, (ln > 0) & (rn > 0)
    same, alike, other = (level == at for at in (1, 2, 3))
    level[:] = np.array((0, 4, 5, 7), np.uint8)[level]
    level[number & numbered & other] = 6
    level[(number | ~numbered) & alike] = 3
    level[~numbered & ~number & same] = 3
    level[number & same] = 2
    level[number & unit & same] = 1
    count_number(rarity, numbered)


def count_number(rarity: Codes, numbered: Mask) -> None:
    """A house number is one in thirty or so: five bits."""
    rarity[:] = np.minimum(rarity, 255 - 40) + numbered * np.uint8(40)


def _texts_apart(texts: Vocabulary, left: Ids, right: Ids) -> Codes:
    """2 alike or sharing a first or last word, 3 different; 2 means alike when they share no word."""
    level = np.where(_share_a_word(texts, left, right), np.uint8(2), np.uint8(3))
    level[likeness(texts, left, right, NEAR) >= NEAR] = 2
    return level


def _share_a_word(texts: Vocabulary, left: Ids, right: Ids) -> Mask:
    head, tail = texts.part["head"], texts.part["tail"]
    a, b, c, d = head[left], tail[left], head[right], tail[right]
    return np.asarray((a == c) | (b == d) | (a == d) | (b == c))


def text(sort: str) -> Judge:
    """Levels of short texts that differ."""

    def judge(pairs: Pairs, apart: Nodes) -> Codes:
        left, right = pairs.some(sort, apart)
        texts = pairs.vocabulary(sort)
        level = np.where(_share_a_word(texts, left, right), np.uint8(3), np.uint8(4))
        level[likeness(texts, left, right, NEAR) >= NEAR] = 2
        return level

    return judge


def code(sort: str) -> Judge:
    """Levels of numbers or marks that name one person, and differ."""

    def judge(pairs: Pairs, apart: Nodes) -> Codes:
        return _BY_EDITS[within(pairs.vocabulary(sort), *pairs.some(sort, apart), 2)]

    return judge


_BY_EDITS: Final = np.array((1, 2, 3, 4), np.uint8)


def flag(_: Pairs, apart: Nodes) -> Codes:
    """The level of what is the same or is not."""
    return np.full(len(apart), 2, np.uint8)


def settle_source(pairs: Pairs, source: Judged) -> None:
    """Whether one partner keeps both records; in the place of a rarity, which two partners do (`model.Sources`)."""
    (left, right), (one, other) = pairs.of("source"), pairs.rarity("source")
    known = (one > 0) & (other > 0)
    source[0][:] = known
    source[0][known & (left != right)] = 2
    source[1][:] = np.minimum(one, other) * MOST_SOURCES + np.maximum(one, other)


def settle_age(pairs: Pairs, age: Judged) -> None:
    """Whether one record alone is dated; in the place of a rarity, who keeps the other, and when the one was born."""
    born, other_born = pairs.of("date")
    lone = ((born == 0) ^ (other_born == 0)).nonzero()[0]
    if not lone.size:
        return
    left, right = pairs.rarity("source")
    one, other = pairs.some("date", lone)
    years = pairs.vocabulary("date").part["year"]
    keeper = np.where(one == 0, left[lone], right[lone])
    age[0][lone] = keeper > 0
    age[1][lone] = keeper * COHORTS + cohort(np.maximum(years[one], years[other]))


def cohort(years: Numbers) -> Codes:
    """Which of `COHORTS` spans of `COHORT` years a year of birth is in."""
    spans = (np.maximum(years, FIRST_COHORT).astype(np.int64) - FIRST_COHORT) // COHORT
    return np.minimum(spans, COHORTS - 1).astype(np.uint8)


def settle_phone(pairs: Pairs, phone: Judged) -> None:
    """Levels of the telephone numbers: home and mobile are one set."""
    level, rarity = phone
    (l1, r1), (l2, r2) = pairs.of("phone_1"), pairs.of("phone_2")
    first, second = (((one == r1) | (one == r2)) & (one > 0) for one in (l1, l2))
    level[pairs.both("phone_1")] = 3
    level[first | second] = 1
    phones = pairs.vocabulary("phone")
    rest = (level == 3).nonzero()[0]
    if rest.size:
        level[rest[within(phones, *pairs.some("phone_1", rest), 1) == 1]] = 2
    rarity[:] = np.where(first, pairs.rarity("phone")[0], phones.rarity["phone"][l2])


def email(pairs: Pairs, apart: Nodes) -> Codes:
    """Levels of e-mail addresses that differ."""
    left, right = pairs.some("email", apart)
    emails = pairs.vocabulary("email")
    local, letters = emails.part["local"], emails.part["letters"]
    level = np.where(local[left] == local[right], np.uint8(3), np.uint8(4))
    near = within(emails, left, right, 2)
    level[(near == 1) | ((near == 2) & (letters[left] != letters[right]))] = 2
    return level
