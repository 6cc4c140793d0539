"""The index that questions are put to: one a replica, built once however many ask at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.stack import Parts
from services.linkage import live as live_module
from services.linkage import standby as standby_module
from services.linkage.standby import Standby
from shared.contracts import Kind
from tests.linkage.linking import Linkage, linkage, region_events
from tests.parts import fresh_database


class Builds:
    """How many indexes were built, and how many at once at most."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = self.now = self.most = 0
        self._restored = live_module.restored
        for module in (live_module, standby_module):
            monkeypatch.setattr(module, "restored", self.restored)

    def restored(self, *arguments: Any) -> Any:
        self.made, self.now = self.made + 1, self.now + 1
        self.most = max(self.most, self.now)
        try:
            return self._restored(*arguments)
        finally:
            self.now -= 1


@pytest.fixture
async def replica(parts: Parts, topics: None) -> AsyncIterator[Linkage]:
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        await replica.hear(region_events()[:300])
        yield replica


async def ask(standby: Standby, times: int) -> None:
    await asyncio.gather(*(standby.find(Kind.PERSON, {"name": "Rhys Morgan"}, 10) for _ in range(times)))


async def test_the_leading_replica_reads_its_own_index_anew_and_makes_no_copy(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby, builds = Standby(replica.worker, replica.live, replica.in_use, lambda: True), Builds(monkeypatch)
    replica.live.spoil()
    asking = asyncio.create_task(ask(standby, 5))
    await replica.hear(region_events()[300:400])
    await asking
    assert (builds.made, builds.most) == (1, 1)
    assert standby._copy is None
    assert await replica.groups() == await replica.fresh(replica.in_use.model)


async def test_another_replica_makes_one_copy_for_all_who_ask(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = live_module.LiveIndex(replica.in_use)
    standby, builds = Standby(replica.worker, live, replica.in_use), Builds(monkeypatch)
    await ask(standby, 5)
    assert builds.made == 1
    await replica.hear(region_events()[300:400])
    await ask(standby, 5)
    assert builds.made == 1, "the copy is young enough"
    monkeypatch.setattr(standby_module, "STALE_SECONDS", 0)
    await ask(standby, 5)
    assert (builds.made, builds.most) == (2, 1)
