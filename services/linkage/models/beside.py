"""The index of people under another model, beside the one that runs, and how it keeps up with the stream.

It reads the database and nothing else, so it lives in a process of its own: it is built from a snapshot, all records at
once, and follows by reading what was written since the version it has. Whoever takes it over reads its rows as of the
very moment they speak of (PostgreSQL's exported snapshots), and follows the same way.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from uuid import UUID

import asyncpg

from services.linkage.index.bulk import Engine, in_parts
from services.linkage.index.index import Change, Decide, Index, Remove, Stored, Upsert, Verdict
from services.linkage.models.registry import Row
from services.linkage.purposes.terms import Strict
from services.linkage.records import Identity, compared
from services.linkage.store import READ, LinkageStore
from shared.contracts import Kind

T = TypeVar("T")
Decided = tuple[UUID, UUID, Verdict]

STEP = 500
"""Changes applied at once: between two of them whoever waits for the processor gets it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What following changed: how many changes were read, and the rows of records linked anew or moved."""

    read: int
    rows: Sequence[Row]


class Beside:
    """People under ``index``'s model, as committed at ``version``; and ``ours``, records that are not committed yet."""

    def __init__(self, index: Index, version: int, decided: Iterable[Decided], ours: Set[UUID] = frozenset()) -> None:
        self.index, self.version = index, version
        self._decided, self._ours = frozenset(decided), ours

    async def follow(self, store: LinkageStore) -> Step:
        """Take in what was committed since. One moment's view: a frozen transaction, or the index's lock."""
        version, decided = await store.committed(), frozenset(await store.decided())
        strict = Strict.of(await store.terms())
        since = await store.changed_since(Kind.PERSON, self.version)
        changed = [
            Upsert(id, compared(identity, agreement), strict(id, agreement)) for id, identity, agreement in since
        ]
        left = await self._left(store, changed)
        changes: list[Change] = [*changed, *(Remove(record) for record in left), *self._news(decided)]
        rows: dict[UUID, bytes | None] = {}
        for start in range(0, len(changes), STEP):
            delta = await asyncio.to_thread(self.index.apply, changes[start : start + STEP])
            rows |= delta.rows
            rows |= {record: rows.get(record) for one in delta.entities for record in one.after}
        self.version, self._decided = version, decided
        return Step(len(changes), self._kept(rows))

    def _kept(self, rows: Mapping[UUID, bytes | None]) -> list[Row]:
        moved = [record for record, row in rows.items() if row is None]
        packed = self.index.rows(moved) | {record: row for record, row in rows.items() if row is not None}
        entity_of = self.index.entities_of(packed)
        return [(record, row, entity_of[record]) for record, row in packed.items() if record in entity_of]

    async def _left(self, store: LinkageStore, changed: Sequence[Upsert]) -> list[UUID]:
        """Records that are no more: they leave no version behind, but they are missed in the count."""
        here = set(self.index.records()) - self._ours
        there = len(here | {one.record for one in changed})
        return sorted(here - await store.ids(Kind.PERSON)) if await store.how_many(Kind.PERSON) < there else []

    def _news(self, decided: frozenset[Decided]) -> list[Decide]:
        """Decisions to take back, then those to take in."""
        ended = {one[:2] for one in self._decided} - {one[:2] for one in decided}
        return [*(Decide(*pair, None) for pair in sorted(ended)), *(Decide(*one) for one in decided - self._decided)]


async def build(
    store: LinkageStore, empty: Index, bulk: Engine, read: Callable[[int], None], ours: Set[UUID] = frozenset(),
    upserts: Iterable[Upsert] = (),
) -> Beside:  # fmt: skip
    """The index from a frozen transaction, all records at once. ``read`` hears how many more records were read.

    ``ours`` are records besides, or as the ``upserts`` say that they are to be.
    """
    version, decided = await store.committed(), await store.decided()
    strict, there = Strict.of(await store.terms()), set[UUID]()
    parts: list[Sequence[Upsert]] = []
    async for rows in store.read("identities_of", Kind.PERSON):
        parts.append(
            [
                Upsert(row["id"], _compared(row), strict(row["id"], row["agreement"]))
                for row in rows
                if row["id"] not in ours
            ]
        )
        there |= {row["id"] for row in rows}
        read(len(rows))
    everybody = chain(_drained(parts), in_parts(upserts, READ))
    await asyncio.to_thread(empty.fill, everybody, [Decide(*one) for one in decided], bulk)
    return Beside(empty, version, decided, ours - there)


def rows_of(index: Index) -> list[Row]:
    """What a model says of each record."""
    rows, entity_of = index.rows(index.records()), index.entities_of(index.records())
    return [(record, row, entity_of[record]) for record, row in rows.items()]


async def restore(store: LinkageStore, empty: Index) -> Beside:
    """The index as it was kept, at the very moment its rows speak of: a transaction of that snapshot."""
    version, decided = await store.committed(), await store.decided()
    strict = Strict.of(await store.terms())
    stored: list[Stored] = []
    async for rows in store.read("relinked"):
        stored += [
            Stored(row["id"], _compared(row), row["row"], row["entity"], strict(row["id"], row["agreement"]))
            for row in rows
        ]
    await asyncio.to_thread(empty.restore, stored)
    await asyncio.to_thread(empty.apply, [Decide(*one) for one in decided])
    return Beside(empty, version, decided)


def _compared(row: asyncpg.Record) -> Identity:
    return compared(row["identity"], row["agreement"])


def _drained(parts: list[T]) -> Iterator[T]:
    """Each part once, and forgotten: millions of identities need not be held till the end."""
    parts.reverse()
    while parts:
        yield parts.pop()
