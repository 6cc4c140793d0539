"""What scoring hears and says: facts and changes of entities in, scores that are news out.

Invariants
    1. A score is a function of the facts counted, the membership and the day it is aged to, in whatever order facts
       and changes were heard: counts are per record, and of two claims on a record the higher version holds. Where the
       initiative's purpose sees an entity as several (``EntityChanged.parts``), each part has a score of its own.
    2. Replicas change nothing: records, then entities, are locked before anything is read of them.
    3. Each said score has a receipt and an audit entry in the same transaction.

Failures
    facts before the entity's change     the fact's own claim on the record tells to whom it belongs
    a merge heard from the survivor first  the merged entity's score stays until its own change says where it went
    a fact of a record erased since      is dropped: it was linked before the erasure
    transaction fails, or a deadlock     nothing is kept; the bus tries the batch again
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from services.scoring import metrics
from services.scoring.domain import (
    NOWHERE,
    Addition,
    Assessed,
    Claim,
    Departure,
    Known,
    Place,
    Receipt,
    Said,
    Standing,
    claims_of,
    departure_of,
    forgotten_in,
    newest_claims,
    reasons_of,
    together,
)
from services.scoring.judging import Judged, Over, Running, judged
from services.scoring.store import Saying, ScoringStore
from shared.bus import Effects, hears
from shared.contracts import (
    Access,
    Action,
    Change,
    EntityChanged,
    Event,
    FactLinked,
    Outcome,
    ScoreChanged,
    Topic,
)
from shared.contracts.envelope import first

SOURCE = "/services/scoring"
NOTHING = np.empty(0, np.float32)
MOST_OUTSIDE = 50_000
"""Some 8 MB."""


@dataclass(slots=True)
class Heard:
    """What a batch hears, before it is known what it changes. ``causes``: the event about each record or entity;
    ``decisive``: the records of whom something is heard that may bring them into a population."""

    claims: list[Claim] = field(default_factory=list)
    additions: dict[Place, list[Addition]] = field(default_factory=dict)
    departures: list[Departure] = field(default_factory=list)
    erasures: list[EntityChanged] = field(default_factory=list)
    causes: dict[UUID, Event[Any]] = field(default_factory=dict)
    decisive: set[UUID] = field(default_factory=set)


class Scorer:
    """The handlers, with the initiatives at work. ``today`` is the day of the newest fact heard by this process.

    Most of whom facts are heard are in no initiative's population. Whoever was seen to be outside stays so until they
    have other members or something decisive is heard; then they get a score, or not, from whichever replica hears it.
    So the newest ``MOST_OUTSIDE`` of them are remembered here, and are not looked at again while they have no score.
    """

    def __init__(self, running: Sequence[Running]) -> None:
        self._running = running
        self._kinds = {one.initiative.kind for one in running}
        self._outside: dict[UUID, None] = {}
        self.today: date | None = None

    @hears(Topic.ENTITIES, Topic.FACTS)
    async def hear(
        self, events: Sequence[Event[EntityChanged | FactLinked]], store: ScoringStore, now: datetime
    ) -> Effects:
        """Move records between entities and count the facts of which an initiative's purpose allows the reading; score
        whom they are about."""
        heard = Heard()
        for event in events:
            if isinstance(event.body, EntityChanged):
                self._follow(event.body, event, heard)
            else:
                self._count(event.body, event, heard)
        if heard.additions:
            newest = max(one.newest for some in heard.additions.values() for one in some).date()
            self.today = newest if self.today is None else max(newest, self.today)
        return await self._settle(heard, store, now)

    async def age(self, entities: Sequence[UUID], day: date, store: ScoringStore, now: datetime) -> Effects:
        """Score again those whose windows lose something by ``day``. A second time it does nothing."""
        await store.lock_entities(entities)
        metrics.AGED.inc(len(entities))
        return await self._judge(entities, {}, store, now, day)

    def _follow(self, change: EntityChanged, event: Event[Any], heard: Heard) -> None:
        if change.kind not in self._kinds:
            return
        heard.claims += claims_of(change)
        departure = departure_of(change)
        if departure is not None:
            heard.departures.append(departure)
        if change.change is Change.ERASED or change.gone:
            heard.erasures.append(change)
        heard.causes.update(dict.fromkeys([change.entity, *change.before, *change.after], event))

    def _count(self, fact: FactLinked, event: Event[Any], heard: Heard) -> None:
        for one in self._running:
            if one.initiative.purpose not in fact.purposes or not one.features.reads(fact.type):
                continue
            tiles = one.features.tiles(fact.type, fact.occurred, fact.facts)
            area = fact.facts.get(one.initiative.routing.fact)
            where = (area, fact.occurred) if isinstance(area, str) else ("", NOWHERE)
            for subject in fact.subjects:
                if subject.kind is one.initiative.kind:
                    addition = Addition(tiles, fact.occurred, subject.version, *where, fact.agreement)
                    heard.additions.setdefault((subject.record, one.name), []).append(addition)
                    heard.claims.append(Claim(subject.record, subject.entity, subject.version))
                    heard.causes[subject.record] = event
                    if fact.type in one.deciding:
                        heard.decisive.add(subject.record)

    async def _settle(self, heard: Heard, store: ScoringStore, now: datetime) -> Effects:
        """Bring membership and counts up to date, and judge every entity that is touched."""
        if not heard.causes:
            return Effects()
        claims = newest_claims(heard.claims)
        records = {*claims, *(record for change in heard.erasures for record in forgotten_in(change))}
        await store.lock_records(records)
        standings = await store.lock_standings(records, _named(heard, claims))
        newer = [claim for claim in claims.values() if _is_newer(claim, standings.get(claim.record))]
        touched = _touched(heard, newer, claims, standings)
        if newer:
            await store.claim(newer)
        if heard.departures:
            await store.depart(heard.departures)
        unreceipted: set[UUID] = set()
        for change in heard.erasures:
            ended = change.change is Change.ERASED
            unreceipted |= await store.erase(change.entity, forgotten_in(change), change.version, ended=ended)
        if heard.additions:
            await self._append(heard.additions, _erased(heard, standings), store)
        undecided = _undecided(heard, newer, claims, standings)
        passed = {entity for entity in touched if entity in self._outside and entity not in undecided}
        asked = [entity for entity in touched if entity not in passed]
        return await self._judge(asked, touched, store, now, None, unreceipted, passed)

    async def _append(
        self, additions: Mapping[Place, Sequence[Addition]], erased: Mapping[UUID, int], store: ScoringStore
    ) -> None:
        """Keep what the facts add, but for what was linked before its record was erased."""
        lasting: dict[Place, Addition] = {}
        dropped = 0
        for place, some in additions.items():
            kept = [one for one in some if one.version > erased.get(place[0], -1)]
            dropped += len(some) - len(kept)
            if kept:
                lasting[place] = together(kept)
        metrics.DROPPED.inc(dropped)
        grown = await store.append(lasting)
        for one in self._running if grown else ():
            places = [place for place in grown if place[1] == one.name]
            if places:
                settled = one.features.settled([grown[place] for place in places])
                await store.shorten(dict(zip(places, settled, strict=True)))

    async def _judge(
        self, entities: Sequence[UUID], causes: Mapping[UUID, Event[Any]], store: ScoringStore, now: datetime,
        day: date | None, unreceipted: Collection[UUID] = (), if_scored: Collection[UUID] = (),
    ) -> Effects:  # fmt: skip
        known, said, versions = await store.scored(
            entities, {one.name: one.initiative.purpose for one in self._running}, if_scored
        )
        missing = {place[0] for place in said if place not in known}
        endings = await store.endings(missing) if missing else {}
        judgements = [judged(one, known, said, endings, day, unreceipted) for one in self._running]
        sayings, says, audits = list[Saying](), list[Event[Any]](), list[Access]()
        numbers = iter(sorted(versions.values()))  # what is taken back comes before what its survivor has now
        for one in judgements:
            over = [
                Saying(_taken_back(o, next(numbers), one, now), None, o.said.whole, o.ending.into) for o in one.overs
            ]
            new = [Saying(_receipt(n, next(numbers), one, now), n, n.whole) for n in one.news]
            sayings += over + new
            says += [_event(saying, one, causes.get(saying.whole), now) for saying in over + new]
            audits += _entries(one, over + new, causes, now)
            _measure(one)
        if sayings:
            await store.keep(sayings)
        self._remember_outside(known, said, judgements)
        postponed = {place: days for one in judgements for place, days in one.postponed.items()}
        if postponed:
            await store.postpone(postponed)
        return Effects(says, audits)

    def _remember_outside(
        self, known: Mapping[Place, Known], said: Mapping[Place, Said], judgements: Iterable[Judged]
    ) -> None:
        inside = {entity for (entity, _), was in said.items() for entity in (entity, was.whole)}
        inside.update(now.whole for one in judgements for now in one.assessed)
        self._outside.update((one.whole, None) for one in known.values() if one.whole not in inside)
        for entity in list(islice(self._outside, max(0, len(self._outside) - MOST_OUTSIDE))):
            del self._outside[entity]


def _named(heard: Heard, claims: Mapping[UUID, Claim]) -> set[UUID]:
    """The entities that a batch names and may touch."""
    return {claim.entity for claim in claims.values()} | _parted(heard)


def _parted(heard: Heard) -> set[UUID]:
    """The entities that lost records, and those into which they were merged."""
    return {entity for one in heard.departures for entity in (one.entity, one.into) if entity is not None}


def _touched(
    heard: Heard, newer: Iterable[Claim], claims: Mapping[UUID, Claim], standings: Mapping[UUID, Standing]
) -> dict[UUID, Event[Any]]:
    """The entities that must be judged anew, and an event that is the cause: those in which records of whom something
    was heard are, were or will be."""
    found = {claim.entity: heard.causes[claim.record] for claim in newer}
    for record, known in standings.items():
        if record in claims:
            found[known.claim.entity] = heard.causes[record]
    for departure in heard.departures:
        found[departure.entity] = heard.causes[departure.entity]
        if departure.into is not None:
            found[departure.into] = heard.causes[departure.entity]
    return found


def _undecided(
    heard: Heard, newer: Iterable[Claim], claims: Mapping[UUID, Claim], standings: Mapping[UUID, Standing]
) -> set[UUID]:
    """The entities that may enter or leave a population: their members, or what decides it, change."""
    records = {*(claim.record for claim in newer), *heard.decisive}
    ours = {standings[record].claim.entity for record in records if record in standings}
    return {claims[record].entity for record in records} | ours | _parted(heard)


def _is_newer(claim: Claim, known: Standing | None) -> bool:
    """Does a claim say more than what is known?"""
    return known is None or (claim.beats(known.claim) and claim != known.claim)


def _erased(heard: Heard, standings: Mapping[UUID, Standing]) -> dict[UUID, int]:
    """The version at which records were last erased, before this batch or in it."""
    erased = {record: standing.erased for record, standing in standings.items() if standing.erased}
    for change in heard.erasures:
        for record in forgotten_in(change):
            erased[record] = max(change.version, erased.get(record, -1))
    return erased


def _receipt(now: Assessed, version: int, one: Judged, at: datetime) -> Receipt:
    running = one.running
    return Receipt(
        id=uuid4(), at=at, initiative=running.name, entity=now.entity, version=version,
        as_of=now.as_of, score=now.score, vector=now.vector, contributions=now.contributions, members=now.members,
        membership=now.membership, model=running.model.sha256, raise_at=running.initiative.thresholds.raise_at,
        lower_at=running.initiative.thresholds.lower_at, agreements=now.agreements,
    )  # fmt: skip


def _taken_back(over: Over, version: int, one: Judged, at: datetime) -> Receipt:
    thresholds = one.running.initiative.thresholds
    return Receipt(
        id=uuid4(), at=at, initiative=one.running.name, entity=over.entity, version=version, as_of=at, score=None,
        vector=NOTHING, contributions=NOTHING, members=(), membership=over.ending.version, model=over.said.model,
        raise_at=thresholds.raise_at, lower_at=thresholds.lower_at, agreements="",
    )  # fmt: skip


def _event(saying: Saying, one: Judged, cause: Event[Any] | None, at: datetime) -> Event[ScoreChanged]:
    receipt, now, running = saying.receipt, saying.assessed, one.running
    names = running.features.names
    body = ScoreChanged(
        initiative=receipt.initiative, entity=receipt.entity, kind=running.initiative.kind, version=receipt.version,
        score=receipt.score, model=receipt.model, receipt=receipt.id, as_of=receipt.as_of,
        reasons=reasons_of(names, now.vector, now.contributions, now.reasons) if now else [],
        area=now.area if now else None, into=saying.into,
    )  # fmt: skip
    key = str(receipt.entity)
    return cause.causes(SOURCE, key, body, at) if cause else first(SOURCE, key, body, at)


def _entries(
    one: Judged, sayings: Iterable[Saying], causes: Mapping[UUID, Event[Any]], at: datetime
) -> list[Access]:  # fmt: skip
    """For audit: a decision for each score that is said, a consultation for each that was looked at and is no news."""
    said = {saying.receipt.entity: saying.receipt for saying in sayings}
    agreements = {now.entity: now.agreements for now in one.assessed}
    fields, purpose = list(one.running.features.names), one.running.initiative.purpose
    return [
        Access(
            at=at, actor="service:scoring", role="service", service="scoring", subject=entity, purpose=purpose,
            action=Action.DECISION if entity in said else Action.CONSULTATION, outcome=Outcome.ALLOWED,
            agreement=agreements.get(entity, ""), fields=fields,
            reference=f"receipt:{said[entity].id}" if entity in said else "",
            trace=causes[entity].trace if entity in causes else "",
        )
        for entity in {**agreements, **said}
    ]  # fmt: skip


def _measure(one: Judged) -> None:
    name = one.running.name
    metrics.SCORED.labels(name).inc(len(one.assessed))
    metrics.SAID.labels(name).inc(len(one.news))
    metrics.TAKEN_BACK.labels(name).inc(len(one.overs))
