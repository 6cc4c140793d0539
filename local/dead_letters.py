"""``jigsaw dlq``: what could not be handled, why, and sending it again once the cause is mended.

In a service's own container, where there is no ``jigsaw``: ``python -m local.dead_letters``, and ``… replay ID``.
"""

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from shared.crypto import unseal
from shared.kafka import client
from shared.settings import Settings

LIST = 'SELECT id, topic, partition, "offset", reason, detail, at, replayed_at FROM dead_letters ORDER BY at, id'
SHOW = 'SELECT id, topic, partition, "offset", reason, detail, at, replayed_at FROM dead_letters WHERE id = $1'
SEALED = "SELECT topic, sealed FROM dead_letters WHERE id = $1 AND replayed_at IS NULL FOR UPDATE"
REPLAYED = "UPDATE dead_letters SET replayed_at = now() WHERE id = $1"


@dataclass(frozen=True)
class DeadLetter:
    """One row of a service's ``dead_letters``; the message itself stays sealed."""

    service: str
    id: UUID
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    at: datetime
    replayed_at: datetime | None


async def listed(service: str, dsn: str) -> list[DeadLetter]:
    connection = await asyncpg.connect(dsn)
    try:
        return [DeadLetter(service, *row) for row in await connection.fetch(LIST)]
    finally:
        await connection.close()


async def found(dsns: dict[str, str], id: UUID) -> DeadLetter | None:
    """The dead letter of this id, in whichever service it is."""
    for service, dsn in dsns.items():
        connection = await asyncpg.connect(dsn)
        try:
            row = await connection.fetchrow(SHOW, id)
        finally:
            await connection.close()
        if row:
            return DeadLetter(service, *row)
    return None


async def replay(dsn: str, address: str, sealing_key: bytes, id: UUID) -> bool:
    """Send it to its topic again, as it was; False when that has been done. Every service that hears the topic gets it,
    and those that had done it drop it by their inbox."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            row = await connection.fetchrow(SEALED, id)
            if row is None:
                return False
            key, headers, value = orjson.loads(unseal(sealing_key, row["sealed"], id.bytes))
            await _produce(address, row["topic"], key, headers, value)
            await connection.execute(REPLAYED, id)
            return True
    finally:
        await connection.close()


async def _produce(address: str, topic: str, key: str, headers: list[tuple[str, str]], value: str) -> None:
    async with AIOKafkaProducer(**client(address), acks="all", enable_idempotence=True) as producer:
        wire = [(name, bytes.fromhex(text)) for name, text in headers]
        await producer.send_and_wait(topic, bytes.fromhex(value), key=bytes.fromhex(key) or None, headers=wire)


async def main(arguments: list[str]) -> str:
    """What to print, for the service whose settings are in the environment."""
    told = Settings()
    dsn = told.database.get_secret_value()
    service = urlsplit(dsn).path.removeprefix("/jigsaw_")
    if not arguments:
        letters = await listed(service, dsn)
        return "\n".join(map(str, letters)) or "No dead letters."
    if len(arguments) != 2 or arguments[0] != "replay":
        return "Say nothing to list them, or: replay ID"
    key = bytes.fromhex(told.sealing_key.get_secret_value())
    sent = await replay(dsn, told.broker(service), key, UUID(arguments[1]))
    return "Sent again." if sent else "There is no such dead letter, or it had been sent again before."


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1:])))
