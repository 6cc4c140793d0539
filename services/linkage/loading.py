"""The first load: millions of records at once, with the result that a stream of them would have had.

Records are folded as the stream folds them, the whole set is linked by the set-based engine (``bulk``), and records,
identities, entities, version and what is said of it all are one transaction: a load is done or it is not. The stream
goes on meanwhile; what it brings is taken in at the end, under the index's lock, and it goes on from there.

A loaded record has no event and no fact: what is said is who is who, and that records were combined. It is said by the
outbox in bounded pieces, by whoever runs.

Failures
    killed before the commit    nothing is kept: load again
    killed after it             the outbox's rows are adopted by any replica that runs
    loaded again                the same records with the same identities change nothing
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from services.linkage.index.changes import Decide, Delta, Remove, Stored, Upsert
from services.linkage.index.index import Index
from services.linkage.index.rows import EDGE
from services.linkage.live import by_rules, changed, next_version
from services.linkage.models.beside import Beside, build
from services.linkage.models.registry import InUse
from services.linkage.models.relinking import Progress
from services.linkage.purposes.terms import Terms
from services.linkage.purposes.views import Settled, Views
from services.linkage.records import Kept, Published, fold, is_unchanged
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import READ, LinkageStore, StoredPart, Touched
from services.linkage.stream import SOURCE, admitted, sightings
from shared.batched import batched
from shared.contracts import Access, Accesses, Action, Change, EntityChanged, Event, Kind
from shared.contracts.envelope import first
from shared.db import Database, of_one_moment
from shared.outbox import Outbox, packed

ACTOR = "service:linkage"
SAID = 500
"""Messages in one row of the outbox, and entries in one message."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did: records read, those that were new or changed, and the entities that changed by it."""

    records: int
    changed: int
    entities: int


@dataclass(frozen=True, slots=True)
class Linked:
    """How entities and their parts change, the entity of each record that was linked, and who knows people's edges."""

    changes: list[EntityChanged]
    parts: list[StoredPart]
    entity_of: Mapping[UUID, UUID]
    people: Index


class Loading:
    """Takes records in, all at once. ``in_use`` knows the active model, ``terms`` what the agreements say."""

    def __init__(self, database: Database, outbox: Outbox, in_use: InUse, terms: Terms, progress: Progress) -> None:
        self._database, self._outbox, self._in_use = database, outbox, in_use
        self._terms, self._progress = terms, progress

    async def load(self, published: Mapping[UUID, Sequence[Published]], now: datetime) -> Loaded:
        """Link these records with all there are. Safe to repeat."""
        kept, beside = await self._linked(published)
        self._progress.say("Taking in what the stream brought meanwhile, and writing")
        async with self._database.transaction() as connection:
            store = LinkageStore(connection)
            version = next_version(await store.lock_index())
            await self._meet(store, published, beside, kept)
            await self._without_erased(store, beside, kept)
            await self._sight(store, published, kept)
            linked = await self._placed(store, beside, kept, version)
            # Who left with an ended agreement meanwhile stays away.
            kept = {id: one for id, one in kept.items() if id in linked.entity_of}
            await _write(store, kept, linked, version, self._progress)
            for messages in said(kept, linked, now):
                await self._outbox.put(connection, packed(messages))
        return Loaded(len(published), len(kept), len(linked.changes))

    async def _linked(self, published: Mapping[UUID, Sequence[Published]]) -> tuple[dict[UUID, Kept], Beside]:
        """Outside the lock: the records folded into what is known, and everybody linked."""
        async with self._database.transaction() as connection:
            store = LinkageStore(connection)
            await of_one_moment(connection)
            model = await self._in_use.current(store)
            kept = await _folded(store, published, published)
            ours = {one.id for one in kept.values() if one.kind is Kind.PERSON}
            self._progress.say(f"Linking {len(ours):,} new or changed people's records with those that are here")
            upserts = self._counted(self._upserts(kept, Kind.PERSON), len(ours))
            return kept, await build(
                store, Index(model, self._progress.bulk), self._progress.read, ours, upserts
            )  # fmt: skip

    def _counted(self, upserts: Iterable[Upsert], of: int) -> Iterator[Upsert]:
        for done, one in enumerate(upserts, start=1):
            yield one
            if done % READ == 0 or done == of:
                self._progress.stage("Normalised", done, of)

    async def _meet(
        self, store: LinkageStore, published: Mapping[UUID, Sequence[Published]], beside: Beside, kept: dict[UUID, Kept]
    ) -> None:
        """Records of ours that the stream has brought since, too: folded into what it made of them. Of one that has
        nothing to add to that, nothing is kept: what was folded before would undo it."""
        step = await beside.follow(store)
        since = [id for id in step.touched if id in published]
        met = await _folded(store, published, since)
        for id in since:
            kept.pop(id, None)
        kept |= met
        await asyncio.to_thread(beside.index.apply, list(self._upserts(met, Kind.PERSON)))

    async def _without_erased(self, store: LinkageStore, beside: Beside, kept: dict[UUID, Kept]) -> None:
        """Nothing of those that were erased since comes back."""
        for part in batched(list(kept), READ):
            erased = await store.suppressed(part)
            gone = [id for id, one in erased.items() if not one.admits(kept[id].seen)]
            for id in gone:
                del kept[id]
            beside.index.apply([Remove(id) for id in gone])

    def _upserts(self, kept: Mapping[UUID, Kept], kind: Kind) -> Iterator[Upsert]:
        is_strict = self._terms.is_strict
        return (Upsert(one.id, one.compared, is_strict(one.agreement)) for one in kept.values() if one.kind is kind)

    async def _sight(
        self, store: LinkageStore, published: Mapping[UUID, Sequence[Published]], kept: Mapping[UUID, Kept]
    ) -> None:
        """Identities that were published again as they are known: remember when."""
        for part in batched((id for id in published if id not in kept), READ):
            known = await store.known(part)
            unchanged = {id: published[id] for id in part if is_unchanged(published[id], known.get(id))}
            await store.sighted(sightings(unchanged, known), known)

    async def _placed(self, store: LinkageStore, beside: Beside, kept: Mapping[UUID, Kept], version: int) -> Linked:
        """People's entities keep the ids they have; places and organisations are linked here, by look-ups."""
        newest, people = await store.newest_entities(), beside.index
        before = _members(await store.memberships(Kind.PERSON))
        adopted = await asyncio.to_thread(people.adopt, before, newest.get(Kind.PERSON))
        views = Views(self._terms)
        views.restore(await store.parts())
        async for rows in store.read("agreement_of"):
            views.learn((row["id"], row["agreement"]) for row in rows)
        views.learn((one.id, one.agreement) for one in kept.values())
        settled = [_settled(views, people, Delta(entities=adopted, stirred=frozenset(people.entities())), version)]
        entity_of = people.entities_of(kept)
        for kind, index in by_rules().items():
            ours = list(self._upserts(kept, kind))
            if ours:
                stored = [await _stored(store, kind)]
                decided = [Decide(*one) for one in await store.decided()]
                await asyncio.to_thread(index.restore, stored, newest.get(kind), decided)
                settled.append(_settled(views, index, await asyncio.to_thread(index.apply, ours), version))
                entity_of |= {one.record: index.entity(one.record) for one in ours}
        return Linked(
            [change for one in settled for change in one.changes], [part for one in settled for part in one.parts],
            entity_of, people,
        )  # fmt: skip


