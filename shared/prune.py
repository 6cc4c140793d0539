"""Forgetting what can no longer be repeated: inbox rows older than anything the bus still holds."""

import asyncio
from datetime import timedelta

from shared.contracts import Topic
from shared.db import HERE, Database, queries
from shared.errors import Unavailable
from shared.telemetry import log

PRUNE = queries(HERE / "queries.sql")["prune_inbox"]
EVERY_SECONDS = 3600.0
STEP = 50_000
"""Rows in a transaction: far fewer than the database deletes before a statement is given up, however many wait."""


async def prune_forever(database: Database, heard: list[Topic]) -> None:
    """Once an hour. A row goes when its topic has been cleaned of the message, and two days more."""
    age = timedelta(days=max(topic.spec.retention_days for topic in heard) + 2)
    while True:
        try:
            await prune(database, age)
        except Unavailable as error:
            log().warning("prune.database_away", because=str(error))
        await asyncio.sleep(EVERY_SECONDS)


async def prune(database: Database, age: timedelta, step: int = STEP) -> int:
    """Forget inbox rows older than ``age``, ``step`` at a time: what a step forgot stays so if a later one fails.
    How many went."""
    forgotten, last = 0, step
    while last == step:
        async with database.transaction() as connection:
            last = int((await connection.execute(PRUNE, age, step)).removeprefix("DELETE "))
        forgotten += last
    return forgotten
