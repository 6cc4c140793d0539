"""Publishes a partner's file as events through everybody's API. Bad rows are listed, the rest goes on."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import orjson

from local.cells import CellError
from local.mapping import ColumnMap, FactTypes
from local.publisher import Publisher, Receipts
from local.rows import JSON_LINES, FileError, Row, rows_of

MOST_EVENTS = 500
MOST_BYTES = 900_000
LARGEST = 1024 * 1024 - len("[]")
"""Bytes of one event: what ingest takes at once."""
POSTS_AT_ONCE = 4
MOST_PROBLEMS = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that did not get in: where to look, why, what to do."""

    row: int
    columns: Sequence[str]
    reason: str


@dataclass
class Summary:
    """What became of a file. ``rows`` = ``accepted`` + ``duplicate`` + ``rejected`` + ``unreadable``.

    ``problems`` are the first ``MOST_PROBLEMS`` in the order they were met; ``findings`` count fields that were dropped
    or put right, by columns and advice.
    """

    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    unreadable: int = 0
    problems: list[Problem] = field(default_factory=list)
    findings: Counter[tuple[tuple[str, ...], str]] = field(default_factory=Counter)

    def note(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


async def publish(
    file: Path, partner: str, mapping: Path | None, url: str, key: str, progress: Callable[[int], None] = lambda _: None
) -> Summary:
    """Publish every row. ``mapping`` may be ``None`` for JSON Lines of events as they are to be sent.

    ``url`` is the console's or ingest's address; ``progress`` hears how many more rows were answered. A file may be
    published again: what was accepted before is a duplicate. Raises ``FileError`` when the file, the mapping or the key
    cannot be used at all.
    """
    columns = ColumnMap.load(mapping, partner) if mapping is not None else None
    rows = _checked(file, rows_of(file, columns.sheet if columns else None), columns)
    if columns is not None:
        columns = replace(columns, facts=await _fact_types(url, key))
    summary = Summary()
    turns, failed = asyncio.Semaphore(POSTS_AT_ONCE), list[Exception]()
    async with Publisher(url.rstrip("/"), {partner: key}, posts_at_once=POSTS_AT_ONCE) as publisher:
        publisher.receipts = told = _Told(summary, columns, progress)
        try:
            async with asyncio.TaskGroup() as group:
                for batch in _batches(_sendable(_events(rows, columns, summary), summary)):
                    told.expect(batch)
                    await turns.acquire()
                    task = group.create_task(publisher.send(partner, orjson.dumps([event for _, event in batch])))
                    task.add_done_callback(lambda _: turns.release())
        except* (httpx.HTTPStatusError, FileError) as errors:
            failed += errors.exceptions
    for error in failed:  # not in the except*, from which two would come in a group
        raise error if isinstance(error, FileError) else FileError(_refusal(error)) from error
    progress(summary.unreadable)
    return summary


async def _fact_types(url: str, key: str) -> FactTypes:
    """How each fact is to be read, from the partner's own agreements."""
    async with httpx.AsyncClient(headers={"X-API-Key": key}, timeout=60) as client:
        try:
            answer = (await client.get(f"{url.rstrip('/')}/v1/agreements")).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise FileError(_refusal(error)) from error
        except httpx.TransportError as error:
            raise FileError(f"{url} does not answer ({type(error).__name__}): is the stack up?") from error
    return {
        event_type: named["facts"]
        for said in answer.json()
        for event_type, named in said["agreement"]["events"].items()
    }


Numbered = tuple[int, Mapping[str, Any]]


def _checked(file: Path, rows: Iterator[Row], columns: ColumnMap | None) -> Iterator[Row]:
    """The same rows, once the first has shown that the file can be read and has the mapping's columns.

    A row of JSON Lines leaves out what it does not know, so there one column is enough.
    """
    first = next(rows, None)
    if first is None:
        return iter(())
    if columns is not None and not first.fault:
        missing = [column for column in columns.named() if column not in first.cells]
        if missing and (file.suffix.lower() not in JSON_LINES or len(missing) == len(columns.named())):
            names, there = ", ".join(map(repr, missing)), ", ".join(first.cells)
            raise FileError(f"the mapping names {names}, which {file.name} has not; its columns are {there}")
    return chain([first], rows)


def _events(rows: Iterator[Row], columns: ColumnMap | None, summary: Summary) -> Iterator[Numbered]:
    """The events of the rows that can be read, with the row's number."""
    now = datetime.now(UTC)
    for row in rows:
        summary.rows += 1
        try:
            if row.fault:
                raise CellError("", row.fault)
            yield row.number, columns.event(row, now) if columns is not None else row.cells
        except CellError as error:
            summary.unreadable += 1
            summary.note(Problem(row.number, [error.column] if error.column else [], error.reason))


def _sendable(events: Iterator[Numbered], summary: Summary) -> Iterator[tuple[int, Numbered]]:
    """The events that ingest would take at all, with their sizes."""
    for number, event in events:
        size = len(orjson.dumps(event))
        if size > LARGEST:
            summary.unreadable += 1
            advice = f"has {size} bytes as an event and may have {LARGEST}: leave out what the agreement does not name"
            summary.note(Problem(number, [], advice))
        else:
            yield size, (number, event)


def _batches(events: Iterator[tuple[int, Numbered]]) -> Iterator[list[Numbered]]:
    """Cut so that each post is within what ingest takes."""
    batch: list[Numbered] = []
    size = 0
    for bytes_, (number, event) in events:
        more = bytes_ + 1
        if batch and (len(batch) == MOST_EVENTS or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((number, event))
        size += more
    if batch:
        yield batch


class _Told(Receipts):
    """Keeps ingest's answers as a summary in the words of the file: rows and columns."""

    def __init__(self, summary: Summary, columns: ColumnMap | None, progress: Callable[[int], None]) -> None:
        super().__init__()
        self._summary, self._columns, self._progress = summary, columns, progress
        self._rows: dict[str, int] = {}

    def expect(self, batch: Sequence[Numbered]) -> None:
        self._rows.update((str(event.get("id")), number) for number, event in batch)

    def keep(self, partner: str, answers: Sequence[Mapping[str, Any]]) -> None:
        super().keep(partner, answers)
        for answer in answers:
            verdict = answer["verdict"]
            setattr(self._summary, verdict, getattr(self._summary, verdict) + 1)
            if verdict == "rejected":
                row = self._rows.get(answer["id"], 0)
                self._summary.note(Problem(row, self._columns_of(answer["field"]), answer["advice"]))
            for finding in answer["findings"]:
                self._summary.findings[tuple(self._columns_of(finding["field"])), finding["advice"]] += 1
        self._progress(len(answers))

    def _columns_of(self, path: str) -> Sequence[str]:
        return (self._columns.columns_of(path) if self._columns else []) or [path]


def _refusal(error: BaseException) -> str:
    assert isinstance(error, httpx.HTTPStatusError)
    try:
        told = error.response.json()
        return f"{told['title']}: {told['detail']}"
    except (ValueError, KeyError, TypeError):
        return str(error)
