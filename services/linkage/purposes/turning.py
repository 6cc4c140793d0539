"""The index is turned to what the agreements say of probability and of purposes, when they say otherwise than before.

First the records, in the order of their ids: those that probability may join now and might not, or the other way round,
are linked anew. Then the entities: what falls apart for a purpose is looked for anew.

Invariants
    1. A step is one transaction under the index's lock, of a bounded number of records or entities, with what is said
       of it. Between two steps the stream goes on; it links what it hears by the new word already.
    2. How far the records are is written in the same transaction (``Strict``), so an index that is read anew in the
       middle weighs each record's edges as they were made.
    3. What was written before is replaced when the last step is done: until then nothing holds that it is done.

Failures
    killed, a transaction fails    who leads next goes on behind the last record that was done, and looks at all
                                   entities again: doing that twice changes nothing
    the files change meanwhile     their word is brought to the records from the first one on; each record is known by
                                   the word it rests on, so none is taken for turned that is not
    another replica takes over     this one stops: it would have to read everything anew for each step
    PostgreSQL away                ``Unavailable``: the next round goes on
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.linkage import metrics
from services.linkage.live import Linked, LiveIndex, changing, keep
from services.linkage.purposes.terms import Strict, Terms
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts.envelope import first
from shared.telemetry import log
from shared.work import Work, Worker

LOOKED_THROUGH: Final = 5_000
"""Records of which one step asks whether they turn."""
TURNED: Final = 100
"""Records that one step links anew at most: the stream waits a quarter of a second."""
LOOKED_AT: Final = 5_000
"""Entities whose parts one step looks for."""
FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


class Turning:
    """For the replica that ``leads``: its index is the one that changes."""

    def __init__(
        self, worker: Worker[LinkageStore], live: LiveIndex, terms: Terms, leads: Callable[[], bool] = lambda: True
    ) -> None:
        self._worker, self._live, self._terms, self._leads = worker, live, terms, leads

    async def run(self) -> bool:
        """Until the index rests on the terms, at once when it does; false when another replica leads before that, or
        there are no terms at all: then the folder is missing."""
        if not self._terms.by_agreement:
            return False
        said = self._terms.written()
        async with self._worker.work() as work:
            written = await work.store.terms()
        if written == said:
            metrics.TURNED_RATIO.set(1)
            return True
        strict = Strict.of(written)
        log().info("terms.turning", reached=_share(strict.reached(self._terms.strict) or FIRST))
        bound = FIRST if strict != Strict(self._terms.strict) else LAST
        while bound < LAST and self._leads():
            bound = await self._turn()
            metrics.TURNED_RATIO.set(_share(bound))
        looked = FIRST
        while bound == LAST and looked < LAST and self._leads():
            looked = await self._look(looked)
        if looked < LAST:
            return False
        async with self._worker.work() as work:
            await work.store.keep_terms(said)
        metrics.TURNED_RATIO.set(1)
        log().info("terms.turned")
        return True

    async def _turn(self) -> UUID:
        """Link anew the next records that the agreements say otherwise of; the id up to which all are done."""
        async with changing(self._worker, self._live) as (work, version):
            written = await work.store.terms()
            strict = Strict.of(written)
            behind = await work.store.behind(strict.reached(self._terms.strict) or FIRST, LOOKED_THROUGH)
            turning = [id for id, name in behind if strict(id, name) != self._terms.is_strict(name)][:TURNED]
            bound = turning[-1] if len(turning) == TURNED else behind[-1][0] if behind else LAST
            if turning:
                records = await work.store.members(turning)
                await self._keep(self._live.apply(records, version), work, version)
            turned = strict.up_to(bound, self._terms.strict).written()
            await work.store.keep_terms({**written, "turned": turned})
        metrics.TURNED.inc(len(turning))
        return bound

    async def _look(self, bound: UUID) -> UUID:
        """Look for the parts of the next entities; the id up to which all are done."""
        async with changing(self._worker, self._live) as (work, version):
            behind = await work.store.entities_behind(bound, LOOKED_AT)
            for kind in {kind for _, kind in behind}:
                some = [entity for entity, of in behind if of is kind]
                # In a thread: the consumer must go on telling its group that it lives.
                await self._keep(await asyncio.to_thread(self._live.look_again, kind, some, version), work, version)
        return behind[-1][0] if len(behind) == LOOKED_AT else LAST

    async def _keep(self, linked: Linked, work: Work[LinkageStore], version: int) -> None:
        await keep(linked, work.store, version)
        work.say([first(SOURCE, str(one.entity), one, datetime.now(UTC)) for one in linked.changes])


def _share(bound: UUID) -> float:
    """How many of the records are done: their ids are digests, and so spread evenly."""
    return round(bound.int / LAST.int, 3)
