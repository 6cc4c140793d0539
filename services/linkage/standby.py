"""The index to ask, and to take over with: that of this replica, which follows what the one that hears commits."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.linkage.index.blocking import Overflow
from services.linkage.index.finding import Doubt
from services.linkage.index.index import Index
from services.linkage.live import Kinds, LiveIndex
from services.linkage.ruled.premises import premises
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import LinkageStore
from shared.contracts import Kind
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Worker

LOOK_SECONDS = 1.0


class Standby:
    """Answers from memory, as of what is committed when it is asked."""

    def __init__(self, worker: Worker[LinkageStore], live: LiveIndex) -> None:
        self._worker, self._live = worker, live

    async def run(self) -> None:
        """Stay a moment behind as long as the service runs: who asks, decides or takes over then waits for little."""
        while True:
            try:
                await self._live.keep_up(self._worker)
            except Unavailable as error:
                log().warning("standby.waits", because=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def find(self, kind: Kind, identity: Mapping[str, str], limit: int) -> Sequence[UUID]:
        """Records that an identity may be of, which need not be in the index; the likeliest first."""
        index = (await self._current())[kind]
        if isinstance(index, Index):
            return [record for record, _ in index.find(identity, limit)]
        return index.find(identity, limit)

    async def building(self, identity: Mapping[str, str]) -> UUID | None:
        """The place that a flat is in; None for what is no flat, or whose building no record is of."""
        flat, index = premises(identity), (await self._current())[Kind.PLACE]
        return index.belonging(flat.building) if flat.unit and isinstance(index, RuledIndex) else None

    async def doubts(self, limit: int) -> Sequence[Doubt]:
        """Pairs of people that a steward's look would help most to tell apart or to join."""
        index = (await self._current())[Kind.PERSON]
        return index.doubts(limit) if isinstance(index, Index) else []

    async def overflowed(self) -> Sequence[Overflow]:
        """People's block keys that overflow, by kind and size."""
        index = (await self._current())[Kind.PERSON]
        return index.overflowed() if isinstance(index, Index) else []

    async def _current(self) -> Kinds:
        await self._live.keep_up(self._worker)
        return self._live.kinds
