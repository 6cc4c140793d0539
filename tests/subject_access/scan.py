"""Every row of every table that mentions somebody, found without what answers access requests: all tables are read
whole, and what is sealed in the log is opened. And whether an answer has it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.crypto import unseal
from tests.subject_access.region import Lived

Row = Mapping[str, Any]
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
TILE_BYTES = 16


@dataclass
class Found:
    """Rows by service and table, as text that has every id in it, and as what it says."""

    rows: dict[tuple[str, str], list[tuple[str, Row]]] = field(default_factory=dict)

    def about(self, ids: Iterable[UUID]) -> Iterable[tuple[tuple[str, str], Row]]:
        """The rows that have one of these ids anywhere in them, whether as text or as bytes."""
        wanted = [form for id in ids for form in (str(id), id.hex)]
        for place, rows in self.rows.items():
            yield from ((place, row) for text, row in rows if any(form in text for form in wanted))


async def everything(lived: Lived) -> Found:
    """All that the region's services keep."""
    found = Found()
    for service in lived.dsns:
        for (table,) in await lived.rows(service, TABLES):
            rows = await lived.rows(service, f"SELECT to_jsonb(t)::text FROM {table} t")
            found.rows[service, table] = [(row[0], orjson.loads(row[0])) for row in rows]
    found.rows["audit", "entries"] = await _opened(lived)
    return found


async def _opened(lived: Lived) -> list[tuple[str, Row]]:
    key = bytes.fromhex(lived.stack.home.secret("sealing_key"))
    subjects = {
        row["number"]: (row["entity"], unseal(key, row["sealed_key"], row["entity"].bytes))
        for row in await lived.rows("audit", "SELECT * FROM subjects")
    }
    opened = []
    for row in await lived.rows("audit", "SELECT seq, subject, commitment, sealed FROM entries"):
        entity, secret = subjects[row["subject"]]
        said = orjson.loads(unseal(secret, row["sealed"], row["commitment"])[32:])
        opened.append((f"{entity} {orjson.dumps(said).decode()}", {"seq": row["seq"], "entity": str(entity), **said}))
    return opened


@dataclass
class Export:
    """What a person was answered."""

    text: str
    answers: Mapping[str, Mapping[str, Any]]
    ids: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Export":
        said = orjson.loads(text)
        answers = {answer["service"]: answer for answer in said["answers"]}
        return cls(text, answers, frozenset(id for answer in said["answers"] for id in answer["ids"]))

    def section(self, service: str, name: str) -> list[Row]:
        return [row for one in self.answers[service]["sections"] if one["name"] == name for row in one["rows"]]

    def has(self, service: str, name: str, **wanted: Any) -> bool:
        """Is there a row with these values?"""
        return any(all(_same(row.get(f), value) for f, value in wanted.items()) for row in self.section(service, name))


def _same(said: Any, kept: Any) -> bool:
    """Moments are written in several ways."""
    try:
        return said == kept or datetime.fromisoformat(said) == datetime.fromisoformat(kept)
    except (TypeError, ValueError):
        return False


def _like(section: str, **columns: str) -> "Told":
    """A row of the section has the table's columns under these names."""
    return lambda export, place, row: export.has(
        place[0], section, **{said: row[column] for column, said in columns.items()}
    )


def _identity(export: Export, _: tuple[str, str], row: Row) -> bool:
    said = {(one["field"], one["value"]) for one in export.section("linkage", "values") if one["record"] == row["id"]}
    return said == set(row["identity"].items())


def _counted(export: Export, _: tuple[str, str], row: Row) -> bool:
    said = [one for one in export.section("scoring", "counts") if one["record"] == row["record"]]
    mine = [one for one in said if one["initiative"] == row["initiative"]]
    return len(mine) == len(bytes.fromhex(row["tiles"].removeprefix("\\x"))) // TILE_BYTES


def _entry(export: Export, _: tuple[str, str], row: Row) -> bool:
    wanted = {name: row[name] for name in ("seq", "action", "purpose", "role", "fields", "outcome")}
    return export.has("audit", "entries", **wanted)


