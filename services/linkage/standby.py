"""The index to ask: the one that the stream keeps here, or, where another replica's stream keeps it, a copy.

Invariants
    1. A replica holds one index: the leading one never a copy beside its own, another never two copies.
    2. A copy is of one moment, and at most ``STALE_SECONDS`` old when it is asked.
    3. One index is built at a time; whoever asks meanwhile waits for it.

Failures
    the leading replica's index is stale (it has just begun, a transaction failed)    it is read anew under the lock, as
                                the next batch would have to; after a minute of waiting for it the answer is 503
    a copy cannot be read       the one before is gone, and whoever asks next reads anew
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from uuid import UUID

from services.linkage.index.blocking import Overflow
from services.linkage.index.finding import Doubt
from services.linkage.index.index import Index
from services.linkage.live import Kinds, LiveIndex, indexes, restored
from services.linkage.models.registry import InUse
from services.linkage.purposes.terms import Strict
from services.linkage.ruled.premises import premises
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import LinkageStore
from shared.contracts import Kind
from shared.work import Worker

STALE_SECONDS = 30.0
"""How old a copy may be: a replica that only answers knows nothing newer."""


class Standby:
    """Answers from memory. One replica ``leads``: it hears the stream and its index is exact; the others make copies,
    in a thread and from a snapshot, so that neither the stream nor other requests wait for them."""

    def __init__(
        self, worker: Worker[LinkageStore], live: LiveIndex, in_use: InUse, leads: Callable[[], bool] = lambda: False
    ) -> None:
        self._worker, self._live, self._in_use, self._leads = worker, live, in_use, leads
        self._copy: Kinds | None = None
        self._copied, self._version = 0.0, -1
        self._copying = asyncio.Lock()

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
        async with self._worker.work() as work:
            version = await work.store.committed()
        if self._live.version < version and self._leads():
            async with self._worker.work() as work:
                version = await self._live.catch_up(work.store)
        if self._live.version >= version:
            self._copy = None
            return self._live.kinds
        async with self._copying:
            if self._copy is None or (self._version < version and monotonic() - self._copied > STALE_SECONDS):
                self._copy = None  # two would be twice the memory
                self._copy = await self._read()
            return self._copy

    async def _read(self) -> Kinds:
        async with self._worker.work() as work:
            await work.store.freeze()
            self._version = await work.store.committed()
            model = await self._in_use.current(work.store)
            rows, newest, decided = (
                await work.store.everything(), await work.store.newest_entities(), await work.store.decided()
            )  # fmt: skip
            strict = Strict.of(await work.store.terms())
        self._copied = monotonic()
        return await asyncio.to_thread(restored, indexes(model), rows, newest, decided, strict)
