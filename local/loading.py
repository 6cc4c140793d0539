"""``jigsaw linkage load``: a partner's files into the index at once, judged and normalised as ingest does it.

In a container, where there is no ``jigsaw``: ``python -m local.loading FILE… --partner P --mapping M``.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from local.cells import CellError
from local.mapping import ColumnMap
from local.rows import FileError, Row, rows_of
from services.ingest.domain import Rules, Sender, judge
from services.linkage.commands import MEMORY, Memory, fail, out, run
from services.linkage.loading import Loaded, Loading
from services.linkage.models.registry import InUse
from services.linkage.models.relinking import Progress
from services.linkage.purposes.terms import Terms
from services.linkage.records import Published
from services.linkage.settings import LinkageSettings
from shared.access import Agreements
from shared.db import Database
from shared.initiatives import Initiatives
from shared.outbox import Outbox

MOST_SHOWN = 20
TOLD = 1_000
"""Rows between two signs of life."""
COMMON = frozenset({"given", "middle", "family", "sex", "birth_date", "town", "postcode"})
"""Fields whose values many records have."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that does not get in: where to look, and why."""

    row: int
    where: str
    reason: str


@dataclass
class Read:
    """What files say of each record, and the rows that were refused, of which the first are kept."""

    rows: int = 0
    published: dict[UUID, list[Published]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[Refused] = field(default_factory=list)


def read(
    files: Iterable[Path], partner: str, mapping: Path, agreements: Agreements, now: datetime,
    more: Callable[[int], None] = lambda _: None,
) -> Read:  # fmt: skip
    """The records of a partner's files. ``more`` hears how many more rows were read.

    Raises ``FileError`` for what cannot be used at all, a mapping of facts among it: a load takes identities only.
    """
    columns = ColumnMap.load(mapping, partner)
    _check(columns, mapping, partner, agreements)
    sender, rules, found = Sender(partner, frozenset([columns.source]), 0), Rules(agreements), Read()
    for row in chain.from_iterable(rows_of(file, columns.sheet) for file in files):
        found.rows += 1
        for one in _judged(row, columns, sender, rules, now):
            if isinstance(one, Published):
                found.published.setdefault(one.id, []).append(one)
            else:
                found.reasons[one.reason] += 1
                found.shown += [one] if len(found.shown) < MOST_SHOWN else []
        if found.rows % TOLD == 0:
            more(TOLD)
    more(found.rows % TOLD)
    return found


def _check(columns: ColumnMap, mapping: Path, partner: str, agreements: Agreements) -> None:
    if not agreements.of_partner(partner):
        raise FileError(f"{partner} has no agreement: there is nothing that would let its records in")
    facts = [name for name, targets in columns.targets.items() if any(one.part == "facts" for one in targets)]
    if facts or any(target.part == "facts" for target, _ in columns.values):
        raise FileError(
            f"{mapping.name} maps facts ({', '.join(facts)}), and a load takes identities only: load with a copy of it"
            " that has none, then `jigsaw publish` the files with it as it is: who is known costs a look-up, and every"
            " fact is counted"
        )


def _judged(row: Row, columns: ColumnMap, sender: Sender, rules: Rules, now: datetime) -> Iterator[Published | Refused]:
    """What a row says of its records, as ingest would take it; or why it says nothing."""
    try:
        if row.fault:
            raise CellError("", row.fault)
        judged = judge(columns.event(row, now), sender, rules, now)
    except CellError as error:
        yield Refused(row.number, error.column, error.reason)
        return
    if judged.body is None:
        yield Refused(row.number, ", ".join(columns.columns_of(judged.field)) or judged.field, judged.reason)
        return
    body = judged.body
    for one in body.records:
        yield Published(one.id, one.kind, body.partner, body.agreement, _lean(one.identity), body.occurred)


def _lean(identity: Mapping[str, str]) -> dict[str, str]:
    """The same, with values that many records have kept once: a quarter of what a million records weigh."""
    return {name: sys.intern(value) if name in COMMON else value for name, value in identity.items()}


def load(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV, JSON Lines or XLSX.")],
    partner: Annotated[str, typer.Option(help="Whose files they are: the partner's name in its agreement.")],
    mapping: Annotated[Path, typer.Option(exists=True, help="YAML: which column is which field, as for publish.")],
    memory: Memory = MEMORY,
) -> None:
    """Take the first millions of records in at once: the same result as a stream of them, many times as fast.

    Each row is judged as ingest would judge it. One transaction: all or nothing, safe to repeat; the stream goes on
    meanwhile and waits only while the tables are written. Identities only: publish what happened afterwards.
    """

    async def all_at_once(database: Database, progress: Progress) -> tuple[Read, Loaded]:
        settings, now = LinkageSettings(), datetime.now(UTC)
        agreements = Agreements.load(settings.agreements)
        terms = Terms.of(agreements, Initiatives.load(settings.initiatives))
        found = read(files, partner, mapping, agreements, now, progress.read)
        progress.say(f"{found.rows:,} rows say something of {len(found.published):,} records")
        outbox = Outbox(database, settings.broker("linkage"), "linkage")
        return found, await Loading(database, outbox, InUse(settings.model()), terms, progress).load(
            found.published, now
        )

    try:
        found, loaded = run(all_at_once, memory)
    except FileError as error:
        fail(str(error))
    table = Table(show_header=False)
    for name, count in (
        ("rows", found.rows), ("rows refused", found.reasons.total()), ("records", loaded.records),
        ("records new or changed", loaded.changed), ("entities changed", loaded.entities),
    ):  # fmt: skip
        table.add_row(name, f"{count:,}")
    for reason, count in found.reasons.most_common():
        table.add_row(f"{count:,} rows", reason)
    for one in found.shown:
        table.add_row(f"row {one.row}" + (f", {one.where}" if one.where else ""), one.reason)
    out.print(table)
    raise typer.Exit(1 if found.reasons else 0)


if __name__ == "__main__":
    typer.run(load)