Told = Callable[[Export, tuple[str, str], Row], bool]
TOLD: Mapping[tuple[str, str], Told] = {
    ("linkage", "records"): _like("records", id="record", seen="seen"),
    ("linkage", "identities"): _identity,
    ("linkage", "entities"): _like("references", id="reference", into_entity="leads_to"),
    ("linkage", "decisions"): _like("decisions", verdict="verdict", at="at"),
    ("linkage", "parts"): _like("parts", id="part", living="living"),
    ("scoring", "members"): _like("records", record="record", entity="entity", version="version"),
    ("scoring", "states"): _counted,
    ("scoring", "scores"): _like(
        "scores", entity="entity", initiative="initiative", version="version", score="score", receipt="receipt",
        area="area",
    ),
    ("scoring", "receipts"): _like(
        "receipts", id="receipt", version="version", score="score", model="model", raise_at="raise", lower_at="lower"
    ),
    ("alerts", "standings"): _like("standings", entity="entity", initiative="initiative", score="score"),
    ("alerts", "alerts"): _like(
        "alerts", id="alert", team="team", state="state", score="score", opened_at="opened_at", outcome="outcome"
    ),
    ("alerts", "history"): _like("history", alert="alert", at="at", change="change"),
    ("alerts", "mail_items"): _like("mails", alert="alert", team="team", at="at"),
    ("alerts", "overrides"): _like("overrides", override="override", given_at="given_at", verdict="verdict"),
    ("audit", "entries"): _entry,
}  # fmt: skip
"""Where an answer has the rows of a table."""
OWNER: Mapping[tuple[str, str], str] = {
    ("linkage", "records"): "id",
    ("linkage", "identities"): "id",
    ("linkage", "entities"): "id",
    ("linkage", "parts"): "entity",
    ("scoring", "receipts"): "entity",
    ("scoring", "scores"): "entity",
    ("audit", "entries"): "entity",
}
"""Whose a row is. One of somebody else may mention a person: which records are close, of whom a score once was, with
whose record a steward compared theirs. It is told to its owner."""
LEFT_OUT: Mapping[tuple[str, str], str] = {
    ("linkage", "journal"): "which ids a batch touched, for a day",
    ("linkage", "relinked"): "what another model would make of the records, while it is tried",
    ("scoring", "departures"): "where merged ids lead: in the answer's ids",
    ("alerts", "redirects"): "where merged ids lead: in the answer's ids",
    ("alerts", "feed"): "what open pages must hear: a repetition of the history, for two days",
    ("alerts", "mails"): "that an override was mailed: a repetition of the overrides",
    ("audit", "subjects"): "the key under which the entries are sealed",
}
"""Tables of which an answer has nothing, and why. The services say so in words."""


def belongings(found: Found, export: Export) -> set[str]:
    """The ids of the person's alerts, receipts and overrides, as the tables have them."""
    alerts = {row["id"] for _, row in found.rows["alerts", "alerts"] if row["entity"] in export.ids}
    receipts = {row["id"] for _, row in found.rows["scoring", "receipts"] if row["entity"] in export.ids}
    opened = {row["override"] for _, row in found.rows["alerts", "overrides"] if row["person"] in export.ids}
    return alerts | receipts | opened


def mentions(found: Found, export: Export) -> list[tuple[tuple[str, str], Row]]:
    """All rows that have any id of the person's, or of what is theirs."""
    return list(found.about(map(UUID, export.ids | belongings(found, export))))


def _owner(place: tuple[str, str], row: Row) -> str | None:
    """Whose a row is, as far as one can tell from it. An ended part with an id of its own went where its record is."""
    if place == ("linkage", "parts") and not row["living"] and row["id"] != row["entity"] and row["members"]:
        return str(row["members"][0])
    return str(row[OWNER[place]]) if place in OWNER else None


def missing(found: Found, export: Export) -> list[tuple[tuple[str, str], Row]]:
    """The rows that mention the person and are neither in the answer nor another's, nor of a table that is left out."""
    return [
        (place, row)
        for place, row in mentions(found, export)
        if place not in LEFT_OUT
        and _owner(place, row) in (None, *export.ids)
        and not (place in TOLD and TOLD[place](export, place, row))
    ]
