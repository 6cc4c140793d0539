"""What open pages hear of, in one process: entries of the feed, read once for all of them.

A commit is a hint (``woken``), sent on to the other replicas through Redis; PostgreSQL is what counts. Without hints
(Redis away, a process killed between its commit and its hint) pages hear of an alert ``POLL`` seconds later, and none
is missed: the feed's numbers are in the order of commits.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.alerts import metrics
from services.alerts.store import AlertStore
from services.alerts.views import Entry
from shared.db import Database
from shared.errors import Unavailable
from shared.telemetry import log

CHANNEL = "jigsaw:alerts:feed"
POLL = 1.0
POLL_WITH_HINTS = 5.0
REMEMBERED = 2000
READ = 500
KEPT = timedelta(days=2)
TIDY_SECONDS = 3600


class Feed:
    """One process's view of the feed. ``seq`` is the newest number it knows."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database, self._redis_url = database, redis_url
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED)
        self._floor = 0
        self._hint = asyncio.Event()
        self._unsaid = asyncio.Event()
        self._changed = asyncio.Condition()
        self._hinted = False
        self._told = 0
        self.seq = 0

    def woken(self, store: AlertStore) -> None:
        """At a commit: look now, and let the other replicas look."""
        if store.told > self._told:
            self._told = store.told
            self._hint.set()
            self._unsaid.set()

    async def start(self) -> None:
        """Before anything is heard: pages begin where the feed is now."""
        async with self._database.transaction() as connection:
            self.seq = self._floor = await AlertStore(connection).newest()

    async def entries(self, after: int, team: str | None, limit: int) -> Sequence[Entry] | None:
        """What a team must hear after a number, oldest first: from memory, or for one who was away from PostgreSQL.
        ``None`` when some of it is forgotten."""
        if after >= self._floor:
            found = (e for e in self._entries if e.seq > after and team in (None, e.team))
            return [entry for entry, _ in zip(found, range(limit), strict=False)]
        async with self._database.transaction() as connection:
            store = AlertStore(connection)
            return None if after + 1 < await store.oldest() else await store.after(after, team, limit)

    async def grown(self, seen: int) -> None:
        """Returns when the feed has more than what was seen."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.seq > seen)

    async def read(self) -> None:
        """Forever: read what is new when hinted at, and now and then without a hint."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_WITH_HINTS if self._hinted else POLL):
                    await self._hint.wait()
            self._hint.clear()
            with suppress(Unavailable):
                while await self._read_on() == READ:
                    pass

    async def _read_on(self) -> int:
        async with self._database.transaction() as connection:
            new = await AlertStore(connection).after(self.seq, None, READ)
        if new:
            async with self._changed:
                for entry in new:
                    if len(self._entries) == REMEMBERED:
                        self._floor = self._entries[0].seq
                    self._entries.append(entry)
                self.seq = new[-1].seq
                self._changed.notify_all()
        return len(new)

    async def tidy(self) -> None:
        """Forever: forget what no page that is still signed in can ask for."""
        while True:
            with suppress(Unavailable):
                async with self._database.transaction() as connection:
                    await AlertStore(connection).forget(datetime.now(UTC) - KEPT)
            await asyncio.sleep(TIDY_SECONDS)

    async def converse(self) -> None:
        """Forever: tell the other replicas when we wrote, hear when they did."""
        while True:
            client = Redis.from_url(self._redis_url, socket_connect_timeout=2, socket_keepalive=True)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._listen(client))
                    both.create_task(self._speak(client))
            except* (RedisError, OSError) as errors:
                self._fanout(False, type(errors.exceptions[0]).__name__)
            finally:
                with suppress(RedisError, OSError):
                    await client.aclose()
            self._hint.set()
            await asyncio.sleep(POLL)

    async def _listen(self, client: Redis) -> None:
        async with client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            async for message in channel.listen():
                self._fanout(True)  # the first message confirms the subscription
                if message["type"] == "subscribe" or int(message["data"]) > self.seq:
                    self._hint.set()

    def _fanout(self, there: bool, error: str = "") -> None:
        if there is not self._hinted:
            log().info("feed.fanout_there") if there else log().warning("feed.fanout_away", error=error)
        self._hinted = there
        metrics.FANOUT_AWAY.set(not there)

    async def _speak(self, client: Redis) -> None:
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            await client.publish(CHANNEL, self._told)
