"""What every replica must know, each has, whenever it came: on the real broker."""

import asyncio
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from local.stack import Parts
from shared.contracts import SessionsEnded, Topic
from shared.everywhere import Follower
from shared.kafka import client

SENSELESS = "of no session that could be"
NAME = Topic.SESSIONS.spec.name


class Heard(list[str]):
    """The sessions that one replica knows of."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def hear(self, one: SessionsEnded) -> None:
        if one.session == SENSELESS:
            raise ValueError("it can be read, but not be so")
        self.append(one.session)
        self._more.set()

    async def until(self, session: str) -> None:
        async with asyncio.timeout(20):
            while session not in self:
                self._more.clear()
                await self._more.wait()


def ended(session: str) -> bytes:
    body = SessionsEnded(subject="mair", session=session, until=datetime(2026, 11, 28, tzinfo=UTC))
    return body.model_dump_json().encode()


async def told(parts: Parts, *values: bytes) -> None:
    async with AIOKafkaProducer(**client(parts.kafka)) as producer:
        for value in values:
            await producer.send_and_wait(NAME, value)


async def test_a_replica_hears_what_was_said_before_it_began_and_what_comes(parts: Parts, topics: None) -> None:
    await told(parts, ended("one"), b"nothing that can be read", ended(SENSELESS), ended("two"))
    heard = [Heard(), Heard()]
    followers = [Follower(parts.kafka, Topic.SESSIONS, one.hear) for one in heard]
    await asyncio.gather(*(one.catch_up() for one in followers))
    assert [one[-2:] for one in heard] == [["one", "two"]] * 2, "before the service answers"
    running = [asyncio.create_task(one.run()) for one in followers]
    await told(parts, ended("three"))
    await asyncio.gather(*(one.until("three") for one in heard))
    assert [one[-3:] for one in heard] == [["one", "two", "three"]] * 2
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_without_a_broker_the_service_answers_all_the_same_and_hears_when_it_is_there(
    parts: Parts, topics: None
) -> None:
    heard = Heard()
    follower = Follower("127.0.0.1:9", Topic.SESSIONS, heard.hear)
    await follower.catch_up()
    running = asyncio.create_task(follower.run())
    await told(parts, ended("four"))
    assert not heard
    follower._address = parts.kafka
    await heard.until("four")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
