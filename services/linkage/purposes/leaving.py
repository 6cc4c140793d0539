"""Records leave when their agreement has ended, and are forgotten when its retention is over.

Invariants
    1. A record is in the index only while the agreement of its newest identity is in force: at the latest a round of
       this loop after an agreement's last day, or after a start without its file, it is out, with its edges and its
       share of golden records, entities and scores.
    2. What left is withheld: sealed, shown to nobody, linked with nothing, until the retention that its agreement
       stated. A new publication under an agreement in force begins the record anew; nothing withheld comes back.
    3. The index rests on what the agreements say now: when they say otherwise of purposes or of probability than when
       its rows were written, the leading replica makes it so before anything else.
    4. Each batch is one transaction under the index's lock, with what is said of it and its audit entries. Doing it
       again does nothing.

Failures
    killed, transaction fails    the batch is not there, or whole; the next round goes on with what is left
    PostgreSQL away              the loop waits and asks again
    a file is missing by mistake its records leave, and are withheld for ``REMOVED_DAYS``: publish them anew
    the folder is missing        nothing leaves
    not the leading replica      it does nothing: the index in memory that changes is the one that hears
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson

from services.linkage import metrics
from services.linkage.index.index import Decide
from services.linkage.live import Linked, LiveIndex, changing, keep
from services.linkage.purposes.terms import IDENTITY, Terms, strict_of
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts import Access, Action, EntityChanged, Kind
from shared.contracts.envelope import first
from shared.crypto import seal
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Work, Worker

LOOK_SECONDS = 60.0
AT_ONCE = 500
JOURNAL_KEPT = timedelta(days=1)
"""For how long it is known what each batch touched: whoever links everything anew beside follows from when it began."""
EVERYTHING = 1 << 30


class Leaving:
    """The loop. ``leads``: whether this replica's index is the one that changes; ``clock``: now, aware."""

    def __init__(
        self, worker: Worker[LinkageStore], live: LiveIndex, terms: Terms, sealing_key: bytes, *,
        leads: Callable[[], bool] = lambda: True, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._worker, self._live, self._terms, self._sealing_key = worker, live, terms, sealing_key
        self._leads, self._clock = leads, clock
        self._settled = False

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
        if not self._settled:
            await self._rest_on_terms()
            self._settled = True
        left = 0
        while taken := await self._batch():
            left += taken
        async with self._worker.work() as work:
            metrics.EXPIRED.inc(await work.store.expire(self._clock().date()))
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
                await work.store.withhold([self._withheld(one, now.date()) for one in records])
                work.say([first(SOURCE, str(change.entity), change, now) for change in linked.changes])
                work.audit(_entries(linked.changes, records, now))
        metrics.LEFT.inc(len(records))
        return len(records)

    async def _rest_on_terms(self) -> None:
        """Link anew the records of agreements that now allow or forbid probability, and look again at all parts."""
        said = self._terms.written()
        async with changing(self._worker, self._live) as (work, version):
            written = await work.store.terms()
            if written != said:
                flipped = sorted(strict_of(written) ^ strict_of(said))
                records = await work.store.members(await work.store.under(flipped, EVERYTHING))
                for start in range(0, len(records), AT_ONCE):
                    await self._keep(self._live.apply(records[start : start + AT_ONCE], version), work, version)
                    version += 1
                # In a thread: the consumer must go on telling its group that it lives.
                await self._keep(await asyncio.to_thread(self._live.look_again, version), work, version)
                await work.store.keep_terms(said)
                log().info("leaving.terms_changed", records=len(records))

    async def _keep(self, linked: Linked, work: Work[LinkageStore], version: int) -> None:
        await keep(linked, work.store, version)
        work.say([first(SOURCE, str(one.entity), one, self._clock()) for one in linked.changes])

    def _withheld(self, record: Kept, on: date) -> tuple[UUID, str, date, bytes]:
        plain = orjson.dumps([record.kind, record.partner, record.agreement, record.identity, record.times])
        until = self._terms.withheld_until(record.agreement, on)
        return record.id, record.agreement, until, seal(self._sealing_key, plain, record.id.bytes)


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
        Access(
            at=at, actor="service:linkage", role="service", service="linkage", action=Action.ALTERATION,
            subject=change.entity, purpose=IDENTITY, reference="agreement_ended",
            agreement=",".join(sorted({agreement_of[record] for record in change.gone})),
        )
        for change in changes
        if change.gone
    ]  # fmt: skip
