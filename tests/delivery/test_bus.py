"""Nothing lost, nothing done twice: the bus on real Kafka and real PostgreSQL, with everything that goes wrong."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from local.parts.kafka import Kafka
from local.parts.postgres import Postgres
from local.stack import Home, Parts
from shared.bus import MOST_FAULTS
from shared.contracts import Event, RecordsAccepted
from shared.contracts.envelope import attributes, to_headers
from shared.crypto import unseal
from shared.errors import Unavailable
from shared.kafka import client
from shared.progress import Gap, Progress
from shared.telemetry import MISSED, RETRIES
from tests.delivery.toy import KEY, Toy, accepted
from tests.parts import Databases, connected, fresh_database

PATIENCE = 60.0
FAULTY = 70
"""What a process returns that leaves because its code cannot go on (sysexits.h: internal software error)."""
Events = list[Event[RecordsAccepted]]


@pytest.fixture(autouse=True)
async def toy_database(parts: Parts, topics: None) -> Databases:
    databases = await fresh_database(parts, "toy")
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("CREATE TABLE done (id text)")
    return databases


@pytest.fixture
async def toy(parts: Parts, toy_database: Databases) -> AsyncIterator[Toy]:
    async with Toy(toy_database.dsn, parts.kafka) as toy:
        yield toy


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the condition is in another process: it can only be asked


async def done(databases: Databases) -> list[str]:
    async with connected(databases.dsn) as connection:
        return [row["id"] for row in await connection.fetch("SELECT id FROM done")]


async def all_done_once(databases: Databases, events: Events) -> None:
    """Waits until each is done, then holds that each was done once."""
    wanted = {event.id for event in events}

    async def arrived() -> bool:
        try:
            return wanted <= set(await done(databases))
        except OSError:
            return False  # the database is away just now

    await until(arrived)
    ids = [id for id in await done(databases) if id in wanted]
    assert len(ids) == len(wanted)


async def say_patiently(toy: Toy, events: Events) -> None:
    """As ingest's partners do: a post that got 503 is sent again."""
    for start in range(0, len(events), 50):
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await toy.say(events[start : start + 50])
                    break
                except Unavailable:
                    await asyncio.sleep(0.1)


async def publish(
    parts: Parts, messages: Iterable[tuple[bytes, list[tuple[str, bytes]], bytes]], partition: int | None = None
) -> None:
    """Straight to the topic, past the outbox: what a broken or hostile producer could do."""
    producer = AIOKafkaProducer(**client(parts.kafka))
    await producer.start()
    for key, headers, value in messages:
        await producer.send_and_wait("ingest.records", value, key=key, headers=headers, partition=partition)
    await producer.stop()


def wire(event: Event[RecordsAccepted]) -> tuple[bytes, list[tuple[str, bytes]], bytes]:
    headers = to_headers(attributes(event))
    return event.key.encode(), headers, event.body.model_dump_json().encode()


async def test_each_event_is_done_once_and_said_once(toy: Toy, toy_database: Databases) -> None:
    events = [accepted() for _ in range(500)]
    await say_patiently(toy, events)
    await all_done_once(toy_database, events)


async def test_same_messages_again_shuffled_change_nothing(parts: Parts, toy: Toy, toy_database: Databases) -> None:
    events = [accepted() for _ in range(100)]
    twice = [wire(event) for event in events * 2]
    random.Random(7).shuffle(twice)
    await publish(parts, twice)
    last = accepted()
    await publish(parts, [wire(last)] * 2)
    await all_done_once(toy_database, [*events, last])