def _settled(views: Views, index: Index | RuledIndex[Any], delta: Delta, version: int) -> Settled:
    kind = Kind(index.kind)
    return views.settle(index, [changed(one, kind, version) for one in delta.entities], delta.stirred, kind, version)


async def _stored(store: LinkageStore, kind: Kind) -> list[Stored]:
    """What is linked by rules, as it is kept."""
    return [
        Stored(row["id"], row["identity"], b"", row["entity"])
        async for part in store.read("identities_of", kind)
        for row in part
    ]


async def _folded(
    store: LinkageStore, published: Mapping[UUID, Sequence[Published]], ids: Iterable[UUID]
) -> dict[UUID, Kept]:
    """Records as they are to be: those of these ids that say something new."""
    kept: dict[UUID, Kept] = {}
    for part in batched(ids, READ):
        known, erased = await store.known(part), await store.suppressed(part)
        news = [id for id in part if not is_unchanged(published[id], known.get(id))]
        before = {one.id: one for one in await store.members(id for id in news if id in known)}
        for id in news:
            was, said = before.get(id), admitted(published[id], erased.get(id))
            now = fold(said, was) if said else was
            if now and (was is None or replace(now, times=now.confirmed) != replace(was, times=was.confirmed)):
                kept[id] = now
    return kept


def _members(entity_of: Mapping[UUID, UUID]) -> dict[UUID, list[UUID]]:
    members: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for record, entity in entity_of.items():
        members[entity].append(record)
    return members


async def _write(
    store: LinkageStore, kept: Mapping[UUID, Kept], linked: Linked, version: int, progress: Progress
) -> None:  # fmt: skip
    """Everything into the tables that a stream fills: new rows by COPY, the others by the stream's statement."""
    async for stored in store.read("rows_of", Kind.PERSON):
        rows = linked.people.rows(row["id"] for row in stored)
        other = {row["id"]: rows[row["id"]] for row in stored if _differs(row["row"], rows[row["id"]])}
        await store.keep([], {}, other, [], version)
    copied, done = set[UUID](), 0
    for part in batched(kept.values(), READ):
        known = await store.known(one.id for one in part)
        places = {id: (one.entity, one.version) for id, one in known.items()}
        if known:
            await store.keep([one for one in part if one.id in known], places, {}, [], version)
        fresh = [one for one in part if one.id not in known]
        rows = linked.people.rows(one.id for one in fresh if one.kind is Kind.PERSON)
        await store.copy_records(fresh, linked.entity_of, rows, version)
        copied.update(one.id for one in fresh)
        progress.stage("Written", done := done + len(part), len(kept))
    created = [one for one in linked.changes if one.change is Change.CREATED and copied.issuperset(one.after)]
    await store.copy_entities(created, version)
    await store.keep_parts(linked.parts)
    await store.note(version, Touched(frozenset(copied), frozenset(one.entity for one in created)))
    await store.keep([], {}, {}, [], version)
    entities = {one.entity for one in created}
    for changes in batched((one for one in linked.changes if one.entity not in entities), READ):
        await store.keep([], {}, {}, changes, version)


def _differs(kept: bytes | None, now: bytes) -> bool:
    """Whether a stored row tells of other edges than there are now, or of none."""
    return kept is None or not np.array_equal(np.sort(np.frombuffer(kept, EDGE)), np.sort(np.frombuffer(now, EDGE)))


def said(kept: Mapping[UUID, Kept], linked: Linked, now: datetime) -> Iterator[list[Event[Any]]]:
    """Who is who, and that records were combined: in pieces that one row of the outbox takes."""
    yield from batched((first(SOURCE, str(one.entity), one, now) for one in linked.changes), SAID)
    for part in batched(kept.values(), SAID):
        entries = [
            Access(
                at=now, actor=ACTOR, role="service", service="linkage", action=Action.COMBINATION, reference="load",
                subject=linked.entity_of[one.id], purpose="identity", agreement=one.agreement,
            )
            for one in part
        ]  # fmt: skip
        yield [first(SOURCE, "linkage", Accesses(entries=entries), now)]
