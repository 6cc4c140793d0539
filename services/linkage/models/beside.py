"""The index of people under another model, beside the one that runs, and how it keeps up with the stream.

It reads the database and nothing else, so it lives in a process of its own: it is built from a snapshot, all records at
once, and follows by reading what was written since the version it has. Whoever takes it over reads its rows as of the
very moment they speak of (PostgreSQL's exported snapshots), and follows the same way.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from uuid import UUID

import asyncpg

from services.linkage.following import STEP
from services.linkage.index.changes import Change, Decide, Remove, Stored, Upsert
from services.linkage.index.index import Index
from services.linkage.live import as_stored
from services.linkage.models.registry import Row
from services.linkage.purposes.terms import Strict
from services.linkage.records import Identity, compared
from services.linkage.store import READ, Decided, LinkageStore, stored
from shared.batched import batched
from shared.contracts import Kind

T = TypeVar("T")


class Behind(RuntimeError):
    """So much time has passed that nobody knows any more what was committed since: begin anew."""


@dataclass(frozen=True, slots=True)
class Step:
    """What following changed: the records that were touched, and the rows of those linked anew or moved."""

    touched: frozenset[UUID]
    rows: Sequence[Row]


class Beside:
    """People under ``index``'s model, as committed at ``version``; and ``ours``, records that are not committed yet."""

    def __init__(self, index: Index, version: int, decided: Iterable[Decided], ours: Set[UUID] = frozenset()) -> None:
        self.index, self.version = index, version
        self._decided, self._ours = frozenset(decided), ours

    async def follow(self, store: LinkageStore) -> Step:
        """Take in what was committed since. One moment's view: a frozen transaction, or the index's lock. Raises
        ``Behind``."""
        version, decided = await store.committed(), frozenset(await store.decided())
        strict, found = Strict.of(await store.terms()), await store.touched_since(self.version, version)
        if found is None:
            raise Behind(f"version {self.version} is too old to be followed")
        here = {row.id: row for row in await store.touched(found.records)}
        left = [one for one in found.records - here.keys() - self._ours if one in self.index]
        changes: list[Change] = [
            *(Upsert(r.id, compared(r.identity, r.agreement), strict(r.id, r.agreement))
              for r in here.values() if r.kind is Kind.PERSON),
            *map(Remove, left), *self._news(decided),
        ]  # fmt: skip
        changed: set[UUID] = set()
        for part in batched(changes, STEP):
            delta = await asyncio.to_thread(self.index.apply, part)
            changed |= delta.rows.keys()
            changed.update(record for one in delta.entities for record in one.after)
        self.version, self._decided = version, decided
        return Step(found.records, rows_of(self.index, (one for one in changed if one in self.index)))

    def _news(self, decided: frozenset[Decided]) -> list[Decide]:
        """Decisions to take back, then those to take in."""
        ended = {one[:2] for one in self._decided} - {one[:2] for one in decided}
        return [*(Decide(*pair, None) for pair in sorted(ended)), *(Decide(*one) for one in decided - self._decided)]


async def build(
    store: LinkageStore, empty: Index, read: Callable[[int], None], ours: Set[UUID] = frozenset(),
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
    everybody = chain(_drained(parts), batched(upserts, READ))
    await asyncio.to_thread(empty.fill, everybody, [Decide(*one) for one in decided])
    return Beside(empty, version, decided, ours - there)


def rows_of(index: Index, records: Iterable[UUID]) -> list[Row]:
    """What a model says of some of its records."""
    rows = index.rows(records)
    entity_of = index.entities_of(rows)
    return [(record, row, entity_of[record]) for record, row in rows.items()]


async def restore(store: LinkageStore, empty: Index) -> Beside:
    """The index as it was kept, at the very moment its rows speak of: a transaction of that snapshot."""
    version, decided = await store.committed(), await store.decided()
    strict = Strict.of(await store.terms())
    parts: list[Sequence[Stored]] = [
        [as_stored(row, strict) for row in map(stored, rows)] async for rows in store.read("relinked")
    ]
    await asyncio.to_thread(empty.restore, _drained(parts), None, [Decide(*one) for one in decided])
    return Beside(empty, version, decided)


def _compared(row: asyncpg.Record) -> Identity:
    return compared(row["identity"], row["agreement"])


def _drained(parts: list[T]) -> Iterator[T]:
    """Each part once, and forgotten: millions of identities need not be held till the end."""
    parts.reverse()
    while parts:
        yield parts.pop()
