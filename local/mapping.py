"""Which column of a partner's file is which field: a YAML file, and rows made events by it.

    type: housing.arrears.v1           the event type
    id: [tenancy, week]                columns that name an event; without it, the whole row names it
    time: week                         the column that says when it happened; without it, now
    sheet: Arrears                     of a workbook; without it, the first
    columns:                           two columns of one field are joined by a space
      tenancy: person.id
      forename: person.given
      house: person.address
      street: person.address
      weeks: facts.weeks as number     number, boolean, date, or text when nothing is said
    values:                            the same in each event
      facts.role: tenant

A column may go to several fields: ``postcode: [person.postcode, place.postcode]``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as time_of_day
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from local.rows import FileError, Row, as_text
from shared.normal.dates import calendar_date

SUBJECTS = ("person", "place", "organisation", "facts")
ZONE = ZoneInfo("Europe/London")
NOON = time_of_day(12)
_TRUE = frozenset({"true", "yes", "y", "1", "t", "ie", "oes", "ydy"})
_FALSE = frozenset({"false", "no", "n", "0", "f", "na", "nac oes", "nac ydy"})
T = TypeVar("T")


class CellError(ValueError):
    """A cell that cannot be what the mapping says: its column and what is wrong."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column, self.reason = column, reason


@dataclass(frozen=True, slots=True)
class Target:
    """Where a cell goes: ``person``, ``given``; or ``facts``, ``weeks``, read as a number."""

    part: str
    field: str
    read: Callable[[str], object]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: str
    source: str = ""
    id: str | list[str] = []
    time: str | None = None
    sheet: str | None = None
    columns: dict[str, str | list[str]]
    values: dict[str, bool | int | float | str] = {}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A mapping, checked."""

    type: str
    source: str
    id: list[str]
    time: str | None
    sheet: str | None
    targets: Mapping[str, list[Target]]
    values: Sequence[tuple[Target, object]]

    @classmethod
    def load(cls, file: Path, partner: str) -> "ColumnMap":
        """Raises ``FileError`` that names the place and what to write there."""
        try:
            told = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
            targets = {column: [_target(text) for text in _listed(to)] for column, to in told.columns.items()}
            values = [(_target(text), value) for text, value in told.values.items()]
        except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
            raise FileError(f"{file.name}: not a mapping: {error}") from error
        source = told.source or f"/partners/{partner}"
        return cls(told.type, source, _listed(told.id), told.time, told.sheet, targets, values)

    def missing(self, row: Row) -> list[str]:
        """Columns the mapping names and the row has not."""
        wanted = [*self.targets, *self.id, *([self.time] if self.time else [])]
        return [column for column in dict.fromkeys(wanted) if column not in row.cells]

    def event(self, row: Row, now: datetime) -> dict[str, Any]:
        """The row's event; ``now`` (aware) when no column says when it happened. Raises ``CellError``."""
        data: dict[str, dict[str, Any]] = {}
        for target, value in self.values:
            data.setdefault(target.part, {})[target.field] = value
        for column, targets in self.targets.items():
            text = as_text(row.cells.get(column, ""))
            if text:
                for target in targets:
                    _put(data, target, column, text)
        return {
            "specversion": "1.0", "id": self._id(row), "source": self.source, "type": self.type,
            "time": self._time(row, now), "data": data,
        }  # fmt: skip

    def columns_of(self, path: str) -> list[str]:
        """The columns behind a place in an event (``data.person.given``), for telling people what to look at."""
        if path == "time":
            return [self.time] if self.time else []
        if path == "id":
            return self.id
        part, _, field = path.removeprefix("data.").partition(".")
        return [c for c, targets in self.targets.items() if any((t.part, t.field) == (part, field) for t in targets)]

    def _id(self, row: Row) -> str:
        if not self.id:
            whole = orjson.dumps([self.type, {name: as_text(cell) for name, cell in row.cells.items()}])
            return blake2b(whole, digest_size=16).hexdigest()
        parts = [as_text(row.cells.get(column, "")) for column in self.id]
        for column, part in zip(self.id, parts, strict=True):
            if not part:
                raise CellError(column, "is empty, and it names the event")
        return "/".join(parts)

    def _time(self, row: Row, now: datetime) -> str:
        """RFC 3339. A day without a time is its noon in London, which is the same day everywhere that matters."""
        if self.time is None:
            return now.astimezone(UTC).isoformat()
        text = as_text(row.cells.get(self.time, ""))
        moment = _moment(text)
        if moment is None:
            day, reason = calendar_date(text, now.date())
            if not day:
                raise CellError(self.time, _SAID[reason] if text else "is empty, and it says when it happened")
            moment = datetime.combine(datetime.fromisoformat(day), NOON)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC).isoformat()


_SAID = {
    "date_unreadable": "is not a date: write 2026-03-01 or 01/03/2026",
    "date_incomplete": "is not a whole date: day, month and year are needed",
    "date_impossible": "is not a day of the calendar",
    "placeholder": "does not say when it happened",
}


def _moment(text: str) -> datetime | None:
    """A date with a time of day in ISO's way; ``None`` for anything else."""
    try:
        return datetime.fromisoformat(text) if ":" in text else None
    except ValueError:
        return None


def _put(data: dict[str, dict[str, Any]], target: Target, column: str, text: str) -> None:
    part = data.setdefault(target.part, {})
    try:
        value = target.read(text)
    except ValueError as error:
        raise CellError(column, str(error)) from error
    earlier = part.get(target.field)
    part[target.field] = f"{earlier} {value}" if isinstance(earlier, str) and isinstance(value, str) else value


def _target(text: str) -> Target:
    path, _, type_name = text.partition(" as ")
    part, _, field = path.strip().partition(".")
    if part not in SUBJECTS or not field or "." in field:
        raise ValueError(f"{text!r} is no field: write person.given, place.uprn, facts.weeks as number …")
    type_name = type_name.strip() or "text"
    if type_name not in _READERS or (part != "facts" and type_name != "text"):
        raise ValueError(f"{text!r}: a fact is a number, boolean, date or text, and other fields are text")
    return Target(part, field, _READERS[type_name])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _number(text: str) -> float | int:
    try:
        number = float(text.replace(",", "").replace(" ", "").removeprefix("£"))
    except ValueError:
        raise ValueError("is not a number") from None
    return int(number) if number.is_integer() else number


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("is neither yes nor no")


def _date(text: str) -> str:
    day, reason = calendar_date(text)
    if not day:
        raise ValueError(_SAID[reason])
    return day


_READERS: Mapping[str, Callable[[str], object]] = {"text": str, "number": _number, "boolean": _boolean, "date": _date}
