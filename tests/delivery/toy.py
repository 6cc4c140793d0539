"""The smallest service: keeps the id of each event it hears, and says one event for it.

As a program (``python -m tests.delivery.toy DSN SERVERS``) it has a bug that every message meets.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from shared.bus import Bus, Effects, Handler, hears
from shared.contracts import Access, Action, Event, FactLinked, Kind, Record, RecordsAccepted, Topic
from shared.contracts.envelope import first
from shared.db import Connection, Database
from shared.outbox import Outbox
from shared.telemetry import start_logging
from shared.work import Worker

KEY = b"\x07" * 32


class ToyStore:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def keep(self, ids: Sequence[str]) -> None:
        await self.connection.execute("INSERT INTO done SELECT unnest($1::text[])", ids)


@hears(Topic.RECORDS)
async def keep(events: Sequence[Event[RecordsAccepted]], store: ToyStore, now: datetime) -> Effects:
    if any(event.body.type == "bug" for event in events):
        raise ZeroDivisionError("our code cannot handle this one")
    await store.keep([event.id for event in events])
    return Effects(
        says=[event.causes("/services/toy", event.key, fact(), now, id=event.id) for event in events],
        audits=[access(event) for event in events],
    )


@hears(Topic.RECORDS)
async def fail(events: Sequence[Event[RecordsAccepted]], store: ToyStore, now: datetime) -> Effects:
    raise ZeroDivisionError("our code cannot handle any")


def fact() -> FactLinked:
    now = datetime.now(UTC)
    return FactLinked(partner="p", agreement="a", type="t", occurred=now, purposes=[], subjects=[], facts={})


def access(event: Event[RecordsAccepted]) -> Access:
    return Access(
        at=event.time, actor="service:toy", role="service", service="toy", action=Action.COLLECTION,
        subject=event.body.records[0].id, purpose="identity", agreement="a",
    )  # fmt: skip


def accepted(type: str = "t") -> Event[RecordsAccepted]:
    """A partner's event as ingest would say it."""
    now = datetime.now(UTC)
    record = Record(id=uuid4(), kind=Kind.PERSON, identity={"name": "Fred Smith"})
    body = RecordsAccepted(
        partner="p", agreement="a", type=type, occurred=now, purposes=["x"], records=[record], facts={"n": 1}
    )
    return first("/services/ingest", str(record.id), body, now)


class Toy:
    """A process's worth of it: database, outbox, bus."""

    def __init__(
        self, dsn: str, servers: str, *, name: str = "toy", handler: Handler[ToyStore] = keep, hearing: bool = True
    ) -> None:
        self.database = Database(dsn)
        self.outbox = Outbox(self.database, servers, name)
        self.worker = Worker(name, self.database, self.outbox, ToyStore, KEY)
        self.bus = Bus(self.worker, servers, [handler], batch=100) if hearing else None

    async def __aenter__(self) -> "Toy":
        await self.database.open()
        await self.outbox.start()
        if self.bus:
            await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.bus:
            await self.bus.stop()
        await self.outbox.stop()
        await self.database.close()

    async def say(self, events: Sequence[Event[RecordsAccepted]]) -> None:
        async with self.worker.work() as work:
            work.say(events)


async def broken(dsn: str, servers: str) -> None:
    start_logging("broken", "CRITICAL")
    async with Toy(dsn, servers, name="broken", handler=fail):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(broken(*sys.argv[1:]))