async def test_who_cannot_handle_what_was_done_before_is_not_blamed_for_it(
    parts: Parts, toy: Toy, toy_database: Databases
) -> None:
    async with connected(toy_database.owner_dsn) as owner:
        await owner.execute("CREATE UNIQUE INDEX ON done (id)")
    known, new = [accepted() for _ in range(20)], [accepted() for _ in range(20)]
    await publish(parts, map(wire, known), partition=0)
    await all_done_once(toy_database, known)
    await publish(parts, map(wire, [accepted()]), partition=0)  # after this the bus takes what comes for new
    await publish(parts, map(wire, [*known, *new]), partition=0)
    await all_done_once(toy_database, [*known, *new])
    async with connected(toy_database.dsn) as connection:
        assert not await connection.fetchval("SELECT count(*) FROM dead_letters")


async def test_what_comes_again_is_not_taken_for_a_part_that_is_away(
    parts: Parts, toy: Toy, toy_database: Databases
) -> None:
    """Or an operator would be woken for the database (PartAway), and what is new would wait for it."""
    before, events = RETRIES._value.get(), [accepted() for _ in range(12)]
    for known, new in pairwise(events):
        await publish(parts, [wire(known)], partition=0)
        await all_done_once(toy_database, [known])
        await publish(parts, [wire(known)], partition=0)
        await publish(parts, [wire(new)], partition=0)
        await all_done_once(toy_database, [new])
    await all_done_once(toy_database, events)
    assert RETRIES._value.get() == before


async def test_poison_is_put_aside_once_with_its_reason_and_the_rest_goes_on(
    parts: Parts, toy: Toy, toy_database: Databases
) -> None:
    good = [accepted() for _ in range(99)]
    no_body, no_envelope, bug = accepted(), accepted(), accepted("bug")
    key, headers, _ = wire(no_body)
    messages = [*map(wire, good), (key, headers, b'{"partner": 1}'), (b"", [], wire(no_envelope)[2]), wire(bug)]
    random.Random(7).shuffle(messages)
    await publish(parts, messages)
    await all_done_once(toy_database, good)

    async def three_dead() -> bool:
        async with connected(toy_database.dsn) as connection:
            return bool(await connection.fetchval("SELECT count(*) = 3 FROM dead_letters"))

    await until(three_dead)
    async with connected(toy_database.dsn) as connection:
        rows = await connection.fetch("SELECT id, reason, detail, sealed FROM dead_letters ORDER BY reason")
    assert [row["reason"] for row in rows] == ["handler_failed", "invalid_body", "invalid_envelope"]
    assert b"Fred Smith" not in b"".join(row["sealed"] + row["detail"].encode() for row in rows)
    sealed: UUID = rows[0]["id"]
    assert bug.body.model_dump_json().encode().hex().encode() in unseal(KEY, rows[0]["sealed"], sealed.bytes)


async def test_a_bug_that_every_message_meets_stops_each_process_before_it_empties_the_topic(
    parts: Parts, toy_database: Databases
) -> None:
    await publish(parts, [wire(accepted()) for _ in range(MOST_FAULTS + 1)])
    argv = [sys.executable, "-m", "tests.delivery.toy", toy_database.dsn, parts.kafka]
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(*argv)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == FAULTY
        async with connected(toy_database.dsn) as connection:
            assert await connection.fetchval("SELECT count(*) FROM dead_letters") == MOST_FAULTS - 1


async def test_what_the_broker_deleted_before_it_was_heard_is_noticed(parts: Parts, toy_database: Databases) -> None:
    """And told once: whoever has the partition next goes on after the gap."""
    place, events = TopicPartition("ingest.records", 0), [accepted() for _ in range(100)]
    missed = missed_of(place.topic)
    async with Toy(toy_database.dsn, parts.kafka):
        await publish(parts, map(wire, events[:10]), partition=0)
        await all_done_once(toy_database, events[:10])
    assert missed_of(place.topic) == missed
    await publish(parts, map(wire, events[10:20]), partition=0)
    await delete_all_but(parts, place, 3)
    async with Toy(toy_database.dsn, parts.kafka) as toy:
        await all_done_once(toy_database, events[17:20])
        assert missed_of(place.topic) == missed + 7
        assert toy.bus is not None
        await until(lambda: committed(toy, place))
    assert missed_of(place.topic) == missed + 7
    async with Toy(toy_database.dsn, parts.kafka):
        await publish(parts, map(wire, events[20:22]), partition=0)
        await all_done_once(toy_database, events[20:22])
    assert missed_of(place.topic) == missed + 7


