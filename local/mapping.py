"""Which column of a partner's file is which field: a YAML file, and rows made events by it.

type: housing.arrears.v1           the event type, when it is the same for all rows
id: [tenancy, week]                columns that name an event; without it, the whole row names it
time: week                         the column that says when it happened; without it, now
sheet: Arrears                     of a workbook; without it, the first
columns:                           two columns of one field are joined by a space
  tenancy: person.id
  forename: person.given
  house: person.address
  street: person.address
  weeks: facts.weeks               a number, boolean, text or date, as the agreement says
  kind: type                       id, time and type may be told here too
  postcode: [person.postcode, place.postcode]
values:                            the same in each event
  facts.role: tenant
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as time_of_day
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from local.cells import READERS, CellError, as_day, as_text
from local.rows import FileError, Row

SUBJECTS = ("person", "place", "organisation", "facts")
ATTRIBUTES = ("id", "time", "type")
ZONE = ZoneInfo("Europe/London")
NOON = time_of_day(12)

FactTypes = Mapping[str, Mapping[str, str]]
"""By event type, the type of each fact: number, boolean, string or date."""


class Target(NamedTuple):
    """Where a cell goes: ("person", "given"), ("facts", "weeks")."""

    part: str
    field: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    partner: str | None = None
    type: str = ""
    source: str = ""
    id: str | list[str] = []
    time: str = ""
    sheet: str | None = None
    columns: dict[str, str | list[str]]
    values: dict[str, bool | int | float | str] = {}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A mapping, checked. ``type_column`` when rows have types of their own; ``facts`` says how facts are read."""

    type: str
    type_column: str
    source: str
    id: Sequence[str]
    time: str
    sheet: str | None
    targets: Mapping[str, Sequence[Target]]
    values: Sequence[tuple[Target, object]]
    facts: FactTypes = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path, partner: str) -> "ColumnMap":
        """Raises ``FileError`` that names the place and what to write there."""
        try:
            return _checked(_File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))), partner)
        except (OSError, yaml.YAMLError, ValueError) as error:
            raise FileError(f"{file.name}: not a mapping: {_said(error)}") from error

    def named(self) -> list[str]:
        """Every column that the mapping names."""
        others = [*self.id, self.time, self.type_column]
        return [column for column in dict.fromkeys([*self.targets, *others]) if column]

    def event(self, row: Row, now: datetime) -> dict[str, Any]:
        """The row's event; ``now`` (aware) when no column says when it happened. Raises ``CellError``."""
        event_type = self.type or self._cell(row, self.type_column, "says which type of event it is")
        types = self.facts.get(event_type, {})
        data: dict[str, dict[str, Any]] = {}
        for target, value in self.values:
            data.setdefault(target.part, {})[target.field] = value
        for column, targets in self.targets.items():
            text = as_text(row.cells.get(column, ""))
            if text:
                for target in targets:
                    _put(data.setdefault(target.part, {}), target, column, text, types)
        return {
            "specversion": "1.0", "id": self._id(row, event_type), "source": self.source, "type": event_type,
            "time": self._time(row, now), "data": data,
        }  # fmt: skip

    def columns_of(self, path: str) -> Sequence[str]:
        """The columns behind a place in an event (``data.person.given``), for telling people what to look at."""
        attributes = {"id": self.id, "time": [self.time], "type": [self.type_column]}
        if path in attributes:
            return [column for column in attributes[path] if column]
        part, _, name = path.removeprefix("data.").partition(".")
        return [column for column, targets in self.targets.items() if Target(part, name) in targets]

    def _id(self, row: Row, event_type: str) -> str:
        if not self.id:
            whole = orjson.dumps([event_type, {name: as_text(cell) for name, cell in row.cells.items()}])
            return blake2b(whole, digest_size=16).hexdigest()
        return "/".join(self._cell(row, column, "names the event") for column in self.id)

    def _time(self, row: Row, now: datetime) -> str:
        """RFC 3339. A day without a time is its noon in London, which is the same day everywhere that matters."""
        if not self.time:
            return now.astimezone(UTC).isoformat()
        text = self._cell(row, self.time, "says when it happened")
        moment = _moment(text)
        if moment is None:
            try:
                moment = datetime.combine(datetime.fromisoformat(as_day(text)), NOON)
            except ValueError as error:
                raise CellError(self.time, str(error)) from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC).isoformat()

    def _cell(self, row: Row, column: str, role: str) -> str:
        text = as_text(row.cells.get(column, ""))
        if not text:
            raise CellError(column, f"is empty, and it {role}")
        return text


def _put(part: dict[str, Any], target: Target, column: str, text: str, types: Mapping[str, str]) -> None:
    try:
        value = READERS[types.get(target.field, "string") if target.part == "facts" else "string"](text)
    except ValueError as error:
        raise CellError(column, str(error)) from error
    earlier = part.get(target.field)
    part[target.field] = f"{earlier} {value}" if isinstance(earlier, str) and isinstance(value, str) else value


def _moment(text: str) -> datetime | None:
    """A date with a time of day in ISO's way; ``None`` for anything else."""
    try:
        return datetime.fromisoformat(text) if ":" in text else None
    except ValueError:
        return None


def _checked(told: _File, partner: str) -> ColumnMap:
    """Raises ``ValueError``."""
    if told.partner not in (None, partner):
        raise ValueError(f"it is {told.partner}'s, and the file is to be published as {partner}")
    pairs = [(column, path) for column, to in told.columns.items() for path in _listed(to)]
    attributes: dict[str, list[str]] = {
        "id": _listed(told.id), "time": _listed(told.time or []), "type": _listed(told.type or []),
    }  # fmt: skip
    targets: dict[str, list[Target]] = {}
    for column, path in pairs:
        if path not in ATTRIBUTES:
            targets.setdefault(column, []).append(_target(path))
        elif path != "id" and attributes[path]:
            raise ValueError(f"{path} is told twice, the second time for column {column!r}")
        else:
            attributes[path].append(column)
    if not attributes["type"]:
        raise ValueError("no event type: write type: housing.arrears.v1, or let a column go to type")
    values = [(_target(path), value) for path, value in told.values.items()]
    return ColumnMap(
        told.type, "" if told.type else attributes["type"][0], told.source or f"/partners/{partner}",
        attributes["id"], "".join(attributes["time"]), told.sheet, targets, values,
    )  # fmt: skip


def _target(path: str) -> Target:
    part, _, name = path.strip().partition(".")
    if part not in SUBJECTS or not name or "." in name:
        raise ValueError(f"{path!r} is no field: write person.given, place.uprn, facts.weeks, or id, time, type")
    return Target(part, name)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else [*value]


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
