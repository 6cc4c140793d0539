"""What stewards decide about pairs of records. It outranks every score and rule, and no arriving data undoes it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.linkage import metrics
from services.linkage.desk.desk import entities_of, entries_in_vain, entries_of
from services.linkage.desk.reviewing import Case, Pair, doubtful, ruled
from services.linkage.desk.showing import Shown
from services.linkage.desk.viewing import Asker
from services.linkage.desk.weighing import Weighing
from services.linkage.index.blocking import Overflow
from services.linkage.index.changes import Decide, Verdict
from services.linkage.live import LiveIndex, changing, keep
from services.linkage.rulings import Rulings
from services.linkage.standby import Standby
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts import Access, Action, Kind, Outcome
from shared.contracts.envelope import first
from shared.web import N_, Refused
from shared.work import Worker

STEWARD = "steward"
NOT_A_STEWARD = N_("Only data stewards decide which records belong together. That you asked was recorded.")
LOOKED_AT = 200
"""Doubtful pairs of entities among which the most valuable decisions are sought."""


class Review:
    """The review desk."""

    def __init__(self, worker: Worker[LinkageStore], live: LiveIndex, standby: Standby, weighing: Weighing) -> None:
        self._worker, self._live, self._standby, self._weighing = worker, live, standby, weighing

    async def queue(self, asker: Asker, limit: int) -> list[Case]:
        """Pairs to look at: decisions that do not hold, then by what deciding is worth. All shown are recorded."""
        await self.admit(asker, "review")
        doubts = [(doubt.left, doubt.right) for doubt in await self._standby.doubts(LOOKED_AT)]
        async with self._worker.work() as work:
            conflicts = await work.store.conflicts()
            sides, decided = await self.sides(work.store, asker, [*conflicts, *doubts])
            urgent = await asyncio.to_thread(ruled, conflicts, sides, self._weighing, decided, limit)
            found = [*urgent, *await asyncio.to_thread(doubtful, doubts, sides, self._weighing, decided, limit)][:limit]
            work.audit(entries(asker, found))
        return found

    async def decided(self, asker: Asker, limit: int) -> list[Case]:
        """The newest decisions, with their pairs as they are now."""
        await self.admit(asker, "review")
        async with self._worker.work() as work:
            pairs = await work.store.ruled(limit)
            sides, decided = await self.sides(work.store, asker, pairs)
            found = await asyncio.to_thread(ruled, pairs, sides, self._weighing, decided)
            work.audit(entries(asker, found))
        return found

    async def overflowing(self, asker: Asker) -> Sequence[Overflow]:
        """Block keys that too many records share, by kind and size. Nobody is shown."""
        await self.admit(asker, "blocks")
        return await self._standby.overflowed()

    async def case(self, asker: Asker, one: UUID, other: UUID) -> Case | None:
        """One pair, to decide about. None: they are not two records of one kind."""
        await self.admit(asker, "review")
        async with self._worker.work() as work:
            sides, decided = await self.sides(work.store, asker, [(one, other)])
            found = ruled([(one, other)], sides, self._weighing, decided)
            work.audit(entries(asker, found))
        return next(iter(found), None)

    async def decide(self, asker: Asker, one: UUID, other: UUID, verdict: Verdict | None, reason: str) -> None:
        """ "must" be of one, "must_not", or ``None``: what was decided before is taken back.

        Raises ``LookupError`` when they are not two records of one kind.
        """
        await self.admit(asker, "decide")
        await self._rule(asker, [(one, other)], verdict, reason)

    async def split(self, asker: Asker, record: UUID, reason: str) -> int:
        """A record leaves the others of its entity: it must not be of one with any of them. How many there were.

        Raises ``LookupError`` when it is not here.
        """
        await self.admit(asker, "decide")
        async with self._worker.work() as work:
            known = await work.store.known([record])
            living = await work.store.resolve([known[record].entity]) if record in known else {}
            others = [id for entity in living.values() for id in entity.members if id != record]
            if not others:
                work.audit(await entries_in_vain(work.store, asker, [record], "split"))
        if record not in known:
            raise LookupError(record)
        if others:
            await self._rule(asker, [(record, other) for other in others], "must_not", reason)
        return len(others)

    async def _rule(self, asker: Asker, pairs: Sequence[Pair], verdict: Verdict | None, reason: str) -> None:
        """One transaction under the index's lock: the decisions, what they change, and what is said of it."""
        ordered = [(min(pair), max(pair)) for pair in pairs]
        kind, entity_of = await self._entities(asker, ordered)
        now = datetime.now(UTC)
        async with changing(self._worker, self._live) as (work, version):
            linked = self._live.decide([Decide(one, other, verdict) for one, other in ordered], version, kind)
            await work.store.rule(ordered, verdict, asker.viewer.subject, reason, now)
            await keep(linked, work.store, version)
            work.say([first(SOURCE, str(change.entity), change, now) for change in linked.changes])
            work.audit([entry for pair in ordered for entry in decision(asker, pair, entity_of, verdict)])
        metrics.DECISIONS.labels(verdict or "undo").inc(len(ordered))

    async def _entities(self, asker: Asker, pairs: Sequence[Pair]) -> tuple[Kind, dict[UUID, UUID]]:
        """The kind and the entities of the records. Unless all are here and of one kind, and no pair is one record,
        raises ``LookupError``; that it was asked is kept then."""
        wanted = {record for pair in pairs for record in pair}
        async with self._worker.work() as work:
            kinds = {record.id: record.kind for record in await work.store.members(wanted)}
            known = await work.store.known(wanted)
            alike = kinds.keys() == wanted and len(set(kinds.values())) == 1
            fit = alike and all(one != other for one, other in pairs)
            if not fit:
                work.audit(await entries_in_vain(work.store, asker, wanted, "decide"))
        if not fit:
            raise LookupError(pairs[0])
        return next(iter(kinds.values())), {id: one.entity for id, one in known.items()}

    async def sides(
        self, store: LinkageStore, asker: Asker, pairs: Sequence[Pair]
    ) -> tuple[dict[UUID, Shown], Rulings]:
        """Each record's entity, and what was decided about any two records of these entities."""
        known = await store.known({record for pair in pairs for record in pair})
        found = await entities_of(store, asker, {one.entity for one in known.values()})
        decided = await store.rulings({record.id for shown in found.values() for record in shown.records})
        return {id: found[one.entity] for id, one in known.items() if one.entity in found}, decided

    async def admit(self, asker: Asker, operation: str) -> None:
        """Stewards only; that somebody else asked is kept. Raises ``Refused``."""
        if asker.viewer.role == STEWARD and asker.allowed:
            return
        async with self._worker.work() as work:
            work.audit([asker.entry(Action.CONSULTATION, None, Outcome.REFUSED, operation)])
        raise Refused(NOT_A_STEWARD)


def entries(asker: Asker, cases: Sequence[Case]) -> list[Access]:
    """One entry for each entity that is shown, or one that there was nothing to show."""
    shown = {side.entity: side for case in cases for side in (case.left, case.right)}
    found = entries_of(asker, shown, shown, Action.CONSULTATION, "review")
    return found or [asker.entry(Action.CONSULTATION, None, Outcome.EMPTY, "review")]


def decision(asker: Asker, pair: Pair, entity_of: Mapping[UUID, UUID], verdict: Verdict | None) -> list[Access]:
    """One entry for each of the one or two entities that the pair was in."""
    reference = f"{verdict or 'undo'}:{pair[0]}:{pair[1]}"
    entities = dict.fromkeys(entity_of[record] for record in pair if record in entity_of)
    return [asker.entry(Action.DECISION, entity, Outcome.ALLOWED, reference) for entity in entities]