def test_a_jump_between_messages_is_a_gap_and_hearing_some_again_is_none() -> None:
    place, progress = TopicPartition("t", 0), Progress()
    assert progress.finish(messages(5, 6, 7)) == []
    assert progress.finish(messages(6, 7, 8)) == []
    assert progress.finish(messages(12)) == [Gap(place, 9, 12)]
    assert progress.finish(messages(13)) == []
    progress.drop([place])
    progress.resume(place, 20)
    assert progress.owed() == {}
    assert progress.finish(messages(17, 18)) == []
    assert progress.finish(messages(21)) == [Gap(place, 20, 21)]
    assert progress.owed() == {place: 22}


def messages(*offsets: int) -> list[Any]:
    return [SimpleNamespace(topic="t", partition=0, offset=offset) for offset in offsets]


def missed_of(topic: str) -> float:
    return MISSED.labels(topic)._value.get()


async def delete_all_but(parts: Parts, place: TopicPartition, kept: int) -> None:
    """As the broker does with what is older than the topic's retention."""
    consumer = AIOKafkaConsumer(**client(parts.kafka))
    await consumer.start()
    ends = await consumer.end_offsets([place])
    await consumer.stop()
    admin = AIOKafkaAdminClient(**client(parts.kafka))
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=ends[place] - kept)})
    await admin.close()


async def committed(toy: Toy, place: TopicPartition) -> bool:
    """Has it said that it is at the end?"""
    assert toy.bus is not None
    consumer = toy.bus.consumer
    assert consumer is not None
    return (await consumer.committed(place)) == (await consumer.end_offsets([place]))[place]


async def test_broker_killed_under_load(home: Home, toy: Toy, toy_database: Databases) -> None:
    events = [accepted() for _ in range(2000)]
    saying = asyncio.create_task(say_patiently(toy, events))
    await until(lambda: some_done(toy_database))
    kafka = Kafka(home)
    kafka.kill()
    await asyncio.to_thread(kafka.start)
    await saying
    await all_done_once(toy_database, events)


async def test_database_restarted_under_load(home: Home, toy: Toy, toy_database: Databases) -> None:
    events = [accepted() for _ in range(2000)]
    saying = asyncio.create_task(say_patiently(toy, events))
    await until(lambda: some_done(toy_database))
    postgres = Postgres(home)
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
    await saying
    await all_done_once(toy_database, events)


async def test_members_come_and_go(parts: Parts, toy: Toy, toy_database: Databases) -> None:
    events = [accepted() for _ in range(2000)]
    saying = asyncio.create_task(say_patiently(toy, events))
    for _ in range(3):
        async with Toy(toy_database.dsn, parts.kafka) as other:
            assert other.bus is not None
            await until(lambda: holds_partitions(other))
    await saying
    await all_done_once(toy_database, events)


async def test_what_a_dead_process_left_unsaid_is_said_by_another(
    parts: Parts, toy: Toy, toy_database: Databases
) -> None:
    """The dead one committed its outbox row and never sent it: here, one whose deliverer is stopped first."""
    dying = Toy(toy_database.dsn, parts.kafka, hearing=False)
    await dying.__aenter__()
    dying.outbox._tasks[1].cancel()
    events = [accepted() for _ in range(20)]
    await dying.say(events)
    dying.outbox._tasks[0].cancel()
    await dying.database.close()
    await all_done_once(toy_database, events)


async def some_done(databases: Databases) -> bool:
    return bool(await done(databases))


async def holds_partitions(toy: Toy) -> bool:
    assert toy.bus is not None
    return bool(toy.bus.consumer and toy.bus.consumer.assignment())
