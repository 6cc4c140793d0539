"""The switch to another model, in the replica that hears: everything was linked anew beside (``relinking``); here it is
taken into memory, brought up to the last batch, and made what holds, in one transaction under the index's lock.

Invariants
    1. Model, entities, version and what is said of them change in one transaction: before it all is as under the old
       model, after it as under the new one, whoever is killed when.
    2. Ids survive as they do when records arrive: the oldest on a merge, the majority's on a split.
    3. What stewards decided holds before and after.

Failures
    killed before the commit    the model is still wanted: the next replica that hears begins again
    killed after it             a rebuild reads the new rows where they still are, and settling goes on
    it cannot be done           whoever relinked has left, and the snapshot with them, or anything unforeseen: the model
                                is the shadow again, with the reason, and is not tried anew until it is asked for; if
                                it is active after all, the error came after the commit, and it stays so
    settling fails              the rows wait where they are; it is tried again in a while
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from traceback import extract_tb
from uuid import UUID

import asyncpg

from services.linkage import metrics
from services.linkage.engines.duck import DuckDB
from services.linkage.following import STEP
from services.linkage.index.index import Index
from services.linkage.live import Linked, LiveIndex, changing, keep
from services.linkage.models.beside import Beside, restore
from services.linkage.models.registry import KEPT, InUse, Registered, Registry
from services.linkage.store import NOTHING, LinkageStore
from services.linkage.stream import SOURCE
from shared.batched import batched
from shared.contracts import Access, Action, EntityChanged, Kind
from shared.contracts.envelope import first
from shared.db import of_one_moment
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Work, Worker

LOOK_SECONDS = 1.0
FAILED_SECONDS = 60.0
"""Until it is tried again to do what went wrong for a reason that nobody foresaw."""
SETTLED = 1_000
"""Rows that move to their place at once: the stream waits some hundredths of a second."""
TOLD = 5_000
"""Entities in one statement."""
GONE = (
    asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError, asyncpg.ObjectNotInPrerequisiteStateError,
)  # fmt: skip
"""What PostgreSQL says of a snapshot whose transaction has ended."""
LEFT = "whoever linked everything anew has left: give the command again"
ACTOR = "service:linkage"


class Switching:
    """``hears``: whether this replica hears the stream. Only it switches: the others read the result."""

    def __init__(
        self, worker: Worker[LinkageStore], live: LiveIndex, in_use: InUse, hears: Callable[[], bool] = lambda: True
    ) -> None:
        self._worker, self._live, self._in_use, self._hears = worker, live, in_use, hears

    async def run(self) -> None:
        """Look for a wanted model as long as the service runs. Whatever goes wrong, the active model goes on."""
        pause = LOOK_SECONDS
        while True:
            try:
                await self.look()
                pause = LOOK_SECONDS
            except Unavailable as error:
                log().warning("switch.waits", because=str(error))
                pause = min(2 * pause, FAILED_SECONDS)  # a switch reads the whole index: not again every second
            except Exception as error:  # whatever it is: the stream must not end with it
                log().error("switch.failed", because=reason_of(error))
                pause = FAILED_SECONDS
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Put rows in their place, and take over the model that is wanted, if there is one."""
        async with self._worker.work() as work:
            await self._in_use.current(work.store)
            wanted = await Registry(work.connection).beside()
        if not self._hears():
            return
        while await self.settle():
            pass
        if wanted is not None and wanted.state == "wanted":
            await self._try(wanted)

    async def _try(self, wanted: Registered) -> None:
        """Switch, or say why not."""
        try:
            await self.switch(wanted)
        except Unavailable:
            raise
        except Exception as error:  # whatever it is: it would be the same the next second
            reason = LEFT if isinstance(error, GONE) else reason_of(error)
            log().error("switch.given_up", model=wanted.version, because=reason)
            async with self._worker.work() as work:
                given_up = await Registry(work.connection).give_up(wanted, ACTOR, reason)
                await self._in_use.current(work.store)
            if given_up:
                metrics.GIVEN_UP.inc()

    async def settle(self) -> int:
        """After a switch: move some of the new model's rows to their place. How many there were."""
        async with self._worker.work() as work:
            registry = Registry(work.connection)
            active = await registry.active()
            if active is None or await registry.is_settled(active.number):
                return 0  # without the lock: it is asked every second, and the stream need not wait for it
            await work.store.lock_index()
            return await registry.settle(active.number, SETTLED)

    async def switch(self, wanted: Registered) -> None:
        """Make the wanted model the active one. Raises what is in ``GONE`` when whoever relinked has left."""
        async with self._worker.work() as work:
            await Registry(work.connection).import_snapshot(wanted.snapshot or "")
            beside = await restore(work.store, Index(wanted.load(), DuckDB()))
        while await self._follow(wanted, beside) >= STEP:
            pass
        await self._commit(wanted, beside)

    async def _follow(self, wanted: Registered, beside: Beside) -> int:
        """One step outside the lock; how much there was to do."""
        async with self._worker.work() as work:
            await of_one_moment(work.connection)
            step = await beside.follow(work.store)
        for rows in batched(step.rows, KEPT):
            async with self._worker.work() as work:
                await work.store.lock_index()
                await Registry(work.connection).keep_relinked(wanted.number, rows, beside.version)
        return len(step.touched)

    async def _commit(self, wanted: Registered, beside: Beside) -> None:
        """Under the lock: the last batches, then everything at once."""
        async with changing(self._worker, self._live) as (work, version):
            began = perf_counter()
            registry = Registry(work.connection)
            step = await beside.follow(work.store)
            await registry.keep_relinked(wanted.number, step.rows, beside.version)
            newest = await work.store.newest_entities()
            linked = await asyncio.to_thread(self._taken_over, beside.index, newest.get(Kind.PERSON), version)
            for part in batched(linked.changes, TOLD):
                await work.store.keep((), {}, {}, part, version)
            await keep(replace(linked, changes=[], touched=NOTHING), work.store, version)
            active = await registry.active()
            assert active is not None, "a wanted model stands beside an active one"
            await registry.set(active.number, "retired", wanted.by)
            await registry.set(wanted.number, "active", wanted.by)
            self._say(work, wanted, linked.changes)
            await self._in_use.current(work.store)
        metrics.SWITCH_SECONDS.set(perf_counter() - began)
        log().info("switch.done", model=wanted.version, entities=len(linked.changes), version=version)

    def _taken_over(self, people: Index, newest: UUID | None, version: int) -> Linked:
        """The new partition with the ids of the old one, in its place."""
        before = self._live.kinds[Kind.PERSON].entities()
        return self._live.replace(people, people.adopt(before, newest), version)

    def _say(self, work: Work[LinkageStore], wanted: Registered, changes: Sequence[EntityChanged]) -> None:
        now = datetime.now(UTC)
        work.say([first(SOURCE, str(change.entity), change, now) for change in changes])
        work.audit([
            Access(
                at=now, actor=ACTOR, role="service", service="linkage", action=Action.COMBINATION,
                subject=change.entity, purpose="identity", agreement="", reference=f"model:{wanted.version}",
            )
            for change in changes
        ])  # fmt: skip


def reason_of(error: Exception) -> str:
    """What kind of error, and where it arose. Not its message, which may hold what is somebody's."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "services" in Path(frame.filename).parts] or frames
    return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
