"""Dates as offices write them, in English and Welsh. Day before month, unless the second number cannot be a month."""

import re
from datetime import date, timedelta
from functools import lru_cache

from shared.normal.text import Reading, clean, stands_for_nothing

_MONTHS = (
    "january jan ionawr ion", "february feb chwefror chw", "march mar mawrth maw", "april apr ebrill ebr", "may mai",
    "june jun mehefin meh", "july jul gorffennaf gorff gor", "august aug awst", "september sept sep medi",
    "october oct hydref hyd", "november nov tachwedd tach", "december dec rhagfyr rhag",
)  # fmt: skip
_MUTATED = {"chwefror": "gwefror", "mawrth": "fawrth", "mai": "fai", "mehefin": "fehefin", "medi": "fedi",
            "gorffennaf": "orffennaf", "tachwedd": "dachwedd", "rhagfyr": "ragfyr"}  # fmt: skip
"""After "o" (3 o Fawrth) Welsh softens the first consonant."""
MONTHS = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
MONTHS |= {mutated: MONTHS[month] for month, mutated in _MUTATED.items()}

_TIME = r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|[AaPp]\.?[Mm]\.?|[+-]\d{2}:?\d{2}))?)?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")
_NUMBERS = re.compile(rf"(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ](\d{{4}}|\d{{2}}){_TIME}")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:[a-z]{2,4})?[-/. ,]*(?:of |o )?([a-z]{3,10})\.?[-/ ,]*(\d{4}|\d{2})")
_MONTH_FIRST = re.compile(r"([a-z]{3,10})\.?[-/ ]*(\d{1,2})(?:[a-z]{2,4})?[-/ ,]+(\d{4}|\d{2})")
_WEEKDAY = re.compile(r"^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|dydd \w+),? ")
_EIGHT = re.compile(r"\d{8}")
_SERIAL = re.compile(r"(\d{5})(?:\.0*)?")
_INCOMPLETE = re.compile(r"(?:(?P<number>\d{1,2})[-/. ]|(?P<word>[a-z]{3,10}) )?(?P<year>\d{4})(?:-(?P<month>\d{2}))?")

EXCEL_EPOCH = date(1899, 12, 30)
"""Day 0 of Excel's 1900 system for every serial after its 29 February 1900, which never was (ECMA-376 §18.17.4.1)."""
OLDEST_BIRTH = 1875
LAST_TWO_DIGIT_YEAR = 29
"""Without a ``today``, 30–99 are read as 19xx and 00–29 as 20xx."""

Parts = tuple[int, int, int]


@lru_cache(maxsize=8192)
def birth_date(text: str, today: date | None = None) -> Reading:
    """``YYYY-MM-DD``, or as much of it as is said (``YYYY-MM``, ``YYYY``).

    What cannot be a date of birth, for there is no such day, or nobody alive was born then, is kept with a finding: a
    figure was mistyped, and the others still tell people apart. Stand-in dates such as 1900-01-01 are kept too: it is
    linkage that knows how much such a day says.
    """
    value, reason = calendar_date(text, today)
    if value and (int(value[:4]) < OLDEST_BIRTH or (today is not None and value > today.isoformat())):
        return value, "date_out_of_range"
    if reason == "date_incomplete":
        return _as_far_as_said(clean(text)[0].lower()), reason
    if reason == "date_impossible":
        return _as_if_a_day(text, today), reason
    return value, reason


def _as_far_as_said(lowered: str) -> str:
    """The year, with its month where that is one."""
    found = _INCOMPLETE.fullmatch(lowered)
    if found is None:
        return ""
    month = MONTHS.get(found["word"] or "", int(found["number"] or found["month"] or 0))
    return f"{found['year']}-{month:02}" if 1 <= month <= 12 else found["year"]


def _as_if_a_day(text: str, today: date | None) -> str:
    """The parts of what is no day of the calendar, such as 31 February, in the places where those of a day would be."""
    text, _ = clean(text)
    year, month, day = _parts(text, _WEEKDAY.sub("", text.lower()), today) or (0, 0, 0)
    return f"{year:04}-{month:02}-{day:02}"


@lru_cache(maxsize=4096)
def calendar_date(text: str, today: date | None = None) -> Reading:
    """``YYYY-MM-DD`` of a date written in any of the ways of this module; a time of day is let go."""
    text, _ = clean(text)
    if stands_for_nothing(text):
        return "", "placeholder" if text else ""
    lowered = _WEEKDAY.sub("", text.lower())
    parts = _parts(text, lowered, today)
    if parts is None:
        return "", "date_incomplete" if _INCOMPLETE.fullmatch(lowered) else "date_unreadable"
    try:
        return date(*parts).isoformat(), ""
    except ValueError:
        return "", "date_impossible"


def _parts(text: str, lowered: str, today: date | None) -> Parts | None:
    """Year, month, day, not yet known to be a date; ``None`` when no way of writing fits."""
    if found := _ISO.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _NUMBERS.fullmatch(text):
        return _ordered(_year(found[3], today), int(found[1]), int(found[2]))
    if (found := _DAY_FIRST.fullmatch(lowered)) and found[2] in MONTHS:
        return _year(found[3], today), MONTHS[found[2]], int(found[1])
    if (found := _MONTH_FIRST.fullmatch(lowered)) and found[1] in MONTHS:
        return _year(found[3], today), MONTHS[found[1]], int(found[2])
    if _EIGHT.fullmatch(text):
        return _of_eight(text)
    if found := _SERIAL.fullmatch(text):
        day = EXCEL_EPOCH + timedelta(days=int(found[1]))
        return day.year, day.month, day.day
    return None


def _ordered(year: int, first: int, second: int) -> Parts:
    return (year, first, second) if second > 12 >= first else (year, second, first)


def _of_eight(digits: str) -> Parts:
    """YYYYMMDD where that can be a date of ours, else DDMMYYYY."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if OLDEST_BIRTH <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31:
        return year, month, day
    return int(digits[4:]), int(digits[2:4]), int(digits[:2])


def _year(digits: str, today: date | None) -> int:
    """Two digits mean the latest such year that is not to come."""
    if len(digits) == 4:
        return int(digits)
    latest = today.year % 100 if today is not None else LAST_TWO_DIGIT_YEAR
    return int(digits) + (2000 if int(digits) <= latest else 1900)
