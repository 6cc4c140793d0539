"""Records leave when their agreement has ended, and are forgotten when its retention is over.

Invariants
    1. A record is in the index only while the agreement of its newest identity is in force: at the latest a round of
       this loop after an agreement's last day, or after a start without its file, it is out, with its edges and its
       share of golden records, entities and scores.
    2. What left is withheld: sealed, shown to nobody, linked with nothing, until the retention that its agreement
       stated. A new publication under an agreement in force begins the record anew; nothing withheld comes back.
    3. The index rests on what the agreements say now: when they say otherwise of purposes or of probability than when
       its rows were written, the leading replica makes it so (turning.py), once those have left that must.
    4. Each batch is one transaction, with what is said of it and its audit entries; where the index changes, under its
       lock. Doing it again does nothing.
    5. That a record was forgotten is written down, of the entity that it had left.

Failures
    killed, transaction fails    the batch is not there, or whole; the next round goes on with what is left
    PostgreSQL away              the loop waits and asks again
    a file is missing by mistake its records leave, and are withheld for ``REMOVED_DAYS``: publish them anew
    the folder is missing        nothing leaves, and nothing is linked otherwise than it was
    not the leading replica      it does nothing: the index in memory that changes is the one that hears
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson

from services.linkage import metrics
from services.linkage.index.changes import Decide
from services.linkage.live import Linked, LiveIndex, changing, keep
from services.linkage.purposes.terms import IDENTITY, Terms
from services.linkage.purposes.turning import Turning
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts import Access, Action, EntityChanged, Kind
from shared.contracts.envelope import first
from shared.crypto import seal
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Worker

LOOK_SECONDS = 60.0
AT_ONCE = 500
JOURNAL_KEPT = timedelta(days=1)
"""For how long it is known what each batch touched: whoever links everything anew beside follows from when it began."""


class Leaving:
    """The loop. ``leads``: whether this replica's index is the one that changes; ``clock``: now, aware."""

    def __init__(
        self, worker: Worker[LinkageStore], live: LiveIndex, terms: Terms, sealing_key: bytes, *,
        leads: Callable[[], bool] = lambda: True, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._worker, self._live, self._terms, self._sealing_key = worker, live, terms, sealing_key
        self._leads, self._clock = leads, clock
        self._turning, self._settled = Turning(worker, live, terms, leads), False

    async def run(self) -> None:
        """For as long as the service runs."""
        while True:
            if self._leads():
                try:
                    await self.round()
                except Unavailable as error:
                    log().warning("leaving.waits", because=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def round(self) -> int:
        """Everything there is to do now. Returns how many records left."""
        left = 0
        while self._leads() and (taken := await self._batch()):
            left += taken
        if not self._settled:  # who must leave has left: nothing of theirs is linked by another word before
            self._settled = await self._turning.run()
        while await self._expire() == AT_ONCE:
            pass
        async with self._worker.work() as work:
            await work.store.forget_journal(self._clock() - JOURNAL_KEPT)
        self._live.measure()
        return left

    async def _batch(self) -> int:
        async with self._worker.work() as work:
            ended = self._terms.ended(await work.store.agreements(), self._clock().date())
        if not ended:
            return 0
        async with changing(self._worker, self._live) as (work, version):
            now = self._clock()
            records = await work.store.members(await work.store.under(ended, AT_ONCE))
            if records:
                linked = await take_out({one.id: one.kind for one in records}, (), self._live, work.store, version)
                entity_of = {record: change.entity for change in linked.changes for record in change.gone}
                await work.store.withhold([self._withheld(one, entity_of[one.id], now.date()) for one in records])
                work.say([first(SOURCE, str(change.entity), change, now) for change in linked.changes])
                work.audit(_entries(linked.changes, records, now))
        metrics.LEFT.inc(len(records))
        return len(records)

    async def _expire(self) -> int:
        """Forget some of what was withheld long enough. That it is no more must be provable: it is written down."""
        now = self._clock()
        async with self._worker.work() as work:
            expired = await work.store.expire(now.date(), AT_ONCE)
            work.audit(
                [
                    _entry(now, Action.ERASURE, entity, agreement, f"retention_over:{record}")
                    for record, agreement, entity in expired
                ]
            )
        metrics.EXPIRED.inc(len(expired))
        return len(expired)

    def _withheld(self, record: Kept, entity: UUID, on: date) -> tuple[UUID, str, date, bytes, UUID]:
        plain = orjson.dumps([record.kind, record.partner, record.agreement, record.identity, record.times])
        until = self._terms.withheld_until(record.agreement, on)
        return record.id, record.agreement, until, seal(self._sealing_key, plain, record.id.bytes), entity


async def take_out(
    leaving: Mapping[UUID, Kind], undecided: Sequence[Decide], live: LiveIndex, store: LinkageStore, version: int
) -> Linked:
    """Under the lock: records leave the index, in memory and in the tables; decisions about them are taken back."""
    linked = live.remove(leaving, undecided, version)
    await store.withdraw(leaving)
    await keep(linked, store, version)
    return linked


def _entries(changes: Sequence[EntityChanged], records: Sequence[Kept], at: datetime) -> list[Access]:
    """One entry for each entity that a record left."""
    agreement_of = {record.id: record.agreement for record in records}
    return [
        _entry(at, Action.ALTERATION, change.entity, ",".join(sorted({agreement_of[one] for one in change.gone})),
               "agreement_ended")
        for change in changes
        if change.gone
    ]  # fmt: skip


def _entry(at: datetime, action: Action, subject: UUID | None, agreement: str, reference: str) -> Access:
    return Access(
        at=at, actor="service:linkage", role="service", service="linkage", action=action, subject=subject,
        purpose=IDENTITY, agreement=agreement, reference=reference,
    )  # fmt: skip
