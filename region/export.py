"""The region as files: each partner's events as a table, and the mapping that ``jigsaw publish`` reads it with."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import yaml

from region.events import Event, Truth
from region.lives import Outcome
from region.places import Gazetteer
from region.vocabulary import PARTNERS, Partner

Row = Mapping[str, object]
# What a partner's own system would call a field.
_LABELS = {"given": "forename", "middle": "middle_names", "family": "surname", "birth_family": "birth_surname",
           "birth_date": "date_of_birth", "phone": "telephone", "nino": "ni_number", "vehicle": "car_reg"}  # fmt: skip


def columns(partner: Partner) -> Mapping[str, str]:
    """Column → path in the event, for every field and fact of any of the partner's types."""
    found = {"event_id": "id", "event_type": "type", "happened": "time"}
    for subject in ("person", "place", "organisation"):
        fields: dict[str, None] = {}
        for event in partner.events:
            fields |= dict.fromkeys(getattr(event, subject))
        if fields:
            found[f"{subject}_id"] = f"{subject}.id"
        prefix = "" if subject == "person" else f"{subject}_"
        found |= {f"{prefix}{_LABELS.get(name, name)}": f"{subject}.{name}" for name in fields}
    for event in partner.events:
        found |= {f"fact_{name}": f"facts.{name}" for name in event.facts}
    return found


def write_events(folder: Path, events: Iterable[Event], formats: Sequence[str]) -> list[Path]:
    """``<partner>.<format>`` and ``mappings/<partner>.yaml``. Events whose data is no object have no row.

    Raises ``ValueError`` for a format that is not csv, jsonl or xlsx.
    """
    if unknown := sorted(set(formats) - set(_WRITERS)):
        raise ValueError(f"cannot write {', '.join(unknown)}: the formats are {', '.join(_WRITERS)}")
    by_partner: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event.data, dict):
            by_partner.setdefault(event.partner, []).append(event)
    (folder / "mappings").mkdir(parents=True, exist_ok=True)
    written = []
    for name, sent in sorted(by_partner.items()):
        mapping = columns(PARTNERS[name])
        path = folder / "mappings" / f"{name}.yaml"
        path.write_text(
            yaml.safe_dump({"partner": name, "columns": dict(mapping)}, sort_keys=False, allow_unicode=True)
        )
        written.append(path)
        rows = [_row(event, mapping) for event in sent]
        for form in formats:
            written.append(folder / f"{name}.{form}")
            _WRITERS[form](written[-1], list(mapping), rows)
    return written


def write_truth(folder: Path, truth: Truth, outcomes: Mapping[str, Outcome], gazetteer: Gazetteer) -> list[Path]:
    """Who is who and what became of them, in ``truth/``, and every address of the region."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    subjects = (("person", truth.people), ("place", truth.places), ("organisation", truth.organisations))
    records = [
        {"partner": partner, "subject": subject, "id": key, "true_id": true_id}
        for subject, known in subjects
        for (partner, key), true_id in known.items()
    ]
    became = [{"person": person, "neet": o.neet, "chance": round(o.chance, 6)} for person, o in outcomes.items()]
    homes = [
        {"uprn": p.uprn, "address": p.address, "town": p.town.name, "postcode": p.postcode, "lat": p.lat, "lon": p.lon}
        for p in gazetteer
    ]
    written = []
    for name, rows in (("truth/records", records), ("truth/outcomes", became), ("gazetteer", homes)):
        written.append(folder / f"{name}.csv")
        _csv(written[-1], list(rows[0]) if rows else [], rows)
    return written


def _row(event: Event, mapping: Mapping[str, str]) -> Row:
    """The event as a flat row; what it does not say is left out."""
    whole = event.cloudevent()
    data = whole.get("data")
    assert isinstance(data, dict)
    row = {}
    for column, path in mapping.items():
        part, _, name = path.partition(".")
        value = data.get(part, {}).get(name) if name else whole.get(part)
        if value is not None:
            row[column] = value
    return row


def _csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(dict(_plain(row)) for row in rows)


def _plain(row: Row) -> Iterator[tuple[str, object]]:
    """Truth values as the words true and false, which every reader of CSV understands."""
    for column, value in row.items():
        yield column, str(value).lower() if isinstance(value, bool) else value


def _jsonl(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _xlsx(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    book = import_module("openpyxl").Workbook(write_only=True)  # needed for this format alone, so not at the start
    sheet = book.create_sheet("events")
    sheet.append(list(header))
    for row in rows:
        sheet.append([row.get(column) for column in header])
    book.save(path)


_WRITERS: Mapping[str, Callable[[Path, Sequence[str], Iterable[Row]], None]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "xlsx": _xlsx,
}
