"""Linking everything anew under another model, in a process of its own, while the stream goes on.

A *shadow* is built to be looked at: a report says what the model would change. A *switch* builds the same again, keeps
what it says of each record beside the rest (``relinked``), follows the stream until nothing is left, and hands over:
the replica that hears takes it into memory and switches (``switching``). The last step holds the index's lock for as
long as the last few records take, and exports that moment as a snapshot, so that what is taken over is exact.

Invariant: what is kept beside is only of records that are here. It is written under the lock under which records leave,
or looked through after it: a record that is erased is not brought back, nor is anything of it left.

Failures
    killed before it hands over    the active model goes on, nothing else happened: start it again
    killed after it handed over    the replica that hears has the snapshot, or finds that it is gone and gives up
    the replica is killed          the next one takes over from the same snapshot, as long as this process holds it
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.linkage.engines.duck import DuckDB
from services.linkage.following import STEP
from services.linkage.index.engine import Engine
from services.linkage.index.index import Index
from services.linkage.matching.model import Model
from services.linkage.models.beside import Beside, build, rows_of
from services.linkage.models.differences import REPORT, Differences, differences
from services.linkage.models.registry import KEPT, Registered, Registry
from services.linkage.store import LinkageStore
from shared.batched import batched
from shared.contracts import Kind
from shared.db import Database, of_one_moment

LOOK_SECONDS = 0.5


class ModelError(ValueError):
    """A model cannot become what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Hears what is going on: a sentence now and then, records read, how far of how many a stage is, nodes compared."""

    say: Callable[[str], None] = lambda _: None
    read: Callable[[int], None] = lambda _: None
    stage: Callable[[str, int, int], None] = lambda name, done, of: None
    bulk: Engine = field(default_factory=DuckDB)


class Relinking:
    """``by`` is who asked: it is kept with the model."""

    def __init__(self, database: Database, by: str, progress: Progress) -> None:
        self._database, self._by, self._progress = database, by, progress

    async def shadow(self, model: Model) -> tuple[int, Beside, Differences]:
        """Register a model as the shadow, build its index, and report what it would change."""
        async with self._database.transaction() as connection:
            registry = Registry(connection)
            active = await registry.active()
            if active is not None and active.version == model.version:
                raise ModelError(f"{active.version} is the active model already: nothing would change.")
            await self._make_room(registry, model.version)
            number = await registry.keep(model, "shadow", self._by)
        built = await self._built(model)
        return number, built, await self.report(number, built)

    async def report(self, number: int, beside: Beside) -> Differences:
        """Follow the stream, and report what the shadow would change as of now."""
        async with self._database.transaction() as connection:
            store = LinkageStore(connection)
            await of_one_moment(connection)
            await beside.follow(store)
            now = await store.memberships(Kind.PERSON)
        found = await asyncio.to_thread(differences, beside.version, now, beside.index.entities_of(now))
        async with self._database.transaction() as connection:
            await Registry(connection).report(number, REPORT.dump_python(found, mode="json"))
        return found

    async def switch(self, version: str, *, unseen: bool = False) -> None:
        """Link everything anew under a registered model and hand it over; returns when it is active.

        It must be the shadow, unless ``unseen``: a model that was active before needs no report. Raises ``ModelError``.
        """
        model = await self._registered(version, unseen)
        built = await self._built(model.load())
        rows = rows_of(built.index, built.index.records())
        self._progress.say(f"Keeping what {version} says of {len(rows)} records")
        async with self._database.transaction() as connection:
            await Registry(connection).copy_relinked(model.number, rows, built.version)
        rows.clear()
        await self._drop_gone()
        while await self._follow(model.number, built) >= STEP:
            pass
        async with self._handed_over(model.number, built):
            self._progress.say("Handed over: the replica that hears the stream takes it into memory and switches")
            await self._until_switched(version)

    async def rollback(self) -> str:
        """Switch to the model that was active before; its version."""
        async with self._database.transaction() as connection:
            models = await Registry(connection).all()
        before = next((one for one in models if one.state == "retired" and one.activated), None)
        if before is None:
            raise ModelError("There is no model to go back to: none was active before this one.")
        await self.switch(before.version, unseen=True)
        return before.version

    async def _registered(self, version: str, unseen: bool) -> Registered:
        async with self._database.transaction() as connection:
            registry = Registry(connection)
            found = next((one for one in await registry.all() if one.version == version), None)
            active = await registry.active()
            if found is None or active is None:
                raise ModelError(f"There is no model {version}: make it the shadow first, and read its report.")
            if found.state == "active":
                raise ModelError(f"{version} is the active model already.")
            if found.state == "retired" and not unseen:
                raise ModelError(f"{version} is not the shadow: make it so first, and read its report.")
            if not await registry.is_settled(active.number):
                raise ModelError("The last switch is still putting its rows in place: try again in a minute.")
            await self._make_room(registry, version)
            await registry.forget_relinked()
            return found

    async def _make_room(self, registry: Registry, version: str) -> None:
        """One model at most stands beside the active one."""
        beside = await registry.beside()
        if beside is not None and beside.state == "wanted":
            raise ModelError(f"The switch to {beside.version} is under way: wait until it is done.")
        if beside is not None and beside.version != version:
            await registry.set(beside.number, "retired", self._by)

    async def _built(self, model: Model) -> Beside:
        self._progress.say("Reading the records")
        async with self._database.transaction() as connection:
            store = LinkageStore(connection)
            await of_one_moment(connection)
            return await build(store, Index(model, self._progress.bulk), self._progress.read)

    async def _follow(self, number: int, beside: Beside) -> int:
        """One step outside the lock; how much there was to do."""
        async with self._database.transaction() as connection:
            store = LinkageStore(connection)
            await of_one_moment(connection)
            step = await beside.follow(store)
        for rows in batched(step.rows, KEPT):
            async with self._database.transaction() as connection:
                await LinkageStore(connection).lock_index()
                await Registry(connection).keep_relinked(number, rows, beside.version)
        return len(step.touched)

    async def _drop_gone(self) -> None:
        """Whoever took a record out while all were copied could not see the copy."""
        async with self._database.transaction() as connection:
            await LinkageStore(connection).lock_index()  # they are done by now; who comes later sees it
        async with self._database.transaction() as connection:
            await Registry(connection).drop_gone()

    @asynccontextmanager
    async def _handed_over(self, number: int, beside: Beside) -> AsyncIterator[None]:
        """Everything is linked anew as of one moment, whose snapshot is open inside."""
        async with self._database.transaction() as moment:
            async with self._database.transaction() as locked:
                store = LinkageStore(locked)
                await store.lock_index()
                step = await beside.follow(store)
                await self._apart(lambda registry: registry.keep_relinked(number, step.rows, beside.version))
                await of_one_moment(moment)
                snapshot = await Registry(moment).export_snapshot()
                await self._apart(lambda registry: registry.set(number, "wanted", self._by, snapshot))
            yield

    async def _apart(self, action: Callable[[Registry], Awaitable[None]]) -> None:
        """Committed by itself, while the lock is held elsewhere."""
        async with self._database.transaction() as connection:
            await action(Registry(connection))

    async def _until_switched(self, version: str) -> None:
        while True:
            async with self._database.transaction() as connection:
                await of_one_moment(connection)
                registry = Registry(connection)
                active, beside = await registry.active(), await registry.beside()
            if active is not None and active.version == version:
                return
            if beside is None or beside.state != "wanted":
                because = beside.given_up if beside is not None else "another model stands beside the active one"
                raise ModelError(f"{version} was handed over and not taken: {because}. The active model goes on.")
            await asyncio.sleep(LOOK_SECONDS)
