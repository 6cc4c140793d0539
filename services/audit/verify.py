"""Reads every row of the log and says what is not as it was signed (see ``examination``).

With the public verifier key alone all columns of the log, its order and its length are checked; with the sealing key
also that what is sealed says what the columns say, and that each missing key was erased and said so.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from services.audit.checkpoint import BadNote, Checkpoint, Verifier
from services.audit.domain import NOBODY, Broken, Entry
from services.audit.examination import CheckpointRow, Examination, Fault
from services.audit.keys import unsealed
from services.audit.merkle import Node
from services.audit.store import AuditStore, Q
from services.audit.witness import FILE, Witness
from shared.db import Connection, Database, of_one_moment

ROWS = 1000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What was read and what is wrong. ``erased`` entries verify and can no longer be read.

    ``contents`` is whether the sealed payloads were opened; at most 1,000 faults are named.
    """

    entries: int
    checkpoints: int
    witnessed: int
    erased: int
    contents: bool
    faults: tuple[Fault, ...]
    seconds: float

    @property
    def is_whole(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        """For people: what was read, then each fault on a line."""
        read = f"{self.entries} entries ({self.erased} erased) and {self.checkpoints} checkpoints"
        found = "no fault" if self.is_whole else f"{len(self.faults)} faults"
        lines = [f"Read {read} in {self.seconds:.1f} s, held against {self.witnessed} of the witness: {found}."]
        return "\n".join(lines + [f"  {where}: {what}" for where, what in self.faults])


class Known(NamedTuple):
    """What the checkpoints and the witness say before the first entry is read."""

    checkpoints: int
    covered: int
    witnessed: dict[int, Checkpoint]
    faults: list[Fault]


async def verify(
    dsn: str, witness: Path, verifier_key: str, progress: Progress, sealing_key: bytes | None = None
) -> Report:
    """Examine the log at ``dsn``, as it is now (others may go on appending), against the witness's folder.

    Any role that may read the tables will do. ``progress`` is told entries done and entries in all. Raises
    ``ValueError`` for a verifier key that is none and ``Unavailable`` when the database is away.
    """
    verifier, database = Verifier(verifier_key), Database(dsn, size=2)
    notes = Witness(witness, verifier).notes()  # before the snapshot: the log is at least as long as what was witnessed
    await database.open()
    try:
        async with database.transaction() as connection:
            await of_one_moment(connection)
            return await report(connection, notes, verifier, progress, sealing_key)
    finally:
        await database.close()


async def report(
    connection: Connection, notes: list[str], verifier: Verifier, progress: Progress, sealing_key: bytes | None
) -> Report:
    """What ``verify`` finds, in the transaction of the connection."""
    began = perf_counter()
    known = await _known(connection, verifier, notes)
    examination = await _examined(connection, verifier, known, sealing_key, progress)
    return Report(
        examination.done, known.checkpoints, len(known.witnessed), examination.unread, examination.contents,
        tuple(known.faults + examination.faults), perf_counter() - began,
    )  # fmt: skip


async def _known(connection: Connection, verifier: Verifier, notes: list[str]) -> Known:
    witnessed, faults = dict[int, Checkpoint](), list[Fault]()
    for place, note in enumerate(notes):
        try:
            checkpoint = verifier.open(note)
            witnessed[checkpoint.size] = checkpoint
        except BadNote as error:
            faults.append(Fault(f"witness note {place}", str(error)))
    count = await connection.fetchval(Q["count_checkpoints"])
    if count and not notes:
        faults.append(Fault("witness", f"has no {FILE}: nothing outside the database speaks for the log"))
    covered = max(witnessed, default=0)
    async for row in connection.cursor(Q["newest_checkpoints"]):
        try:
            covered = max(covered, verifier.open(row["note"] or "").size)
            break
        except BadNote:
            continue  # named when its turn comes
    return Known(count, covered, witnessed, faults)


async def _examined(
    connection: Connection, verifier: Verifier, known: Known, sealing_key: bytes | None, progress: Progress
) -> Examination:
    subtrees = {Node(row["height"], row["place"]): row["hash"] for row in await connection.fetch(Q["all_subtrees"])}
    examination = Examination(verifier, known.covered, known.witnessed, subtrees, sealing_key is not None)
    ahead = _rows(connection, Q["all_checkpoints"])
    met: set[int] = set()
    async for rows in _rows(connection, Q["all_entries"]):
        entries = [Entry(*row) for row in rows]
        while not examination.checkpoints or examination.checkpoints[-1].size <= entries[-1].seq:
            more = await anext(ahead, None)
            if more is None:
                break
            examination.checkpoints += [CheckpointRow(*row) for row in more]
        if sealing_key is not None:
            new = {entry.subject for entry in entries} - met
            met |= new
            await _keys(connection, examination, sealing_key, new)
        examination.take(entries)
        progress(examination.done, known.covered)
    async for more in ahead:
        examination.checkpoints += [CheckpointRow(*row) for row in more]
    examination.finish()
    if sealing_key is not None:
        await _unused(connection, examination, met)
        await _erasures(connection, examination)
    return examination


async def _keys(connection: Connection, examination: Examination, sealing_key: bytes, numbers: set[int]) -> None:
    for key in await AuditStore(connection).keys_numbered(numbers):
        try:
            examination.keys[key.number] = unsealed(sealing_key, key)
        except Broken as error:
            examination.fault(f"subjects {key.number}", str(error))


async def _unused(connection: Connection, examination: Examination, met: set[int]) -> None:
    async for rows in _rows(connection, Q["all_subjects"]):
        for number, entity in rows:
            if number not in met and entity != NOBODY:
                examination.fault(f"subjects {number}", "inserted: no entry is about it")
            if number in examination.told:
                examination.fault(
                    f"subjects {number}", f"its key is back: entry {examination.told[number]} tells of its erasure"
                )


async def _erasures(connection: Connection, examination: Examination) -> None:
    """Each key that is missing must have been erased, and each erasure have its entry."""
    present = {row["number"] for row in await connection.fetch(Q["keys_numbered"], list(examination.unreadable))}
    for number, seq in examination.unreadable.items():
        if number not in present and number not in examination.told:
            examination.fault(
                f"subjects {number}", f"removed: entries from {seq} on cannot be read, and none tells of an erasure"
            )
    listed = {row["subject"]: row["seq"] for row in await connection.fetch(Q["all_erasures"])}
    for number, seq in listed.items() - examination.told.items():
        examination.fault(f"erasures {seq}", f"no entry {seq} tells of the erasure of subject {number}")
    for number, seq in examination.told.items() - listed.items():
        examination.fault(f"erasures {seq}", f"removed: entry {seq} tells of the erasure of subject {number}")


async def _rows(connection: Connection, query: str) -> AsyncIterator[list[Any]]:
    cursor = await connection.cursor(query)
    while rows := await cursor.fetch(ROWS):
        yield rows
