"""How many events a minute a partner may post: a sliding window kept in Redis for all replicas together.

The window is the estimate that needs two numbers: this minute's events, and the last minute's as if they had come
evenly. If Redis is away each replica judges by what it saw itself, and nobody is refused for our fault.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic, time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest import metrics
from shared.telemetry import log

MINUTE = 60.0
TIMEOUT = 1.0
ALONE_SECONDS = 5.0
"""How long not to ask a Redis that did not answer."""

SCRIPT = """
local now, events, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local minute = math.floor(now / 60)
local kept = redis.call('HMGET', KEYS[1], 'minute', 'events', 'before')
local at, count, before = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if at ~= minute then
  if at == minute - 1 then before = count else before = 0 end
  count = 0
end
if before * (1 - (now / 60 - minute)) + count + events > limit then
  return {0, count, before}
end
redis.call('HSET', KEYS[1], 'minute', minute, 'events', count + events, 'before', before)
redis.call('EXPIRE', KEYS[1], 120)
return {1, count + events, before}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """Events counted in a minute (since 1970) and in the one before."""

    minute: int = 0
    events: int = 0
    before: int = 0

    def at(self, now: float) -> "Window":
        """The same window some time later. ``now`` in seconds since 1970."""
        minute = int(now // MINUTE)
        if minute == self.minute:
            return self
        return Window(minute, 0, self.events if minute == self.minute + 1 else 0)

    def has_room(self, now: float, events: int, limit: int) -> bool:
        """Whether so many more are within the limit of the last 60 seconds."""
        return self.before * (1 - (now / MINUTE - self.minute)) + self.events + events <= limit

    def wait(self, now: float, events: int, limit: int) -> float:
        """Seconds until there is room, if nothing else comes. Raises ``ValueError`` when there never will be."""
        if events > limit:
            raise ValueError(f"{events} events are more than the {limit} of a minute")
        ends = (self.minute + 1) * MINUTE
        if self.events + events <= limit and self.before:
            return max(0.0, ends - MINUTE * (limit - events - self.events) / self.before - now)
        return max(0.0, ends + MINUTE * (1 - (limit - events) / self.events) - now) if self.events else 0.0


class Quota:
    """Admits or refuses posts. ``clock`` gives seconds since 1970."""

    def __init__(self, address: str, clock: Callable[[], float] = time) -> None:
        self._redis = Redis.from_url(
            address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, decode_responses=True
        )
        self._script = self._redis.register_script(SCRIPT)
        self._clock = clock
        self._alone: dict[str, Window] = {}
        self._alone_until = 0.0

    async def close(self) -> None:
        await self._redis.aclose()

    async def admit(self, who: str, events: int, limit: int) -> float:
        """0 when the events are admitted (and counted), else the seconds to wait. Raises as ``Window.wait``."""
        if events > limit:
            Window().wait(0.0, events, limit)
        now = self._clock()
        if monotonic() >= self._alone_until:
            try:
                admitted, count, before = await self._script(
                    keys=[f"jigsaw:ingest:quota:{who}"], args=[now, events, limit]
                )
                return 0.0 if admitted else Window(int(now // MINUTE), count, before).wait(now, events, limit)
            except (RedisError, OSError, TimeoutError) as error:
                self._alone_until = monotonic() + ALONE_SECONDS
                log().warning("quota.alone", error=type(error).__name__)
        return self._admit_alone(who, now, events, limit)

    def _admit_alone(self, who: str, now: float, events: int, limit: int) -> float:
        metrics.QUOTA_ALONE.inc()
        window = self._alone.get(who, Window()).at(now)
        if not window.has_room(now, events, limit):
            return window.wait(now, events, limit)
        if len(self._alone) > 10_000:
            self._alone.clear()
        self._alone[who] = replace(window, events=window.events + events)
        return 0.0
