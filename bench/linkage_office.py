"""Linkage from consumed to committed, without a broker: messages as they come off the bus go through the bus's own
decoding, inbox, transaction and outbox, the real handler and the real store. What is committed counts as acknowledged.
"""

import gc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

from services.linkage import main
from services.linkage.live import LiveIndex
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse
from services.linkage.store import LinkageStore
from services.linkage.stream import Linker
from shared.bus import Bus
from shared.contracts import Event, Kind, Record, RecordsAccepted, Topic, record_id
from shared.contracts.envelope import attributes, first, to_headers
from shared.db import Database
from shared.outbox import Message, Outbox
from shared.work import Worker

MODELS = Path(main.__file__).parent / "models"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NO_BROKER = "127.0.0.1:9"
BATCH = 500
"""Messages of a batch under load: as many as the bus takes."""
Identity = Mapping[str, str]


@dataclass
class Heard:
    """A message as the broker's client gives it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    offset: int
    topic: str = Topic.RECORDS.spec.name
    partition: int = 0
    timestamp: int = int(NOON.timestamp() * 1000)


class Acknowledged(Outbox):
    """An outbox whose broker takes everything at once."""

    async def send(self, id: int, messages: list[Message]) -> None:
        self._acknowledged.append(id)


@dataclass
class Office:
    """One replica of linkage: ``await office.bus.do(messages)`` does a batch."""

    database: Database
    worker: Worker[LinkageStore]
    index: LiveIndex
    bus: Bus[LinkageStore]

    async def partition(self) -> set[frozenset[UUID]]:
        """Which records are of one entity, as the database has it."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch("SELECT array_agg(id) AS members FROM records GROUP BY entity")
        return {frozenset(row["members"]) for row in rows}


@asynccontextmanager
async def opened(dsn: str, person: Model | None = None) -> AsyncIterator[Office]:
    """A replica on a database, its index empty until it hears something; under the model that ships, or another."""
    database = Database(dsn)
    await database.open()
    index = LiveIndex(InUse(person or Model.load((MODELS / "person.json").read_text())))
    linker = Linker(index)
    worker = Worker("linkage", database, Acknowledged(database, NO_BROKER, "linkage"), LinkageStore, bytes(32))
    bus: Bus[LinkageStore] = Bus(worker, NO_BROKER, [linker.link], on_abort=linker.forget)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as shared.service does
    try:
        yield Office(database, worker, index, bus)
    finally:
        await database.close()


_serial = count(1)


def id_of(name: object) -> UUID:
    return record_id("bench", Kind.PERSON, str(name))


def message(name: object, identity: Identity, after: timedelta = timedelta(0)) -> Heard:
    """A partner's event about one record, published ``after`` noon; its id is the same in every process."""
    body = RecordsAccepted(
        partner="bench", agreement="bench", type="education.attendance.v1", occurred=NOON + after,
        purposes=["neet", "identity"], records=[Record(id=id_of(name), kind=Kind.PERSON, identity=dict(identity))],
        facts={"sessions_possible": 10, "sessions_missed": 4},
    )  # fmt: skip
    return heard(first("/partners/bench", str(id_of(name)), body, NOON, id=f"{name}/{after}"))


def heard(event: Event[RecordsAccepted]) -> Heard:
    """An event as the broker's client gives it."""
    headers = to_headers(attributes(event))
    return Heard(event.key.encode(), event.body.model_dump_json().encode(), headers, next(_serial))
