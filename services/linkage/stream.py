"""What linkage hears and says: partners' records in, facts about entities and changes of entities out.

Invariants
    1. The index in memory is what is committed: it changes under the database's one lock, and what did not commit is
       taken out again before the next batch.
    2. A fact names the entity its record is in at ``version``; who hears it later can tell which claim is newer.
    3. Entities are a function of (records, model, decisions); a record is a function of its events (records.py), but
       for those from before it was erased (erasure.py).

Failures
    transaction fails          ``forget`` says so; before the next batch what it touched is made what is committed
    another replica committed  the version is not ours: the next batch that links follows it first (following.py); a
                               batch that took a record for unchanged which no longer is as it was read is begun again,
                               and so is one that took the index for what is committed, and asks first
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.linkage import metrics
from services.linkage.live import LiveIndex, next_version
from services.linkage.purposes.erasure import Suppression
from services.linkage.records import NEVER, Known, Published, fold, is_unchanged
from services.linkage.store import Asked, LinkageStore, Place
from shared.bus import Effects, hears
from shared.contracts import (
    Access,
    Action,
    EntityChanged,
    Event,
    FactLinked,
    LinkedSubject,
    RecordsAccepted,
    Topic,
)  # fmt: skip

SOURCE = "/services/linkage"


class Linker:
    """Works out whom each event is about. Holds the index in memory."""

    def __init__(self, index: LiveIndex) -> None:
        self._index = index

    @hears(Topic.RECORDS)
    async def link(self, events: Sequence[Event[RecordsAccepted]], store: LinkageStore, now: datetime) -> Effects:
        """Link what is new or changed, say what changed hands, then say each fact of its entities."""
        published = by_record(events)
        asked = self._presumed(published) or await store.look_up([one for said in published.values() for one in said])
        known, erased = asked.known, asked.erased
        unchanged = {id: said for id, said in published.items() if is_unchanged(said, known.get(id))}
        places = {id: (k.entity, k.version) for id, k in known.items()}
        changes: list[EntityChanged] = []
        if len(unchanged) < len(published):
            changed = {id: said for id, said in published.items() if id not in unchanged}
            changes, moved, erased = await self._relink(changed, asked, store)
            places |= moved
            # After the index's lock, as stewards' decisions do, so that nobody waits in a circle.
            await store.sighted(sightings(unchanged, known), known)
        metrics.UNCHANGED.inc(len(unchanged))
        metrics.LINKED.inc(len(published) - len(unchanged))
        taken = [event for event in (admissible(event, erased) for event in events) if event.body.records]
        metrics.SUPPRESSED.inc(records_in(events) - records_in(taken))
        facts = [fact_of(event, places, now) for event in taken]
        return Effects(
            says=[*(events[0].causes(SOURCE, str(change.entity), change, now) for change in changes), *facts],
            audits=[
                entry
                for event, fact in zip(taken, facts, strict=True)
                for entry in accesses_of(event, fact.body.subjects, now)
            ],
        )

    def forget(self) -> None:
        """The transaction did not commit: what the index learned in it is not true."""
        self._index.spoil()

    def _presumed(self, published: Mapping[UUID, Sequence[Published]]) -> Asked | None:
        """What there is to ask about records of which the index has none, while nobody else changes it: nothing."""
        version = self._index.presumed((said[0].kind, id) for id, said in published.items())
        return None if version is None else Asked({}, {}, None, is_current=True, presumed=version)

    async def _relink(
        self, changed: Mapping[UUID, Sequence[Published]], asked: Asked, store: LinkageStore
    ) -> tuple[list[EntityChanged], dict[UUID, Place], Mapping[UUID, Suppression]]:
        """Under the lock, or before it if all is presumed: fold the events into the records, link them, keep all of it.
        What was ``asked`` may be of before the lock: then it is asked again. What is said of records that are erased is
        left out, as far as it is not admitted; the erasures come back too."""
        committed = asked.presumed
        if committed is None:
            committed = await self._index.catch_up(store, asked.committed)
        version = next_version(committed)
        erased = asked.erased if asked.is_current else {**asked.erased, **await store.suppressed(changed)}
        changed = {id: said for id, all_said in changed.items() if (said := admitted(all_said, erased.get(id)))}
        older = changed.keys() & asked.known.keys() if asked.is_current else changed.keys()
        before = await store.lock_identities(older) if older else {}
        kept = {id: fold(said, before[id][0] if id in before else None) for id, said in changed.items()}
        to_link = [k for id, k in kept.items() if id not in before or not before[id][0].links_as(k)]
        delta = self._index.apply(to_link, version)
        places = {id: (known.entity, known.version) for id, (_, known) in before.items()} | delta.places
        await store.keep(list(kept.values()), places, delta.rows, delta.changes, version, presumed=asked.presumed)
        await store.keep_parts(delta.parts)
        return delta.changes, places, erased


def by_record(events: Sequence[Event[RecordsAccepted]]) -> dict[UUID, list[Published]]:
    """What a batch says of each record."""
    found: defaultdict[UUID, list[Published]] = defaultdict(list)
    for event in events:
        body = event.body
        for record in body.records:
            found[record.id].append(
                Published(record.id, record.kind, body.partner, body.agreement, record.identity, body.occurred)
            )
    return dict(found)


def sightings(unchanged: Mapping[UUID, Sequence[Published]], known: Mapping[UUID, Known]) -> dict[UUID, datetime]:
    """The newest time at which each known identity was published again, where that is news."""
    newest = {id: max((p.occurred for p in said if p.identity), default=NEVER) for id, said in unchanged.items()}
    return {id: at for id, at in newest.items() if at > known[id].seen}


def admissible(event: Event[RecordsAccepted], erased: Mapping[UUID, Suppression]) -> Event[RecordsAccepted]:
    """The event without the records that are erased and that it may not bring back."""
    if not erased:
        return event
    body = event.body
    records = [r for r in body.records if r.id not in erased or erased[r.id].admits(body.occurred)]
    return (
        event
        if len(records) == len(body.records)
        else event._replace(body=body.model_copy(update={"records": records}))
    )


def records_in(events: Sequence[Event[RecordsAccepted]]) -> int:
    """How many records some events are about."""
    return sum([len(event.body.records) for event in events])


def admitted(said: Sequence[Published], erased: Suppression | None) -> Sequence[Published]:
    return said if erased is None else [one for one in said if erased.admits(one.occurred)]


def fact_of(event: Event[RecordsAccepted], places: Mapping[UUID, Place], now: datetime) -> Event[FactLinked]:
    """The event without identity. It keeps its cause's id: one accepted event is one fact."""
    body = event.body
    subjects = []
    for record in body.records:
        entity, version = places[record.id]
        subjects.append(LinkedSubject(kind=record.kind, record=record.id, entity=entity, version=version))
    fact = FactLinked(
        partner=body.partner, agreement=body.agreement, type=body.type, occurred=body.occurred,
        purposes=body.purposes, subjects=subjects, facts=body.facts,
    )  # fmt: skip
    return event.causes(SOURCE, event.key, fact, now, id=event.id)


def accesses_of(event: Event[RecordsAccepted], subjects: Sequence[LinkedSubject], now: datetime) -> list[Access]:
    """One entry a subject: its new fact was combined with what else is known of its entity."""
    return [
        Access(
            at=now, actor="service:linkage", role="service", service="linkage", action=Action.COMBINATION,
            subject=subject.entity, purpose="identity", agreement=event.body.agreement,
            reference=event.id, trace=event.trace,
        )
        for subject in subjects
    ]  # fmt: skip
