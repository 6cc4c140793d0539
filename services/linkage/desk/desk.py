"""What a person may ask of identity. Each answer's audit entries commit with what was read, before a byte leaves."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from uuid import UUID

from fastapi import HTTPException

from services.linkage.desk.reasoning import Reasoned, Reasons, between, within
from services.linkage.desk.searching import CANDIDATES, Finder, Hit, rank
from services.linkage.desk.showing import Shown, shown
from services.linkage.desk.viewing import Asker
from services.linkage.desk.weighing import Weighing
from services.linkage.purposes.seeing import places_for, seen_for, was
from services.linkage.records import Identity, Kept
from services.linkage.store import LinkageStore, Resolved
from shared.contracts import Access, Action, Kind, Outcome
from shared.web import N_, Refused
from shared.work import Worker

NOT_FOR_YOU = N_("No agreement lets your role see identity for this purpose. That you asked was recorded.")


MANY = 50
"""Records from which on a golden record takes some hundredths of a second to make."""

GONE = N_("All that was known under this reference is erased, or is no longer covered by an agreement.")


class Gone(HTTPException):
    """410: the id was somebody's, and leads to nobody now."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.GONE, GONE)


class Desk:
    """Reads entities for those who may know them."""

    def __init__(self, worker: Worker[LinkageStore], finder: Finder, weighing: Weighing) -> None:
        self._worker, self._finder, self._weighing = worker, finder, weighing

    async def golden(self, asker: Asker, asked: Sequence[UUID]) -> dict[UUID, Shown]:
        """The entities behind these ids, as the asker may see them; ids that never were are left out.

        One audit entry an entity, whatever the number in two queries.
        """
        async with self._worker.work() as work:
            found = await entities_of(work.store, asker, asked)
            work.audit(entries_of(asker, asked, found, Action.DISCLOSURE, f"golden:{asker.caller}"))
        return found

    async def entity(self, asker: Asker, asked: UUID, reference: str = "entity") -> Shown | None:
        """One entity, looked at. None: there never was one. Raises ``Refused`` when nothing of it may be shown, and
        ``Gone`` when nothing is left of it."""
        await self.admit(asker, reference, asked)
        async with self._worker.work() as work:
            found = await entities_of(work.store, asker, [asked], oversees=asker.oversees)
            work.audit(entries_of(asker, [asked], found, Action.CONSULTATION, reference))
            gone = asked not in found and await was(work.store, asker.purpose, asked)
        if gone:
            raise Gone
        if asked in found and found[asked].refused:
            raise Refused(NOT_FOR_YOU)
        return await self._in_its_building(found[asked]) if asked in found else None

    async def why(self, asker: Asker, one: UUID, other: UUID | None = None) -> Reasons:
        """What holds an entity's records together, or what speaks for and against two entities' being one.

        Raises ``LookupError`` for an id that is nobody's, ``Refused`` where nothing may be shown.
        """
        asked = [one] if other is None else [one, other]
        found = await self._looked_at(asker, asked, "why")
        left, right = found[one], found[asked[-1]]
        async with self._worker.work() as work:
            decided = await work.store.rulings({record.id for shown in (left, right) for record in shown.records})
        if left.entity == right.entity:
            return await asyncio.to_thread(within, left, self._weighing, decided)
        return await asyncio.to_thread(between, left, right, self._weighing, decided)

    async def why_records(self, asker: Asker, one: UUID, other: UUID) -> Reasoned | None:
        """What speaks for and against two records' being of one. None: one of them is not, or may not be seen."""
        await self.admit(asker, "why")
        async with self._worker.work() as work:
            entity_of = await places_for(work.store, asker.purpose, [one, other])
            decided = await work.store.rulings([one, other])
            unknown = {one, other} - set(entity_of)
            work.audit([asker.entry(Action.CONSULTATION, id, Outcome.EMPTY, "why") for id in unknown])
        if set(entity_of) != {one, other} or one == other:
            return None
        found = await self._looked_at(asker, list(set(entity_of.values())), "why")
        left, right = (found[entity_of[id]].only([id]) for id in (one, other))
        return next(iter(between(left, right, self._weighing, decided).pairs), None)

    async def search(self, asker: Asker, kind: Kind, typed: Identity) -> list[Hit]:
        """Who may be meant. What the asker may not see can neither be searched by nor make anybody likelier."""
        await self.admit(asker, "search")
        asked = {field: value for field, value in typed.items() if field in asker.fields}
        records = await self._finder.find(kind, asked, CANDIDATES) if asked else []
        async with self._worker.work() as work:
            entities = await places_for(work.store, asker.purpose, records)
            found = await entities_of(work.store, asker, entities.values())
            hits = await asyncio.to_thread(rank, kind, asked, found.values(), self._weighing)
            shown = {hit.shown.entity: hit.shown for hit in hits}
            work.audit(
                entries_of(asker, shown, shown, Action.CONSULTATION, "search")
                or [asker.entry(Action.CONSULTATION, None, Outcome.EMPTY, "search")]
            )
        return hits

    async def _in_its_building(self, one: Shown) -> Shown:
        """With the place that it is a part of, by what may be seen of it."""
        if one.kind is not Kind.PLACE:
            return one
        return replace(one, building=await self._finder.building({f: v.value for f, v in one.golden.items()}))

    async def admit(self, asker: Asker, operation: str, subject: UUID | None = None) -> None:
        """Who has no agreement for the purpose gets no further, and that is kept. Raises ``Refused``."""
        if asker.allowed or asker.oversees:
            return
        async with self._worker.work() as work:
            work.audit([asker.entry(Action.CONSULTATION, subject, Outcome.REFUSED, operation)])
        raise Refused(NOT_FOR_YOU)

    async def _looked_at(self, asker: Asker, asked: Sequence[UUID], reference: str) -> dict[UUID, Shown]:
        found = {}
        for id in asked:
            one = await self.entity(asker, id, reference)
            if one is None:
                raise LookupError(id)
            found[id] = one
        return found


