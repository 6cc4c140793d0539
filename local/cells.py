"""Cells of a partner's file: as text, and as what a fact of an agreement must be."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from shared.normal.dates import calendar_date

TRUE = frozenset({"true", "yes", "y", "1", "t", "ie", "oes", "ydy"})
FALSE = frozenset({"false", "no", "n", "0", "f", "na", "nac oes", "nac ydy"})
_NO_DAY = {
    "date_unreadable": "is not a date: write 2026-03-01 or 01/03/2026",
    "date_incomplete": "is not a whole date: day, month and year are needed",
    "date_impossible": "is not a day of the calendar",
    "placeholder": "says no date",
}


class CellError(ValueError):
    """A cell that cannot be what the mapping says: its column and what is wrong."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column, self.reason = column, reason


def as_text(cell: object) -> str:
    """A cell as a person would read it: whole numbers without a point, dates as ISO."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell.total_seconds())
    return "" if cell is None else str(cell)


def as_number(text: str) -> float | int:
    """``£1,006.50`` is 1006.5. Raises ``ValueError``."""
    try:
        number = float(text.replace(",", "").replace(" ", "").removeprefix("£"))
    except ValueError:
        raise ValueError("is not a number") from None
    return int(number) if number.is_integer() else number


def as_truth(text: str) -> bool:
    """Yes and no, in English and Welsh. Raises ``ValueError``."""
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError("is neither yes nor no")


def as_day(text: str) -> str:
    """``YYYY-MM-DD``. Raises ``ValueError``."""
    day, reason = calendar_date(text)
    if not day:
        raise ValueError(_NO_DAY[reason])
    return day


READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "number": as_number,
    "boolean": as_truth,
    "date": as_day,
}
"""By the types that agreements give to facts."""
