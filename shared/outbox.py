"""The outbox: what a transaction decides to say is kept in it, and said once it is committed.

Invariants
    1. A message is on the bus only if its transaction committed, and then for certain (maybe twice: inboxes drop the
       second).
    2. Messages of one process and one key reach the bus in the order of their transactions.
    3. A row goes when the broker (``acks=all``) has acknowledged every message in it.

Failures
    process killed after the commit   its session lock goes with it; any live replica adopts the rows
    broker away                       rows stay; sending is tried again with backoff; ``send`` holds its caller for up
                                      to ``SWEEP_SECONDS`` while too much is unsent
    producer broken (aiokafka #1017)  a new producer is made and everything unacknowledged is sent again
    database away                     ``put`` fails with its transaction; acknowledged rows are forgotten later
    commit's answer lost              the row is ours but nobody sends it: the sweep finds and sends it
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from uuid import UUID
from zlib import crc32

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from cramjam import zstd

from shared.admin import LARGEST_BYTES
from shared.contracts import Event, Topic
from shared.contracts.envelope import Attributes, Contract, attributes, to_headers, to_json
from shared.db import HERE, Connection, Database, queries
from shared.errors import Unavailable
from shared.kafka import client
from shared.tasks import end
from shared.telemetry import SAID, UNSENT, log

Q = queries(HERE / "queries.sql")

Message = tuple[str, str, Attributes, bytes]
"""Topic name, key, attributes, and the body as JSON."""

MOST_UNSENT = 200
MOST_ADOPTED = MOST_UNSENT * 3 // 4
"""The rest is for what is decided now: it must not wait behind the thousands of rows that a first load leaves."""
MOST_BYTES = LARGEST_BYTES - 16 * 1024
SWEEP_SECONDS = 5.0


def packed(events: Iterable[Event[Contract]]) -> list[Message]:
    """Raises ``ValueError`` for a message that the broker would refuse for ever: where it is decided, it can be put
    aside; in the outbox it would block everything behind it."""
    messages = [(Topic.of(type(e.body)).spec.name, e.key, attributes(e), to_json(e.body)) for e in events]
    for topic, _, _, body in messages:
        if len(body) > MOST_BYTES:
            raise ValueError(f"a message for {topic} is larger than the topic takes")
    return messages


def stored(messages: Sequence[Message]) -> bytes:
    """The messages of one transaction as the table keeps them: a person who may can read them with ``zstd -d``."""
    said = [(topic, key, about, orjson.Fragment(body)) for topic, key, about, body in messages]
    return bytes(zstd.compress(orjson.dumps(said), level=1))


def restored(row: bytes) -> list[Message]:
    said = orjson.loads(bytes(zstd.decompress(row)))
    return [(topic, key, tuple(about), orjson.dumps(body)) for topic, key, about, body in said]


class Outbox:
    """One process's outbox. ``put`` inside the transaction, ``send`` after it."""

    def __init__(self, database: Database, address: str, service: str) -> None:
        self._database, self._address, self._service = database, address, service
        self._owner = int.from_bytes(os.urandom(8), "big", signed=True)
        self._queue: asyncio.Queue[tuple[int, list[Message]]] = asyncio.Queue()
        self._acknowledged: list[int] = []
        self._queued: set[int] = set()
        self._moved = asyncio.Condition()
        self._producer: AIOKafkaProducer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(_or_leave(work)) for work in (self._live, self._deliver)]

    async def stop(self, grace: float = 10.0) -> None:
        """Send what waits, at most ``grace`` seconds; what is left, another process adopts."""
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(grace):
                await self._until_unsent_below(1)
                await self._forget()
        await end(self._tasks)
        if self._producer is not None:
            await self._producer.stop()

    async def put(self, connection: Connection, messages: list[Message], done: Sequence[UUID] = ()) -> int:
        """Keep the messages in the caller's transaction, and what of the inbox is ``done`` in it. The id is for
        ``send`` after the commit. ``Again`` is raised when some was done before."""
        acknowledged, self._acknowledged = self._acknowledged, []
        try:
            id: int = await connection.end(Q["say"], self._owner, stored(messages), acknowledged, done)
        except BaseException:
            self._acknowledged += acknowledged
            raise
        return id

    async def send(self, id: int, messages: list[Message]) -> None:
        """Hand over what was committed. Waits a little while too much is unsent; then the sweep will find it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._until_unsent_below(MOST_UNSENT)
                self._enqueue(id, messages)

    async def _until_unsent_below(self, limit: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: len(self._queued) < limit)

    def _enqueue(self, id: int, messages: list[Message]) -> None:
        self._queued.add(id)
        UNSENT.set(len(self._queued))
        self._queue.put_nowait((id, messages))

    async def _deliver(self) -> None:
        """Send forever, in order. A failure sends again all that is not acknowledged, with a new producer."""
        waiting: list[tuple[int, list[Message]]] = []
        pause = 0.1
        while True:
            try:
                if not waiting:
                    waiting.append(await self._queue.get())
                while not self._queue.empty():
                    waiting.append(self._queue.get_nowait())
                await self._publish([message for _, messages in waiting for message in messages])
            except (KafkaError, OSError, TimeoutError) as error:
                log().warning("outbox.broker_away", error=type(error).__name__, unsent=len(self._queued))
                await self._drop_producer()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            pause = 0.1
            await self._settle([id for id, _ in waiting])
            waiting = []

    async def _settle(self, ids: Sequence[int]) -> None:
        async with self._moved:
            self._acknowledged += ids
            self._queued.difference_update(ids)
            UNSENT.set(len(self._queued))
            self._moved.notify_all()

    async def _publish(self, messages: list[Message]) -> None:
        """All of them acknowledged, or an error. Batches are made by hand: a ``send`` a message costs tenfold."""
        producer = await self._ready()
        partitions = {topic: len(await producer.partitions_for(topic)) for topic in {topic for topic, *_ in messages}}
        by_target: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            topic, key, *_ = message
            by_target[topic, crc32(key.encode()) % partitions[topic]].append(message)
        acks = [ack for target, part in by_target.items() for ack in await self._batches(producer, target, part)]
        await asyncio.gather(*acks)
        for (topic, _), part in by_target.items():
            SAID.labels(topic).inc(len(part))

    async def _batches(
        self, producer: AIOKafkaProducer, target: tuple[str, int], messages: list[Message]
    ) -> list["asyncio.Future[object]"]:
        acks, batch = [], producer.create_batch()
        for message in messages:
            if not _append(batch, message):
                acks.append(await producer.send_batch(batch, target[0], partition=target[1]))
                batch = producer.create_batch()
                _append(batch, message)
        acks.append(await producer.send_batch(batch, target[0], partition=target[1]))
        return acks

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **client(self._address),
                client_id=f"jigsaw-{self._service}",
                acks="all",
                enable_idempotence=True,
                max_batch_size=512 * 1024,
                request_timeout_ms=15_000,
            )
            await producer.start()
            self._producer = producer
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _live(self) -> None:
        """Hold our name, adopt what the dead left, forget what was acknowledged while nothing new came."""
        while True:
            with suppress(Unavailable):
                async with self._database.session() as connection:
                    await connection.execute(Q["owns"], self._owner)
                    while True:
                        await self._adopt()
                        await self._forget()
                        await connection.execute("SELECT 1")
                        await asyncio.sleep(SWEEP_SECONDS)
            await asyncio.sleep(1)

    async def _adopt(self) -> None:
        """Send what nobody is sending: rows of dead processes, and rows of our own whose commit went through while its
        answer was lost (the batch was tried again and found everything done)."""
        async with self._database.transaction() as connection:
            await connection.execute(Q["adopt"], self._owner)
            on_their_way = [*self._queued, *self._acknowledged]
            room = max(0, MOST_ADOPTED - len(self._queued))
            rows = await connection.fetch(Q["unsent"], self._owner, on_their_way, room)
        for row in rows:
            self._enqueue(row["id"], restored(row["messages"]))

    async def _forget(self) -> None:
        done, self._acknowledged = self._acknowledged, []
        if done:
            async with self._database.transaction() as connection:
                await connection.execute(Q["unpack"], done)


async def _or_leave(work: Callable[[], Awaitable[None]]) -> None:
    """Without these loops nothing would be said any more, and nobody would notice."""
    try:
        await work()
    except Exception as error:
        log().critical("outbox.broken", exc_info=error)
        os._exit(70)


def _append(batch: BatchBuilder, message: Message) -> bool:
    _, key, attributes, body = message
    headers = to_headers(attributes)
    return batch.append(key=key.encode(), value=body, timestamp=None, headers=headers) is not None