async def entities_of(
    store: LinkageStore, asker: Asker, asked: Iterable[UUID], *, oversees: bool = False
) -> dict[UUID, Shown]:
    """By the id asked for: one query for where the ids lead, one for all the records. What is made of many records is
    made in a thread: the stream and other requests need not wait for it."""
    living = await seen_for(store, asker.purpose, set(asked))
    members = await store.members({record for one in living.values() for record in one.members})
    records = {record.id: record for record in members}

    def made() -> dict[UUID, Shown]:
        return {id: _shown(asker, id, one, records, oversees) for id, one in living.items()}

    return await asyncio.to_thread(made) if len(records) > MANY else made()


def _shown(asker: Asker, asked: UUID, living: Resolved, records: Mapping[UUID, Kept], oversees: bool) -> Shown:
    members = [records[id] for id in living.members if id in records]
    return shown(asked, living.entity, living.kind, members, asker.sight, oversees=oversees)


def entries_of(
    asker: Asker, asked: Iterable[UUID], found: Mapping[UUID, Shown], action: Action, reference: str
) -> list[Access]:
    """One entry for each entity that was shown or refused, however many ids led to it, and one for each id unknown."""
    entities = {one.entity: one for one in found.values()}
    unknown = [asker.entry(action, id, Outcome.EMPTY, reference) for id in set(asked) - set(found)]
    return [*(_entry(asker, one, action, reference) for one in entities.values()), *unknown]


async def entries_in_vain(store: LinkageStore, asker: Asker, ids: Iterable[UUID], reference: str) -> list[Access]:
    """One entry for each entity or record that was asked about by what came to nothing: its refusal tells who is known.
    A record that is in the index counts for its entity."""
    asked = list(dict.fromkeys(ids))
    leads = {record: one.entity for record, one in (await store.known(asked)).items()}
    leads |= {id: one.entity for id, one in (await store.resolve(asked)).items()}
    subjects: Iterable[UUID | None] = dict.fromkeys(leads.get(id, id) for id in asked) or [None]
    return [asker.entry(Action.CONSULTATION, subject, Outcome.EMPTY, reference) for subject in subjects]


def _entry(asker: Asker, one: Shown, action: Action, reference: str) -> Access:
    if one.refused:
        return asker.entry(action, one.entity, Outcome.REFUSED, reference)
    return asker.entry(action, one.entity, Outcome.ALLOWED, reference, fields=one.fields, agreements=one.agreements)
