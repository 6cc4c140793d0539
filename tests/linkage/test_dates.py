"""Two dates of birth agree as a clerk would say that they do, digit by digit."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import DAYS, FIELDS, compare
from services.linkage.matching.compare_values import GENERATION
from services.linkage.reading.normal import TRAITS
from tests.linkage.people import model

years = st.integers(1930, 2025) | st.just(1987)
days = st.tuples(st.integers(1, 12), st.integers(0, 31)) | st.sampled_from(
    [(0, 0), (2, 12), (3, 12), (9, 13), (10, 13)]
)
dates = st.lists(st.tuples(years, days), min_size=2, max_size=12)
Date = tuple[int, tuple[int, int]]


@settings(deadline=None)  # it compiles, on a machine that has never run it
@given(dates)
def test_levels_of_dates_are_what_their_digits_say(born: list[Date]) -> None:
    columns = Columns(model().frequencies())
    said = [f"{year:04}{month:02}{day:02}" for year, (month, day) in born]
    nodes = columns.append([tuple(date if trait == "date" else "" for trait in TRAITS) for date in said])
    left, right = (side.ravel() for side in np.meshgrid(nodes, nodes))
    levels, _ = compare(columns, left, right)
    found = levels[[FIELDS.index("year"), FIELDS.index("day")]].T.tolist()
    assert found == [_levels(born[one], born[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]


def _levels(one: Date, other: Date) -> list[int]:
    year, day = _year(one, other), _day(one, other)
    return [year, day and day + (year - 1) * DAYS]


def _year(one: Date, other: Date) -> int:
    wrong, crossed = _apart(f"{one[0]:04}", f"{other[0]:04}")
    if not wrong:
        return 1
    if crossed or _within_a_month(one, other):
        return 2
    if wrong > 1 and abs(one[0] - other[0]) >= GENERATION:
        return 5
    return min(wrong + 1, 4)


def _day(one: Date, other: Date) -> int:
    (month, day), (other_month, other_day) = one[1], other[1]
    wrong, crossed = _apart(f"{month:02}{day:02}", f"{other_month:02}{other_day:02}")
    if not month or not other_month or (wrong and month == other_month and not (day and other_day)):
        return 0
    if not wrong:
        return 1
    if (month, day) == (other_day, other_month):
        return 2
    return 3 if wrong == 1 or crossed else 4 if _within_a_month(one, other) else 5


def _apart(one: str, other: str) -> tuple[int, bool]:
    wrong = [at for at in range(4) if one[at] != other[at]]
    first, last = wrong[0] if wrong else 0, wrong[-1] if wrong else 0
    return len(wrong), len(wrong) == 2 and last == first + 1 and one[first : last + 1] == other[first : last + 1][::-1]


def _within_a_month(one: Date, other: Date) -> bool:
    whole = [(year * 12 + month) * 31 + day for year, (month, day) in (one, other)]
    return bool(one[1][0] and other[1][0]) and abs(whole[0] - whole[1]) <= 31
