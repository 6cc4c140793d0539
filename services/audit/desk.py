"""Reading the log, which is itself an access to personal data and goes into the log before it is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.audit.domain import NOBODY, Entry
from services.audit.log import Erasure, Log, Reading
from services.audit.store import AuditStore, Window
from shared.contracts import Access, Action, Outcome
from shared.web import Viewer
from shared.work import Work, Worker

PURPOSE = "accountability"
ROLE = "auditor"
MOST = 500
UNKNOWN_ACTOR = "unknown_actor"


class Found(NamedTuple):
    """Entries, newest first; ``following`` is the ``before`` of the next page, None when this is the last."""

    readings: Sequence[Reading]
    following: int | None


class Unerased(Exception):
    """The log has no entry that linkage erased these entities, so what it says of them stays."""

    def __init__(self, entities: Sequence[UUID]) -> None:
        super().__init__(entities)
        self.entities = entities


class Desk:
    """What a person may ask of the log."""

    def __init__(self, worker: Worker[AuditStore], log: Log) -> None:
        self._worker, self._log = worker, log

    async def about(self, person: Viewer, entities: Sequence[UUID], window: Window) -> Found:
        """Who saw these entities (one person may have had several ids). One entry for each id that was asked for."""
        async with self._worker.work() as work:
            numbers = [key.number for key in await work.store.keys_of(entities)]
            found = await self._found(work.store, await work.store.of_subjects(numbers, _one_more(window)), window)
            seen = {reading.entity for reading in found.readings}
            work.audit([_reading_of(person, entity, "", empty=entity not in seen) for entity in entities])
        return found

    async def by(self, person: Viewer, actor: str, window: Window) -> Found | None:
        """What this actor did; None: the log knows nobody of that name. One entry for each entity that the answer
        names."""
        async with self._worker.work() as work:
            if not await _known(work, person, actor):
                return None
            found = await self._found(work.store, await work.store.of_actor(actor, _one_more(window)), window)
            named = {reading.entity for reading in found.readings} - {None, NOBODY} or {None}
            empty = not found.readings
            work.audit([_reading_of(person, entity, f"actor/{actor}", empty=empty) for entity in named])
        return found

    async def knows(self, person: Viewer, actor: str) -> bool:
        """Whether the log has entries of this actor. Where it has none an entry says so, and not what was asked for:
        that may be anything, a person's name too."""
        async with self._worker.work() as work:
            return await _known(work, person, actor)

    async def one(self, person: Viewer, seq: int) -> Reading | None:
        """One entry, opened."""
        async with self._worker.work() as work:
            entry = await work.store.entry(seq)
            reading = (await self._log.read(work.store, [entry]))[0] if entry else None
            entity = reading.entity if reading and reading.entity != NOBODY else None
            work.audit([_reading_of(person, entity, f"entry/{seq}", empty=reading is None)])
        return reading

    async def erase(self, person: Viewer, entities: Sequence[UUID], reason: str) -> Erasure:
        """Make what the log says of these entities unreadable for ever. ``reason`` must not name anybody.

        Raises ``Unerased`` if linkage has not erased all of them: then nothing is erased, and there is an entry for
        each, since the refusal tells of each. An auditor alone cannot make that nobody knows who saw somebody.
        """
        async with self._worker.work() as work:
            entities = list(dict.fromkeys(entities))
            over = await self._log.over(work.store, entities)
            living = [entity for entity in entities if entity not in over]
            if not living:
                because = _access(person, Action.ERASURE, None, reason, "", Outcome.ALLOWED)
                return await self._log.erase(work.store, entities, because, because.at)
            known = {key.entity for key in await work.store.keys_of(entities)}
            work.audit([_not_erased(person, entity, known=entity in known) for entity in entities])
        raise Unerased(living)

    async def refuse(self, person: Viewer, entity: UUID | None, asked: str) -> None:
        """Keep that somebody asked who may not; ``asked`` names the operation."""
        async with self._worker.work() as work:
            work.audit([_access(person, Action.CONSULTATION, entity, PURPOSE, asked, Outcome.REFUSED)])

    async def _found(self, store: AuditStore, entries: Sequence[Entry], window: Window) -> Found:
        readings = await self._log.read(store, entries[: window.limit])
        return Found(readings, readings[-1].entry.seq if len(entries) > window.limit else None)


def _one_more(window: Window) -> Window:
    return window._replace(limit=window.limit + 1)


async def _known(work: Work[AuditStore], person: Viewer, actor: str) -> bool:
    known = await work.store.knows(actor)
    if not known:
        work.audit([_reading_of(person, None, UNKNOWN_ACTOR, empty=True)])
    return known


def _not_erased(person: Viewer, entity: UUID, *, known: bool) -> Access:
    outcome = Outcome.REFUSED if known else Outcome.EMPTY
    return _access(person, Action.CONSULTATION, entity, PURPOSE, "operation/erasures", outcome)


def _reading_of(person: Viewer, entity: UUID | None, reference: str, *, empty: bool) -> Access:
    outcome = Outcome.EMPTY if empty else Outcome.ALLOWED
    return _access(person, Action.CONSULTATION, entity, PURPOSE, reference, outcome)


def _access(
    person: Viewer, action: Action, entity: UUID | None, purpose: str, reference: str, outcome: Outcome
) -> Access:
    return Access(
        at=datetime.now(UTC), actor=person.subject, role=person.role, service="audit", action=action, subject=entity,
        purpose=purpose, agreement="", fields=["audit entries"], outcome=outcome, reference=reference,
    )  # fmt: skip
