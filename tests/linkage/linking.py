"""Linkage's handler, models and switch on a real database: what happens to people whose records stream in."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from region import generate
from services.ingest.domain import Rules, Sender, judge
from services.linkage.engines.duck import DuckDB
from services.linkage.index.changes import Decide, Upsert
from services.linkage.index.engine import Engine
from services.linkage.index.index import Index
from services.linkage.index.rows import EDGE
from services.linkage.live import LiveIndex, keep, next_version
from services.linkage.loading import Loaded, Loading
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse, Registry
from services.linkage.models.relinking import Progress, Relinking
from services.linkage.models.switching import Switching
from services.linkage.purposes.terms import Terms
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from services.linkage.stream import Linker, by_record
from shared.access import Agreements
from shared.contracts import EntityChanged, Event, Kind, RecordsAccepted
from shared.contracts.envelope import first
from shared.db import Database
from shared.errors import Unavailable
from shared.outbox import Outbox
from shared.work import Worker
from tests.linkage.people import model

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
STRICT: Model = replace(model(), name="strict", thresholds=replace(model().thresholds, link=6000))
"""Parts what the shipped model joins."""
Told = Event[RecordsAccepted]


@cache
def region_events(people: int = 300, seed: int = 11) -> Sequence[Told]:
    """What ingest accepts of a small region's events, in the order of sending."""
    region = generate(seed, people=people)
    rules = Rules(Agreements.load(Path(__file__).parents[2] / "agreements"))
    found = []
    for number, event in enumerate(region.events):
        sent: Any = event.cloudevent()
        sender = Sender(event.partner, frozenset([sent.get("source", "")]), 1)
        body = judge(sent, sender, rules, datetime(2026, 6, 1, tzinfo=UTC)).body
        if body is not None:
            found.append(first("/partners/x", str(number), body, NOON))
    return found


@dataclass
class Linkage:
    """A replica's handler and switch on a database, and what it said."""

    database: Database
    worker: Worker[LinkageStore]
    live: LiveIndex
    linker: Linker
    switching: Switching
    in_use: InUse
    outbox: Outbox
    terms: Terms
    facts: int = 0
    changes: list[EntityChanged] = field(default_factory=list)

    async def hear(self, events: Iterable[Told], size: int = 100) -> None:
        """A stream of events, in batches."""
        told = list(events)
        for start in range(0, len(told), size):
            async with self.worker.work() as work:
                effects = await self.linker.link(told[start : start + size], work.store, NOON)
                work.say(effects.says)
                work.audit(effects.audits)
            bodies = [event.body for event in effects.says]
            self.changes += [body for body in bodies if isinstance(body, EntityChanged)]
            self.facts += sum(not isinstance(body, EntityChanged) for body in bodies)

    async def people(self) -> list[Kept]:
        """Every person's record as it is kept."""
        async with self.worker.work() as work:
            return list(await work.store.members(await work.store.memberships(Kind.PERSON)))

    async def entity_of(self) -> dict[UUID, UUID]:
        """The entity of each person's record."""
        async with self.worker.work() as work:
            return await work.store.memberships(Kind.PERSON)

    async def groups(self) -> set[frozenset[UUID]]:
        """The partition, as the database has it."""
        return grouped(await self.entity_of())

    async def parts(self) -> set[tuple[str, frozenset[UUID]]]:
        """What each purpose sees apart."""
        async with self.worker.work() as work:
            return {(one.purpose, frozenset(one.members)) for one in await work.store.parts()}

    async def active(self) -> str:
        """The active model's name."""
        async with self.worker.work() as work:
            active = await Registry(work.connection).active()
        assert active is not None
        return active.load().name

    async def decide(self, left: UUID, right: UUID, verdict: Any) -> None:
        """As a steward does."""
        async with self.worker.work() as work:
            version = next_version(await self.live.catch_up(work.store))
            linked = self.live.decide([Decide(left, right, verdict)], version)
            await work.store.rule([(min(left, right), max(left, right))], verdict, "steward", "I asked.", NOON)
            await keep(linked, work.store, version)

    def restart(self) -> None:
        """As the next process: it knows only what is committed."""
        self.live = LiveIndex(self.in_use, self.terms)
        self.linker, self.switching = Linker(self.live), Switching(self.worker, self.live, self.in_use)

    async def fresh(self, model: Model) -> set[frozenset[UUID]]:
        """The partition that a new index of everything has under a model."""
        index = Index(model)
        index.apply([Upsert(one.id, one.compared) for one in await self.people()])
        async with self.worker.work() as work:
            index.apply([Decide(*one) for one in await work.store.decided()])
        return {frozenset(members) for members in index.entities().values()}

    async def edges(self) -> dict[UUID, set[tuple[int, ...]]]:
        """Every person's edges in an index that is read anew from what is kept."""
        self.live.spoil()
        async with self.worker.work() as work:
            await self.live.catch_up(work.store)
        index = self.live.kinds[Kind.PERSON]
        assert isinstance(index, Index)
        return {
            record: set(np.frombuffer(row, EDGE).tolist()) for record, row in index.rows(index.records()).items()
        }  # fmt: skip

    async def load_by(self, engine: Engine, events: Iterable[Told]) -> Loaded:
        """What events say of records, all at once, by this engine."""
        loading = Loading(self.database, self.outbox, self.in_use, self.terms, Progress(bulk=engine))
        return await loading.load(by_record(list(events)), NOON)

    async def load(self, events: Iterable[Told], meanwhile: Sequence[Told] = ()) -> Loaded:
        """What events say of records, all at once; while they are compared, the stream brings others."""
        loop, brought = asyncio.get_running_loop(), list(meanwhile)

        def stream(*_: int) -> None:
            asyncio.run_coroutine_threadsafe(self.hear(brought, size=50), loop).result()
            brought.clear()

        return await self.load_by(DuckDB(progress=stream), events)

    def relinking(self) -> Relinking:
        return Relinking(self.database, "an operator", Progress())


def grouped(entity_of: dict[UUID, UUID]) -> set[frozenset[UUID]]:
    """A partition without its names."""
    groups: dict[UUID, set[UUID]] = {}
    for record, entity in entity_of.items():
        groups.setdefault(entity, set()).add(record)
    return {frozenset(group) for group in groups.values()}


@asynccontextmanager
async def linkage(dsn: str, kafka: str, terms: Terms = Terms(), seed: Model | None = None) -> AsyncIterator[Linkage]:
    """A replica, without the bus: batches come by ``hear``."""
    database = Database(dsn)
    await database.open()
    outbox = Outbox(database, kafka, "linkage")
    worker = Worker("linkage", database, outbox, LinkageStore, bytes(32))
    in_use = InUse(seed or model())
    live = LiveIndex(in_use, terms)
    await outbox.start()
    try:
        yield Linkage(database, worker, live, Linker(live), Switching(worker, live, in_use), in_use, outbox, terms)
    finally:
        await outbox.stop()
        await database.close()


async def switch_and_die(dsn: str, kafka: str, step: str) -> None:
    """Take the wanted model over, and be killed when ``step`` (a method of the store or the registry) is called."""

    async def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    owner = LinkageStore if hasattr(LinkageStore, step) else Registry
    setattr(owner, step, die)
    async with linkage(dsn, kafka) as replica:
        async with replica.worker.work() as work:
            wanted = await Registry(work.connection).beside()
        assert wanted is not None
        while True:  # as the service does: what may pass is tried again
            with suppress(Unavailable):
                await replica.switching.switch(wanted)
                while await replica.switching.settle():
                    pass
                return


if __name__ == "__main__":
    asyncio.run(switch_and_die(*sys.argv[1:]))
