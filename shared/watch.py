"""The watchdog: consumer lag in messages and in seconds, and a process that leaves when it is stuck.

aiokafka's consumers can stand still without an error (its issues #625, #703, #712, #847); FastStream measures no lag.
"""

import asyncio
import os
from contextlib import suppress
from time import monotonic, time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus import Bus
from shared.telemetry import LAG, LAG_SECONDS, log

LOOK_SECONDS = 2.0
STUCK_SECONDS = 120.0


class Watchdog:
    """Looks at one bus every ``LOOK_SECONDS``."""

    def __init__(self, bus: Bus[object]) -> None:
        self._bus = bus
        self._since: dict[str, float] = {}
        self._moved_at, self._last = monotonic(), dict[TopicPartition, int]()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._bus.consumer is not None:
                with suppress(KafkaError, OSError, TimeoutError):
                    self._judge(await self._lag(self._bus.consumer))

    async def _lag(self, consumer: AIOKafkaConsumer) -> dict[str, int]:
        """Messages that wait, by topic: the end of each assigned partition less the finished prefix."""
        assigned = list(consumer.assignment())
        ends = await consumer.end_offsets(assigned)
        lag = dict.fromkeys((p.topic for p in assigned), 0)
        for partition in assigned:
            done = self._bus.progress.finished.get(partition)
            if done is None:
                done = await consumer.committed(partition) or 0
            lag[partition.topic] += max(0, ends[partition] - done)
        return lag

    def _judge(self, lag: dict[str, int]) -> None:
        now = time()
        for topic, waiting in lag.items():
            if not waiting:
                self._since.pop(topic, None)
            since = self._since.setdefault(topic, now) if waiting else now
            newest_done = self._bus.heard_at(topic) or 0.0  # what waits is younger than that
            LAG.labels(topic).set(waiting)
            LAG_SECONDS.labels(topic).set(now - max(newest_done, since) if waiting else 0.0)
        finished = dict(self._bus.progress.finished)
        if finished != self._last or not sum(lag.values()) or self._bus.waiting:
            self._moved_at, self._last = monotonic(), finished
        elif monotonic() - self._moved_at > STUCK_SECONDS:
            log().critical("bus.stuck", waiting=sum(lag.values()))
            os._exit(70)
