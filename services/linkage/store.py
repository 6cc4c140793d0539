"""What linkage keeps. Every statement is in queries.sql; every method works on a batch."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.linkage.index.changes import Verdict
from services.linkage.purposes.erasure import Erasure, Suppression
from services.linkage.records import Kept, Known, Published
from services.linkage.rulings import Ruling
from shared.batched import batched
from shared.contracts import EntityChanged, Kind
from shared.db import Connection, plan_anew, queries, read_whole
from shared.errors import Again
from shared.moments import microseconds

Place = tuple[UUID, int]
"""The entity of a record, and the version of that claim."""
Decided = tuple[UUID, UUID, Verdict]

READ = 10_000
"""Rows that are read at once where a table is larger than memory should hold."""
COPIED = 20_000
"""Rows in one COPY: each is answered well within a statement's time."""
RECORDS = ("id", "kind", "digest", "seen", "entity", "version")
IDENTITIES = (
    "id", "kind", "partner", "agreement", "identity", "times", "snapshot", "row", "model", "version",
)  # fmt: skip
ENTITIES = ("id", "kind", "members", "version")
CHANGED = "another replica has changed a record since it was read"
Q = queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A record as the index in memory needs it again. ``version`` is of the batch that wrote ``row``, which is ``None``
    when there is none of the active model."""

    id: UUID
    kind: Kind
    identity: Mapping[str, str]
    row: bytes | None
    version: int
    entity: UUID
    agreement: str


@dataclass(frozen=True, slots=True)
class Touched:
    """Records and entities that some batches touched."""

    records: frozenset[UUID] = frozenset()
    entities: frozenset[UUID] = frozenset()

    def __or__(self, other: "Touched") -> "Touched":
        return Touched(self.records | other.records, self.entities | other.entities)


NOTHING = Touched()


@dataclass(frozen=True, slots=True)
class StoredPart:
    """The records of ``entity`` that are of one for a purpose (views.py). One that is no more (not ``living``) has at
    most one record left, which tells where it went."""

    id: UUID
    purpose: str
    entity: UUID
    members: tuple[UUID, ...]
    living: bool = True

    @property
    def is_gone(self) -> bool:
        """It had an id of its own, and every record of it left the index."""
        return not self.living and not self.members and self.id != self.entity


@dataclass(frozen=True, slots=True)
class Resolved:
    """The living entity that an id leads to, and what it is made of."""

    entity: UUID
    kind: Kind
    members: Sequence[UUID]
    version: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A record whose agreement has ended, ``sealed`` under its id; ``until`` is the last day on which it is kept."""

    id: UUID
    agreement: str
    until: date
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a batch's records, and which of them were erased. ``committed``: the index's lock is ours, and
    this version is committed; ``is_current``: all of this is of that version. ``presumed``: nothing was asked, this
    version is taken for committed until all is kept."""

    known: Mapping[UUID, Known]
    erased: Mapping[UUID, Suppression]
    committed: int | None
    is_current: bool
    presumed: int | None = None


class LinkageStore:
    """One transaction's view of linkage's tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """For what else reads and writes in the same transaction."""
        return self._connection

    async def known(self, ids: Iterable[UUID]) -> dict[UUID, Known]:
        rows = await self._connection.fetch(Q["known"], list(ids))
        return {row["id"]: Known(row["digest"], row["seen"], row["entity"], row["version"]) for row in rows}

    async def look_up(self, said: Sequence[Published]) -> Asked:
        """Look up all records of a batch. If any is new, take the index's lock, as by ``lock_index``; otherwise record
        the sightings, and raise ``Again`` as ``sighted`` does."""
        rows = await self._connection.fetch(
            Q["look_up"], [p.id for p in said], [p.digest if p.identity else None for p in said],
            [microseconds(p.occurred) for p in said],
        )  # fmt: skip
        committed, known_at, missed = rows[0][-3:] if rows else (None, None, False)
        if missed:
            raise Again(CHANGED)
        known, erased = {}, {}
        for id, digest, seen, entity, version, ground, at, *_ in rows:
            if entity is not None:
                known[id] = Known(digest, seen, entity, version)
            if ground is not None:
                erased[id] = Suppression(ground, at)
        return Asked(known, erased, committed, committed == known_at)

    async def sighted(self, seen: Mapping[UUID, datetime], known: Mapping[UUID, Known]) -> None:
        """Raises ``Again`` when a record is not ``known`` rightly any more: the batch must be judged anew."""
        if seen:
            digests, times = [known[id].digest for id in seen], [microseconds(at) for at in seen.values()]
            if await self._connection.fetchval(Q["sighted"], list(seen), digests, times) < len(seen):
                raise Again(CHANGED)

    async def lock_index(self) -> int:
        """The version that is committed, which nobody else moves until the transaction ends."""
        version: int = await self._connection.fetchval(Q["lock_index"])
        return version

    async def committed(self) -> int:
        """The version that is committed, without waiting for who changes it."""
        version: int = await self._connection.fetchval(Q["committed"])
        return version

    async def lock_identities(self, ids: Iterable[UUID]) -> dict[UUID, tuple[Kept, Known]]:
        """Records, which nobody else sights or changes until the transaction ends."""
        rows = await self._connection.fetch(Q["lock_identities"], list(ids))
        return {row["id"]: (_kept(row), Known(row["digest"], row["seen"], row["entity"], row["version"]))
                for row in rows}  # fmt: skip

    async def members(self, ids: Iterable[UUID]) -> list[Kept]:
        """The records themselves, in one query."""
        return [_kept(row) for row in await self._connection.fetch(Q["members"], list(ids))]

    async def keep(
        self, kept: Sequence[Kept], places: Mapping[UUID, Place], rows: Mapping[UUID, bytes],
        changes: Sequence[EntityChanged], version: int, named: Iterable[UUID] = (), *, presumed: int | None = None,
    ) -> None:  # fmt: skip
        """Write what a batch changed: records said to be new or changed and the ``places`` of those, packed rows and
        entities; ``version`` is what the index is when this transaction commits. ``named`` are records that it touched
        in another way than by these. ``presumed``: the version that was taken for committed, and all the records for
        new, without the index's lock; ``Again`` is raised if that is not so."""
        said = {one.id for one in kept}
        changes = [c for c in changes if c.before or c.after]  # the end of a part is no entity's
        others = {id: row for id, row in rows.items() if id not in said}
        moved = {record: c.entity for c in changes for record in {*c.after}.difference(c.before, said)}
        await self._connection.write(
            Q["keep"],
            [k.id for k in kept], [k.kind for k in kept], [k.partner for k in kept], [k.agreement for k in kept],
            [k.identity for k in kept], [k.times for k in kept], [" ".join(k.snapshot) for k in kept],
            [rows.get(k.id) for k in kept], [k.digest for k in kept], [microseconds(k.seen) for k in kept],
            [places[k.id][0] for k in kept], [places[k.id][1] for k in kept],
            list(others), list(others.values()), list(moved), list(moved.values()),
            [c.entity for c in changes], [c.kind for c in changes], [" ".join(map(str, c.after)) for c in changes],
            [c.into for c in changes], version, list(said.union(named, *((*c.before, *c.after) for c in changes))),
            presumed,
        )  # fmt: skip

    async def note(self, version: int, touched: Touched) -> None:
        """What else the batch of a version touched: as much as a load does."""
        for records in batched(touched.records, COPIED):
            await self._connection.execute(Q["note"], version, records, [])
        for entities in batched(touched.entities, COPIED):
            await self._connection.execute(Q["note"], version, [], entities)

    async def touched_since(self, version: int, committed: int) -> Touched | None:
        """What batches touched after a version, up to the one that is committed; ``None`` when some are forgotten."""
        rows = await self._connection.fetch(Q["journal"], version) if committed > version else []
        if committed > version and min((row["since"] for row in rows), default=committed) > version:
            return None
        return Touched(
            frozenset(id for row in rows for id in row["records"]),
            frozenset(id for row in rows for id in row["entities"]),
        )

    async def forget_journal(self, before: datetime) -> None:
        """Forget some of what was touched before a time."""
        await plan_anew(self._connection)
        await self._connection.execute(Q["forget_journal"], before, COPIED)

    async def touched(self, records: Iterable[UUID]) -> list[StoredRow]:
        """Those of some records that are still here."""
        return [
            stored(row) for part in batched(records, COPIED) for row in await self._connection.fetch(Q["touched"], part)
        ]

    async def decided_about(self, records: Iterable[UUID]) -> list[Decided]:
        """Everything stewards decided about some records."""
        return [_decided(row) for row in await self._connection.fetch(Q["decided_about"], list(records))]

    async def rulings_about(self, records: Iterable[UUID]) -> dict[tuple[UUID, UUID], Ruling]:
        """The same, with all that is kept of each decision."""
        rows = await self._connection.fetch(Q["decided_about"], list(records))
        return {(r["a"], r["b"]): Ruling(r["verdict"], r["by"], r["reason"], r["at"]) for r in rows}

    async def copy_records(
        self, kept: Sequence[Kept], entity_of: Mapping[UUID, UUID], rows: Mapping[UUID, bytes], version: int
    ) -> None:
        """Records that are all new, with their edges; at most ``COPIED``."""
        model = await self._connection.fetchval(Q["active_number"])
        narrow = [(k.id, k.kind, k.digest, k.seen, entity_of[k.id], version) for k in kept]
        wide = [
            (k.id, k.kind, k.partner, k.agreement, k.identity, k.times, list(k.snapshot), rows.get(k.id, b""),
             model, version) for k in kept
        ]  # fmt: skip
        await self._connection.copy_records_to_table("records", records=narrow, columns=RECORDS)
        await self._connection.copy_records_to_table("identities", records=wide, columns=IDENTITIES)

    async def copy_entities(self, created: Iterable[EntityChanged], version: int) -> None:
        """Very many entities of new records only."""
        for part in batched(created, COPIED):
            rows = [(one.entity, one.kind, one.after, version) for one in part]
            await self._connection.copy_records_to_table("entities", records=rows, columns=ENTITIES)

    async def everything(self, kind: Kind) -> AsyncIterator[list[StoredRow]]:
        """The whole index of one kind, in parts: there are millions of rows."""
        async for rows in self.read("everything", kind):
            yield [stored(row) for row in rows]

    async def read(self, name: str, *arguments: object, size: int = READ) -> AsyncIterator[list[asyncpg.Record]]:
        """The rows of a query that takes tables whole, by its name, so many at a time."""
        await read_whole(self._connection)
        part: list[asyncpg.Record] = []
        async for row in self._connection.cursor(Q[name], *arguments, prefetch=size):
            part.append(row)
            if len(part) == size:
                yield part
                part = []
        if part:
            yield part

    async def memberships(self, kind: Kind) -> dict[UUID, UUID]:
        """Record → the entity it is in."""
        return {row["id"]: row["entity"] for row in await self._connection.fetch(Q["memberships"], kind)}

    async def newest_entities(self) -> dict[Kind, UUID]:
        """The greatest entity id of each kind that was ever given out."""
        return {Kind(row["kind"]): row["id"] for row in await self._connection.fetch(Q["newest_entities"])}

    async def decided(self) -> list[Decided]:
        """Everything stewards decided about pairs of records, as the index takes it."""
        return [_decided(row) for row in await self._connection.fetch(Q["decided"])]

    async def resolve(self, entities: Iterable[UUID]) -> dict[UUID, Resolved]:
        """The living entity of each id that was ever given out; ids unknown here are left out."""
        rows = await self._connection.fetch(Q["resolve"], list(entities))
        return {r["asked"]: Resolved(r["id"], Kind(r["kind"]), r["members"], r["version"]) for r in rows}

    async def known_as(self, entities: Iterable[UUID]) -> dict[UUID, UUID | None]:
        """These entities' ids and all that lead to them; each with where it leads."""
        return {row["id"]: row["into_entity"] for row in await self._connection.fetch(Q["known_as"], list(entities))}

    async def rulings(self, records: Iterable[UUID]) -> dict[frozenset[UUID], Ruling]:
        """What stewards decided about pairs among these records."""
        rows = await self._connection.fetch(Q["rulings"], list(records))
        return {frozenset((r["a"], r["b"])): Ruling(r["verdict"], r["by"], r["reason"], r["at"]) for r in rows}

    async def ruled(self, limit: int) -> list[tuple[UUID, UUID]]:
        """The pairs that stewards decided last."""
        return [(row["a"], row["b"]) for row in await self._connection.fetch(Q["ruled"], limit)]

    async def conflicts(self) -> list[tuple[UUID, UUID]]:
        """Decided pairs that are not as was decided."""
        return [(row["a"], row["b"]) for row in await self._connection.fetch(Q["conflicts"])]

    async def rule(
        self, pairs: Sequence[tuple[UUID, UUID]], verdict: Verdict | None, by: str, reason: str, at: datetime
    ) -> None:
        """Keep what a steward decided about pairs (the smaller id first), or take it back."""
        lefts, rights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if verdict is None:
            await self._connection.execute(Q["unrule"], lefts, rights)
        else:
            await self._connection.execute(Q["rule"], lefts, rights, verdict, by, reason, at)

    async def keep_parts(self, parts: Sequence[StoredPart]) -> None:
        """Write the parts of entities that fall apart for a purpose, and those that are no more."""
        if parts:
            await self._connection.execute(
                Q["keep_parts"], [p.id for p in parts], [p.purpose for p in parts], [p.entity for p in parts],
                [" ".join(map(str, p.members)) for p in parts], [p.living for p in parts],
            )  # fmt: skip

    async def parts(self) -> list[StoredPart]:
        """Every living part, for a rebuild."""
        return [_part(row) for row in await self._connection.fetch(Q["parts"])]

    async def parts_of(self, ids: Iterable[UUID]) -> list[StoredPart]:
        """The living parts of these entities, and the parts, living or not, that have these ids."""
        return [_part(row) for row in await self._connection.fetch(Q["parts_of"], list(ids))]

    async def parts_with(self, entities: Iterable[UUID], records: Iterable[UUID]) -> list[StoredPart]:
        """The parts, living or not, of a person: of these entities, or of these records."""
        return [_part(row) for row in await self._connection.fetch(Q["parts_with"], list(entities), list(records))]

    async def terms(self) -> dict[str, Any]:
        """What the agreements said of linking when the rows were written (``Terms.written``)."""
        found: dict[str, Any] = await self._connection.fetchval(Q["terms"])
        return found

    async def keep_terms(self, terms: Mapping[str, Any]) -> None:
        """What they say now, and the rows rest on."""
        await self._connection.execute(Q["keep_terms"], terms)

    async def agreements(self) -> list[str]:
        """The agreements that records of the index are under."""
        return [row["name"] for row in await self._connection.fetch(Q["agreements"])]

    async def under(self, agreements: Sequence[str], limit: int) -> list[UUID]:
        """Records of the index under some agreements."""
        return [row["id"] for row in await self._connection.fetch(Q["under"], agreements, limit)]

    async def behind(self, bound: UUID, limit: int) -> list[tuple[UUID, str]]:
        """The next records of the index after an id, in the order of their ids, and their agreements."""
        rows = await self._connection.fetch(Q["behind"], bound, limit)
        return [(row["id"], row["agreement"]) for row in rows]

    async def entities_behind(self, bound: UUID, limit: int) -> list[tuple[UUID, Kind]]:
        """The next entities after an id, in the order of their ids, living or not, and their kinds."""
        rows = await self._connection.fetch(Q["entities_behind"], bound, limit)
        return [(row["id"], Kind(row["kind"])) for row in rows]

    async def withdraw(self, records: Iterable[UUID]) -> None:
        """Take records and their identities out."""
        await self._connection.execute(Q["withdraw"], list(records))

    async def withhold(self, records: Sequence[tuple[UUID, str, date, bytes, UUID]]) -> None:
        """Keep what left, sealed: id, agreement, last day, identity, the entity that it left."""
        await self._connection.execute(Q["withhold"], *zip(*records, strict=True))

    async def withheld(self, records: Iterable[UUID]) -> set[UUID]:
        """Which of these records are withheld."""
        return {row["id"] for row in await self._connection.fetch(Q["withheld"], list(records))}

    async def withheld_of(self, entities: Iterable[UUID]) -> list[Withheld]:
        """What is withheld of entities."""
        return [Withheld(*row) for row in await self._connection.fetch(Q["withheld_of"], list(entities))]

    async def release(self, records: Iterable[UUID]) -> None:
        """Forget withheld records, and what another model was to make of records that are erased."""
        await self._connection.execute(Q["release"], list(records))

    async def expire(self, on: date, limit: int) -> list[tuple[UUID, str, UUID | None]]:
        """Forget some of what was to be withheld until before a day: id, agreement, the entity that it had left."""
        await plan_anew(self._connection)
        rows = await self._connection.fetch(Q["expire"], on, limit)
        return [(row["id"], row["agreement"], row["entity"]) for row in rows]

    async def suppress(self, records: Iterable[UUID], erasure: Erasure) -> None:
        """Register an erasure, and which records it is of."""
        await self._connection.execute(
            Q["register"], erasure.id, erasure.at, erasure.by, erasure.ground, erasure.reason
        )
        await self._connection.execute(Q["suppress"], list(records), erasure.id)

    async def suppressed(self, records: Iterable[UUID]) -> dict[UUID, Suppression]:
        """Those of the records that were erased."""
        rows = await self._connection.fetch(Q["suppressed"], list(records))
        return {row["record"]: Suppression(row["ground"], row["at"]) for row in rows}

    async def undecide(self, records: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """Forget what stewards decided about records; the pairs."""
        return [(row["a"], row["b"]) for row in await self._connection.fetch(Q["undecide"], list(records))]


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        row["id"], Kind(row["kind"]), row["partner"], row["agreement"], row["identity"], row["times"],
        tuple(row["snapshot"]), row["digest"], row["seen"],
    )  # fmt: skip


def stored(row: asyncpg.Record) -> StoredRow:
    """A row of any query that tells what the index takes."""
    return StoredRow(
        row["id"], Kind(row["kind"]), row["identity"], row["row"], row["version"], row["entity"], row["agreement"]
    )


def _decided(row: asyncpg.Record) -> Decided:
    return row["a"], row["b"], row["verdict"]


def _part(row: asyncpg.Record) -> StoredPart:
    return StoredPart(row["id"], row["purpose"], row["entity"], tuple(row["members"]), row["living"])
