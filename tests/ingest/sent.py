"""What ingest has said on the bus, as a consumer reads it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from shared.contracts import Access, Accesses, RecordsAccepted, Topic
from shared.kafka import client

SECONDS = 20


class Sent:
    """Reads ``ingest.records`` and ``audit.accesses`` from their beginnings, other tests' poison among it."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._records: dict[str, tuple[bytes, dict[str, str]]] = {}
        self._entries: list[Access] = []
        self.heard: Counter[str] = Counter()

    async def record(self, id: str) -> tuple[RecordsAccepted, dict[str, str]]:
        """The event with this id, and its headers."""
        async with asyncio.timeout(SECONDS):
            while id not in self._records:
                await self._hear()
        value, headers = self._records[id]
        return RecordsAccepted.model_validate_json(value), headers

    async def entries(self, reference: str, least: int = 1, trace: str = "") -> list[Access]:
        """The audit entries with this reference (and trace), when there are at least so many."""
        async with asyncio.timeout(SECONDS):
            while len(found := self._about(reference, trace)) < least:
                await self._hear()
        return found

    def _about(self, reference: str, trace: str) -> list[Access]:
        return [e for e in self._entries if e.reference == reference and trace in ("", e.trace)]

    async def _hear(self) -> None:
        for messages in (await self._consumer.getmany(timeout_ms=200)).values():
            for message in messages:
                headers = {name: value.decode() for name, value in message.headers}
                if message.topic == Topic.ACCESSES.spec.name:
                    self._entries += Accesses.model_validate_json(message.value).entries
                elif "ce_id" in headers:
                    self.heard[headers["ce_id"]] += 1
                    self._records[headers["ce_id"]] = message.value, headers


@asynccontextmanager
async def listening(servers: str) -> AsyncIterator[Sent]:
    consumer = AIOKafkaConsumer(
        Topic.RECORDS.spec.name, Topic.ACCESSES.spec.name, **client(servers), auto_offset_reset="earliest",
        enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    try:
        yield Sent(consumer)
    finally:
        await consumer.stop()
