"""The daily sweep: windows move on although nothing is heard of an entity.

The day is that of the newest fact heard by this process (never later than today), so a replay of ninety days ages
windows by the days of its facts, not by the clock on the wall. A sweep to a day that was swept before finds nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from services.scoring.judging import Running
from services.scoring.store import ScoringStore
from services.scoring.stream import Scorer
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Worker

LOOK_SECONDS = 30.0
AT_ONCE = 100
"""Entities a transaction: what is heard meanwhile waits for it."""


class Sweep:
    """Ages the windows of every entity that is due."""

    def __init__(
        self, worker: Worker[ScoringStore], scorer: Scorer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._worker, self._scorer, self._clock = worker, scorer, clock

    async def prepare(self, running: Sequence[Running]) -> None:
        """Before the first message: register the models, and make due what an older one has scored."""
        async with self._worker.work() as work:
            for one in running:
                names, model = one.features.names, one.model
                await work.store.register(
                    one.name, model.sha256, names, model.content, one.initiative.card, self._clock()
                )
                await work.store.outdate(one.name, model.sha256)
            newest = await work.store.newest()
        self._scorer.today = newest.date() if newest else None

    async def run(self) -> None:
        """For as long as the service runs."""
        while True:
            if self._scorer.today is not None:
                try:
                    await self.to(min(self._scorer.today, self._clock().date()))
                except Unavailable as error:
                    log().warning("sweep.waits", because=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def to(self, day: date) -> int:
        """Score again who is due by ``day``. Returns how many were due."""
        aged = 0
        while True:
            async with self._worker.work() as work:
                due = await work.store.due(day, AT_ONCE)
                if not due:
                    return aged
                effects = await self._scorer.age(due, day, work.store, self._clock())
                work.say(effects.says)
                work.audit(effects.audits)
            aged += len(due)
