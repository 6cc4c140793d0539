"""A unit of work: one transaction in which a service reads, keeps, says and accounts; from bus or request."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID, uuid5

import orjson

from shared.contracts import Access, Accesses, DeadLettered, Event
from shared.contracts.envelope import first
from shared.crypto import seal
from shared.db import HERE, Connection, Database, queries
from shared.outbox import Message, Outbox, packed

S = TypeVar("S")
Q = queries(HERE / "queries.sql")
MOST_ENTRIES = 500
MOST_MESSAGES = 2_000
"""In one row of the outbox: a transaction that says more puts several."""
LETTERS = UUID("6d1c2f6e-0f0b-5c58-9a43-0a9d0f4b6b11")


class Raw(Protocol):
    """A message as the broker's client gives it (aiokafka's ``ConsumerRecord``)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Work(Generic[S]):
    """What a transaction decides. ``say`` and ``audit`` are kept in it and leave only when it commits."""

    def __init__(self, connection: Connection, store: S, service: str, sealing_key: bytes) -> None:
        self.connection, self.store = connection, store
        self._service, self._sealing_key = service, sealing_key
        self._events: list[Event[Any]] = []
        self._accesses: list[Access] = []
        self.done: list[UUID] = []

    def say(self, events: Sequence[Event[Any]]) -> None:
        self._events += events

    def audit(self, accesses: Sequence[Access]) -> None:
        self._accesses += accesses

    def enter(self, ids: Iterable[UUID]) -> None:
        """Messages that this transaction does, as the inbox knows them. It fails with ``Again`` if one was done."""
        self.done += ids

    async def bury(self, raw: Raw, reason: str, detail: str, at: datetime) -> None:
        """Put a message aside: sealed in the database, its place and reason on the dead-letter topic; once."""
        id = uuid5(LETTERS, f"{self._service}/{raw.topic}/{raw.partition}/{raw.offset}")
        sealed = seal(self._sealing_key, as_stored(raw), id.bytes)
        if await self.connection.fetchval(Q["bury"], id, raw.topic, raw.partition, raw.offset, reason, detail, sealed):
            body = DeadLettered(
                id=id, service=self._service, topic=raw.topic, partition=raw.partition, offset=raw.offset,
                reason=reason, at=at,
            )  # fmt: skip
            self.say([first(f"/services/{self._service}", str(id), body, at)])

    def messages(self) -> list[Event[Any]]:
        """Everything to say, the accesses packed."""
        at = datetime.now(UTC)
        parts = [self._accesses[i : i + MOST_ENTRIES] for i in range(0, len(self._accesses), MOST_ENTRIES)]
        source = f"/services/{self._service}"
        return [*self._events, *(first(source, self._service, Accesses(entries=part), at) for part in parts)]


class Worker(Generic[S]):
    """Makes units of work for one service: ``async with worker.work() as work: …``."""

    def __init__(
        self, service: str, database: Database, outbox: Outbox, store: Callable[[Connection], S], sealing_key: bytes
    ) -> None:
        self.service = service
        self._database, self._outbox, self._store, self._sealing_key = database, outbox, store, sealing_key
        self._committed: list[Callable[[S], None]] = []

    def when_committed(self, call: Callable[[S], None]) -> None:
        """Something to do at each commit, with the store that wrote: a hint to others, for a process that is killed
        between the two never does it."""
        self._committed.append(call)

    @asynccontextmanager
    async def work(self, *, begun: bool = True) -> AsyncIterator[Work[S]]:
        """Commits when the block ends, and only then hands its messages to the broker. What a request discloses is
        returned after the block: by then the intent is durable. Raises ``Unavailable`` when a part is away. Not
        ``begun``: the transaction begins when something is asked, and is one statement if nothing is."""
        kept: list[tuple[int, list[Message]]] = []
        async with self._database.transaction(begun=begun) as connection:
            work = Work(connection, self._store(connection), self.service, self._sealing_key)
            yield work
            messages = packed(work.messages())
            if len(messages) > MOST_MESSAGES:
                await connection.begin()
            if work.done and not messages:
                await connection.end(Q["enter"], work.done)
            for start in range(0, len(messages), MOST_MESSAGES):
                part = messages[start : start + MOST_MESSAGES]
                kept.append((await self._outbox.put(connection, part, () if start else work.done), part))
        for call in self._committed:
            call(work.store)
        for id, part in kept:
            await self._outbox.send(id, part)


def as_stored(raw: Raw) -> bytes:
    """Key, headers and value of a message as one text, so that it can be sent again as it was."""
    headers = [[name, (value or b"").hex()] for name, value in raw.headers]
    return orjson.dumps([(raw.key or b"").hex(), headers, (raw.value or b"").hex()])
