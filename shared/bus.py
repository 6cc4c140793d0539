"""The bus: everything that is hard about delivery, once.

A service is a function from a batch to its effects. Around it, for each micro-batch: decode; put aside what cannot be
decoded; then in one transaction call the handlers, keep what they say (outbox), whom they touched (audit) and what is
done by it (inbox); commit; say it; and only later, by time, commit Kafka's offsets of what is finished.

A batch is taken for new, as it nearly always is: that it was not shows when it is entered in the inbox. Then, and while
there is a reason to expect it, the inbox is asked first and what was done before is left out.

Invariants
    1. An offset is committed only when each message before it is done, dead-lettered or a duplicate.
    2. A message's effects are in the database at most once: its inbox row is in the same transaction. A handler may
       meet one that was done before, but what it does then does not commit, and what it says of it is not believed.
    3. A batch that meets a part that is away is tried again, for ever, with backoff; nothing is skipped.
    4. A message that our own code cannot handle is found by halving its batch, and put aside alone with its reason;
       when ``MOST_FAULTS`` come in a row the process leaves, because then it is not the messages.
    5. A message that the broker deleted before it was heard cannot be done any more, but it does not go unnoticed.

FastStream wires the consumer (see docs/adr/0002-faststream.md for which of its defaults lose data, and are not used).
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from shared.contracts import Access, Event, Topic
from shared.contracts.envelope import Contract, from_wire
from shared.db import HERE, Connection, queries
from shared.errors import Again, Unavailable
from shared.ids import id_at
from shared.kafka import read, security
from shared.progress import Progress, report
from shared.telemetry import AGE, BATCH, BATCH_SECONDS, DEAD, HEARD, REPEATED, RETRIES, log
from shared.work import Raw, Worker

S = TypeVar("S")

Q = queries(HERE / "queries.sql")
POLL_MS = 10
WAIT_MS = 1000
LARGE_BYTES = 512 * 1024
FETCH_BYTES = 512 * 1024
COMMIT_SECONDS = 0.5
MOST_FAULTS = 100
LONGEST_PAUSE = 5.0
RESUME_SECONDS = 5.0
"""A member that takes longer to say that it has its partitions holds up the others."""


@dataclass(frozen=True)
class Effects:
    """What follows from a batch besides what the store keeps: news for others, entries for audit."""

    says: Sequence[Event[Any]] = ()
    audits: Sequence[Access] = ()


Handler: TypeAlias = Callable[[Sequence[Event[Any]], S, datetime], Awaitable[Effects]]
"""``(events, store, now) -> Effects``, marked by ``hears``."""

F = TypeVar("F", bound=Callable[..., Awaitable[Effects]])


@dataclass(frozen=True, slots=True)
class Ear:
    """What a handler hears: messages of ``topics`` whose body is one that ``matters``."""

    topics: tuple[Topic, ...]
    matters: Callable[[Any], bool]


def hears(*topics: Topic, matters: Callable[[Any], bool] = lambda _: True) -> Callable[[F], F]:
    """Mark a handler with the topics it hears, all of a batch at once.

    A message that does not matter changes nothing: it costs no transaction, and nobody need remember that it came.
    """

    def mark(handler: F) -> F:
        handler.ear = Ear(topics, matters)  # type: ignore[attr-defined]
        return handler

    return mark


def ear_of(handler: Handler[Any]) -> Ear:
    """What a handler is marked with. Raises ``AttributeError`` for a function that ``hears`` did not mark."""
    ear: Ear = handler.ear  # type: ignore[attr-defined]
    return ear


class Letter(NamedTuple):
    """A message on its way: where it came from (what to commit), and what it says, if that could be read."""

    raw: Raw
    event: Event[Any] | None = None
    fault: str = ""
    detail: str = ""


class Bus(Generic[S]):
    """One service's ear: one consumer, one transaction a batch, handlers in the order given."""

    def __init__(
        self, worker: Worker[S], address: str, handlers: Sequence[Handler[S]], *, batch: int = 500,
        linger_ms: int = 0,
        on_abort: Callable[[], None] = lambda: None, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._worker, self._handlers = worker, handlers
        heard = [(topic.spec.name, ear) for ear in map(ear_of, handlers) for topic in ear.topics]
        self._ears = dict(heard)
        if len(self._ears) < len(heard):
            raise ValueError("Two handlers hear one topic: let one of them hear it.")
        self._on_abort, self._clock = on_abort, clock
        self._broker = KafkaBroker(
            read(address).servers,
            security=security(address),
            client_id=f"jigsaw-{worker.service}",
            apply_types=False,
            allow_auto_create_topics=False,
            logger=None,
        )
        self._busy = asyncio.Lock()
        self._stopping = False
        self._wary = True  # what was heard last may not be committed
        self._faults = 1  # what an earlier process has counted is forgotten with our first success
        self._heard_at: dict[str, float] = {}
        self.waiting = False
        self.joined = False
        self._tasks: list[asyncio.Task[None]] = []
        self.progress = Progress()
        self._subscriber = self._broker.subscriber(
            *self._ears,
            batch=True,
            group_id=worker.service,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            batch_timeout_ms=POLL_MS,
            max_records=batch,
            fetch_min_bytes=LARGE_BYTES if linger_ms else 1,
            fetch_max_wait_ms=linger_ms or WAIT_MS // 2,
            max_partition_fetch_bytes=FETCH_BYTES,
            listener=_Handover(self),
        )
        self._subscriber(self._hear)  # FastStream consumes for whoever has a handler
        self._subscriber.consume_one = self._hear  # type: ignore[assignment, method-assign]  # as they come

    @property
    def topics(self) -> list[Topic]:
        return [topic for handler in self._handlers for topic in ear_of(handler).topics]

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    def heard_at(self, topic: str) -> float | None:
        """When the newest finished message of a topic was produced, in seconds since 1970: what waits is younger."""
        return self._heard_at.get(topic)

    async def start(self) -> None:
        await self._broker.start()
        assert self.consumer is not None
        self.consumer.getmany = partial(_some, self.consumer.getmany)
        self._tasks = [asyncio.create_task(self._commit_by_time())]

    async def stop(self) -> None:
        """Take nothing more, let the batch in hand finish, commit its offsets, leave the group."""
        self._stopping = True
        async with self._busy:
            await self.commit()
        for task in self._tasks:
            task.cancel()
        await self._broker.stop()

    async def _hear(self, batch: Any) -> None:
        async with self._busy:
            if self._stopping:
                return
            try:
                await self.do(batch)
            except Exception as error:
                log().critical("bus.broken", exc_info=error)
                os._exit(70)  # going on would commit past this batch; the next process hears it again

    async def do(self, batch: Sequence[Raw]) -> None:
        """Do one batch, whatever it takes. Returns when every message is done, dead or known."""
        began = perf_counter()
        due, unread, idle = list[Letter](), list[Letter](), Counter[str]()
        for letter in map(_opened, batch):
            if letter.event is None:
                unread.append(letter)
            elif self._ears[letter.raw.topic].matters(letter.event.body):
                due.append(letter)
            else:
                idle[letter.raw.topic] += 1
        await self._until_done(due)
        for letter in unread:
            await self._patiently(lambda letter=letter: self._bury(letter))  # type: ignore[misc]
        for topic, messages in idle.items():
            HEARD.labels(topic).inc(messages)
        report(self.progress.finish(batch))
        self._heard_at |= {raw.topic: raw.timestamp / 1000 for raw in batch}
        BATCH.observe(len(batch))
        BATCH_SECONDS.observe(perf_counter() - began)

    async def _until_done(self, letters: list[Letter]) -> None:
        """The whole batch in one transaction; if our code fails on it, its halves; one that fails alone is buried."""
        if not letters:
            return
        try:
            await self._patiently(lambda: self._transact(letters))
        except Exception as error:
            self._on_abort()
            if not self._wary:
                self._wary = True  # it may be for a message that was done before
                await self._until_done(letters)
            elif len(letters) > 1:
                middle = len(letters) // 2
                await self._until_done(letters[:middle])
                await self._until_done(letters[middle:])
            else:
                await self._fault(letters[0], error)

    async def _fault(self, letter: Letter, error: Exception) -> None:
        log().error("bus.handler_failed", exc_info=error, topic=letter.raw.topic, offset=letter.raw.offset)
        dead = Letter(letter.raw, None, "handler_failed", type(error).__name__)
        await self._patiently(lambda: self._bury(dead, ours=True))

    async def _patiently(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Try until the parts are back. Raises only what is our bug, or when we are told to stop."""
        pause = 0.05
        while True:
            try:
                await attempt()
                self.waiting = False
                return
            except Unavailable as error:
                self._on_abort()
                self._wary = True
                if isinstance(error, Again):  # nothing is away: begun again with the inbox asked first, it goes on
                    log().info("bus.again", because=str(error))
                    continue
                RETRIES.inc()
                self.waiting = True
                log().warning("bus.waits", because=str(error), seconds=round(pause, 2))
                if self._stopping:
                    raise asyncio.CancelledError from error
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _transact(self, letters: list[Letter]) -> None:
        now, by_id = self._clock(), _by_id(letters)
        async with self._worker.work(begun=False) as work:
            done = await _done(work.connection, by_id) if self._wary else set()
            new = {id: letter for id, letter in by_id.items() if id not in done}
            work.enter(new)
            fresh = [*new.values()]
            if self._faults:
                await work.connection.execute(Q["succeeded"])
            for handler in self._handlers:
                ear = ear_of(handler)
                events = [letter.event for letter in fresh if self._ears[letter.raw.topic] is ear]
                if events:
                    effects = await handler(events, work.store, now)  # type: ignore[arg-type]
                    work.say(effects.says)
                    work.audit(effects.audits)
        self._faults, self._wary = 0, bool(done)
        self._count(letters, fresh)

    def _count(self, letters: list[Letter], fresh: list[Letter]) -> None:
        committed = self._clock()
        # Events of one post have one moment of acceptance: they are one observation.
        for topic, accepted in {(letter.raw.topic, letter.event.accepted) for letter in fresh}:  # type: ignore[union-attr]
            AGE.labels(topic).observe((committed - accepted).total_seconds())
        heard = Counter(letter.raw.topic for letter in fresh)
        for topic, messages in Counter(letter.raw.topic for letter in letters).items():
            HEARD.labels(topic).inc(heard[topic])
            REPEATED.labels(topic).inc(messages - heard[topic])

    async def _bury(self, letter: Letter, *, ours: bool = False) -> None:
        """``ours``: the fault is our code's. Too many in a row are not buried: the process leaves, and so does each
        after it, until one succeeds."""
        async with self._worker.work() as work:
            if ours:
                self._faults = await work.connection.fetchval(Q["failed"])
                if self._faults >= MOST_FAULTS:
                    log().critical("bus.too_many_faults", faults=self._faults)
                    os._exit(70)
            await work.bury(letter.raw, letter.fault, letter.detail, self._clock())
        DEAD.labels(letter.raw.topic, letter.fault).inc()
        log().error("bus.dead_letter", topic=letter.raw.topic, offset=letter.raw.offset, reason=letter.fault)

    async def resume(self, assigned: Sequence[TopicPartition]) -> None:
        """Go on where these partitions were left. What the broker has deleted since then it would skip in silence; if
        it does not answer now, the first message after the gap tells as much."""
        consumer = self.consumer
        if consumer is None or not assigned:
            return
        self._wary = True
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(RESUME_SECONDS):
                left = {partition: await consumer.committed(partition) for partition in assigned}
                for partition, offset in left.items():
                    if offset is not None:
                        self.progress.resume(partition, offset)
                kept = await consumer.beginning_offsets([p for p, offset in left.items() if offset is not None])
                gaps = [self.progress.reach(partition, offset) for partition, offset in kept.items()]
                report([gap for gap in gaps if gap is not None])

    async def commit(self) -> None:
        """Commit the finished prefix. Failing is harmless: what is heard again is dropped by the inbox."""
        consumer = self.consumer
        if consumer is None:
            return
        self.progress.drop([p for p in self.progress.finished if p not in consumer.assignment()])
        owed = self.progress.owed()
        if owed:
            with suppress(KafkaError):
                await consumer.commit(owed)
                self.progress.committed.update(owed)

    async def _commit_by_time(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self.commit()


class _Handover(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions go to another member: commit what is finished, and forget it. When they come: see what they
    have lost."""

    def __init__(self, bus: Bus[Any]) -> None:
        self._bus = bus

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self._bus.joined = False
        await self._bus.commit()
        self._bus.progress.drop(list(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._bus.joined = True  # with or without partitions: one may stand by
        log().info("bus.assigned", partitions=len(assigned))
        await self._bus.resume(assigned)


async def _some(getmany: Callable[..., Awaitable[Any]], **asked: Any) -> Any:
    """Messages, once there are some. FastStream sleeps after an empty answer, and what comes then would wait."""
    while not (messages := await getmany(**(asked | {"timeout_ms": WAIT_MS}))):
        pass
    return messages


def _opened(raw: Raw) -> Letter:
    try:
        body: type[Contract] = Topic.named(raw.topic).spec.body
        return Letter(raw, from_wire(body, raw.key, raw.headers, raw.value))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(p if isinstance(p, str) and p in body.model_fields else "*" for p in first["loc"])
        return Letter(raw, None, "invalid_body", f"{first['type']} at {where}")
    except Exception as error:  # whatever a stranger wrote there: it is put aside, and the batch goes on
        return Letter(raw, None, "invalid_envelope", type(error).__name__)


def _by_id(letters: Iterable[Letter]) -> dict[UUID, Letter]:
    """The letters by their id in the inbox, in their order, each once."""
    by_id: dict[UUID, Letter] = {}
    for letter in letters:
        event: Event[Any] = letter.event  # type: ignore[assignment]
        by_id.setdefault(id_at(event.accepted, event.source, event.id), letter)
    return by_id


async def _done(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    return {row["id"] for row in await connection.fetch(Q["done"], list(ids))}
