"""What audit keeps: one method a statement, batches in, domain types out. Never opens or ends a transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.audit.domain import Entry
from services.audit.merkle import Frontier, Node, Span
from services.audit.rows import COLUMNS
from shared.db import Connection, plan_anew, queries

Q = queries(Path(__file__).parent / "queries.sql")


class Head(NamedTuple):
    """The log now: its frontier, newest checkpoint ("" before the first), and entry of the newest erasure (or -1)."""

    frontier: Frontier
    note: str
    erasure: int


class SealedKey(NamedTuple):
    """A subject's data key under the service's sealing key."""

    number: int
    entity: UUID
    sealed_key: bytes


class Window(NamedTuple):
    """Which entries, newest first: before entry ``before``, in ``since`` ≤ at < ``until``, at most ``limit``."""

    before: int
    since: datetime
    until: datetime
    limit: int


END = 2**63 - 1
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""The first page of all there is: ``Window(END, *EVER, limit)``."""


class AuditStore:
    """The log in PostgreSQL, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def head(self) -> Head:
        return _head(await self._connection.fetchrow(Q["head"]))

    async def lock_head(self) -> Head:
        """The head, which nobody else moves until the transaction ends."""
        return _head(await self._connection.fetchrow(Q["lock_head"]))

    async def append(self, rows: bytes) -> None:
        """Rows as ``rows.copied`` packs them."""
        source: Any = memoryview(rows)  # bytes would be taken for the path of a file
        await self._connection.copy_to_table("entries", source=source, columns=COLUMNS, format="binary")

    async def keep_checkpoint(self, note: str, frontier: Frontier, completed: Sequence[tuple[Node, bytes]]) -> None:
        heights, places = [node.height for node, _ in completed], [node.place for node, _ in completed]
        hashes = [hash for _, hash in completed]
        await self._connection.write(
            Q["keep_checkpoint"], frontier.size, note, frontier.pack(), heights, places, hashes
        )

    async def keys_of(self, entities: Iterable[UUID]) -> list[SealedKey]:
        return _keys(await self._connection.fetch(Q["keys_of"], list(entities)))

    async def keys_numbered(self, numbers: Iterable[int]) -> list[SealedKey]:
        """The keys that still are."""
        return _keys(await self._connection.fetch(Q["keys_numbered"], list(numbers)))

    async def add_subjects(self, entities: Sequence[UUID], sealed_keys: Sequence[bytes]) -> list[tuple[UUID, int]]:
        """Those that were new, and their numbers."""
        rows = await self._connection.fetch(Q["add_subjects"], entities, sealed_keys)
        return [(row["entity"], row["number"]) for row in rows]

    async def destroy_keys(self, entities: Iterable[UUID]) -> list[int]:
        """The numbers that mean nothing from now on."""
        rows = await self._connection.fetch(Q["destroy_keys"], list(entities))
        return sorted(row["number"] for row in rows)

    async def keep_erasures(self, subject_of: dict[int, int]) -> None:
        """By the entry that tells of it, the number of the subject that was erased."""
        await self._connection.execute(Q["keep_erasures"], list(subject_of), list(subject_of.values()))

    async def of_subjects(self, numbers: Iterable[int], window: Window) -> list[Entry]:
        await plan_anew(self._connection)
        return _entries(await self._connection.fetch(Q["of_subjects"], list(numbers), *window))

    async def by_people(self, number: int) -> list[Entry]:
        """What people did with a subject, newest first."""
        return _entries(await self._connection.fetch(Q["by_people"], number))

    async def knows(self, actor: str) -> bool:
        """Whether the log has entries of this actor."""
        return bool(await self.of_actor(actor, Window(END, *EVER, 1)))

    async def of_actor(self, actor: str, window: Window) -> list[Entry]:
        query = Q["of_service"] if actor.startswith("service:") else Q["of_person"]
        await plan_anew(self._connection)
        return _entries(await self._connection.fetch(query, actor, *window))

    async def entry(self, seq: int) -> Entry | None:
        row = await self._connection.fetchrow(Q["entry"], seq)
        return None if row is None else Entry(*row)

    async def hashes(self, wanted: Iterable[tuple[int, Span]]) -> dict[Node, bytes]:
        """Kept hashes (see ``merkle.kept``) of these heights and spans of indices, by their node."""
        spans = set(wanted)
        leaves = [span for height, span in spans if height == 0]
        above = [(height, span) for height, span in spans if height]
        found = await self._connection.fetch(Q["leaves"], [s.first for s in leaves], [s.end for s in leaves])
        hashes = {Node(0, row["place"]): row["hash"] for row in found}
        if above:
            heights, spans_above = zip(*above, strict=True)
            ends = [s.end for s in spans_above]
            found = await self._connection.fetch(Q["subtrees"], heights, [s.first for s in spans_above], ends)
            hashes |= {Node(row["height"], row["place"]): row["hash"] for row in found}
        return hashes


def _head(row: asyncpg.Record | None) -> Head:
    if row is None:
        return Head(Frontier(), "", -1)
    erasure = -1 if row["erasure"] is None else row["erasure"]
    return Head(Frontier.unpack(row["size"], row["frontier"]), row["note"], erasure)


def _keys(rows: Sequence[asyncpg.Record]) -> list[SealedKey]:
    return [SealedKey(*row) for row in rows]


def _entries(rows: Sequence[asyncpg.Record]) -> list[Entry]:
    return [Entry(*row) for row in rows]
