"""A topic that every replica follows by itself: read whole from the oldest message kept, then as messages come.

Without a group, offsets or inbox: whoever follows keeps it in memory, and hearing something twice changes nothing.

Failures
    broker away at the start    the service answers after ``PATIENCE`` without what it could not read, and tries on
    broker away later           what is new is heard when it is back
    a message cannot be read    it is logged and passed over: it is nobody's work
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts import Topic
from shared.kafka import client
from shared.telemetry import EVERYWHERE, log

PATIENCE = 5.0
POLL_MS = 1000
POLLS = 10
"""Between two looks whether the broker is there."""
WAIT_MS = 1000
"""The broker answers as soon as there is something, else after so long; other questions wait behind this one."""
AWAY = (KafkaError, OSError, TimeoutError)


class Follower:
    """One replica's ear for a topic that is everybody's. ``hear`` is told each body."""

    def __init__(self, address: str, topic: Topic, hear: Callable[[Any], None]) -> None:
        self._address, self._topic, self._hear = address, topic, hear
        self._partitions = [TopicPartition(topic.spec.name, number) for number in range(topic.spec.partitions)]
        self._consumer: AIOKafkaConsumer | None = None

    async def catch_up(self) -> None:
        """Hear what is there by now, as far as the broker answers in time."""
        with suppress(*AWAY):
            async with asyncio.timeout(PATIENCE):
                consumer = await self._begun()
                ends = await consumer.end_offsets(self._partitions)
                while [one for one, end in ends.items() if await consumer.position(one) < end]:
                    await self._take(consumer)
                return
        await self._end()

    async def run(self) -> None:
        """Hear what comes, until cancelled."""
        try:
            while True:
                try:
                    consumer = await self._begun()
                    async with asyncio.timeout(PATIENCE):
                        await consumer.end_offsets(self._partitions)  # a consumer alone never says that nobody answers
                    EVERYWHERE.labels(self._topic.spec.name).set(1)
                    for _ in range(POLLS):
                        await self._take(consumer)
                except AWAY as error:
                    EVERYWHERE.labels(self._topic.spec.name).set(0)
                    log().warning("everywhere.away", topic=self._topic.spec.name, because=str(error))
                    await self._end()
                    await asyncio.sleep(1)
        finally:
            await self._end()

    async def _begun(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **client(self._address), enable_auto_commit=False, auto_offset_reset="earliest",
                fetch_max_wait_ms=WAIT_MS, client_id="jigsaw-everywhere",
            )  # fmt: skip
            self._consumer = consumer
            await consumer.start()
            consumer.assign(self._partitions)
        return self._consumer

    async def _end(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(*AWAY):
                await consumer.stop()

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        found: Mapping[TopicPartition, Sequence[ConsumerRecord]] = await consumer.getmany(timeout_ms=POLL_MS)
        for record in (one for some in found.values() for one in some):
            try:
                self._hear(self._topic.spec.body.model_validate_json(record.value or b""))
            except (ValueError, OverflowError) as error:
                where = {"topic": record.topic, "offset": record.offset}
                log().error("everywhere.unreadable", **where, error=type(error).__name__)
