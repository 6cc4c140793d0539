"""One process at a time: the others stand by and take over at once when it dies.

A session-level advisory lock says whose turn it is. It is about speed, not safety: what is written under it must be
fenced by the database (linkage compares versions), because a process can lose its connection and not know it yet.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

from shared.db import HERE, Database, queries
from shared.errors import Unavailable
from shared.telemetry import log

TRY = queries(HERE / "queries.sql")["try_turn"]
LOOK_SECONDS = 0.5


class Turn:
    """``name`` is what there is one of."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self.held = False

    async def keep(self, begin: Callable[[], Awaitable[None]]) -> None:
        """Wait for the turn, ``begin``, and hold it. A process that loses it to another leaves, to stand by anew."""
        while True:
            try:
                await self._hold(begin)
            except Unavailable as error:
                log().warning("turn.database_away", because=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _hold(self, begin: Callable[[], Awaitable[None]]) -> None:
        async with self._database.session() as connection:
            while not await connection.fetchval(TRY, self._name):
                if self.held:
                    log().critical("turn.lost", name=self._name)
                    os._exit(70)
                await asyncio.sleep(LOOK_SECONDS)
            if not self.held:
                self.held = True
                log().info("turn.taken", name=self._name)
                await begin()
            while True:
                await connection.execute("SELECT 1")  # raises when the lock is gone with the connection
                await asyncio.sleep(LOOK_SECONDS)
