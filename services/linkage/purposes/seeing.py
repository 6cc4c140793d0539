"""Where ids lead for a purpose: to an entity, or to the part of it that the purpose sees as one (views.py)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from services.linkage.purposes.terms import IDENTITY
from services.linkage.store import LinkageStore, Resolved, StoredPart


async def seen_for(store: LinkageStore, purpose: str, asked: Collection[UUID]) -> dict[UUID, Resolved]:
    """By the id asked for, the living entity or part. An id that leads nowhere for this purpose is left out.

    A part's id leads for another purpose nowhere, and for ``identity`` to the entity. That of a part that is no more
    leads to where its records are now.
    """
    living = {id: one for id, one in (await store.resolve(asked)).items() if one.members}
    unknown = [id for id in asked if id not in living]
    if unknown:
        living |= await _by_part(store, purpose, unknown)
    if purpose == IDENTITY or not living:
        return living
    parts = await store.parts_of({one.entity for one in living.values()})
    mine = {part.id: part for part in parts if part.living and part.purpose == purpose}
    return {id: _cut(one, mine) for id, one in living.items()}


async def places_for(store: LinkageStore, purpose: str, records: Collection[UUID]) -> dict[UUID, UUID]:
    """The id, of an entity or a part, under which the purpose sees each record; records that are not here left out."""
    places = {id: known.entity for id, known in (await store.known(records)).items()}
    if purpose == IDENTITY or not places:
        return places
    parts = await store.parts_of(set(places.values()))
    return places | _placed((part for part in parts if part.living and part.purpose == purpose), places)


def _placed(parts: Iterable[StoredPart], wanted: Collection[UUID]) -> dict[UUID, UUID]:
    return {record: part.id for part in parts for record in part.members if record in wanted}


async def was(store: LinkageStore, purpose: str, id: UUID) -> bool:
    """Was the id ever an entity's, or a part's that the purpose may know?"""
    return bool(await store.resolve([id])) or any(_known_for(purpose, part) for part in await store.parts_of([id]))


async def _by_part(store: LinkageStore, purpose: str, ids: Collection[UUID]) -> dict[UUID, Resolved]:
    """Where parts' ids lead: to where the smallest record of each is now."""
    asked = [part for part in await store.parts_of(ids) if _known_for(purpose, part) and part.members]
    places = await places_for(store, purpose, {part.members[0] for part in asked})
    leads = {part.id: places[part.members[0]] for part in asked if part.members[0] in places}
    found = await store.parts_of(set(leads.values())) if leads else []
    parts = {part.id: part for part in found if part.living and part.purpose == purpose}
    whole = {place: parts[place].entity if place in parts else place for place in leads.values()}
    entities = await store.resolve(set(whole.values()))
    return {
        id: replace(entities[whole[place]], entity=place, members=parts[place].members)
        if place in parts
        else entities[place]
        for id, place in leads.items()
    }


def _known_for(purpose: str, part: StoredPart) -> bool:
    return purpose in (part.purpose, IDENTITY)


def _cut(one: Resolved, parts: Mapping[UUID, StoredPart]) -> Resolved:
    """What remains of an entity for a purpose under whose eyes it falls apart."""
    part = parts.get(one.entity)
    return replace(one, members=part.members) if part else one
