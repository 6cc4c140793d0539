"""The index that questions are put to: one a replica, built once however many ask at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.stack import Parts
from services.linkage import live as live_module
from services.linkage.standby import Standby
from shared.contracts import Kind
from tests.linkage.linking import Linkage, linkage, region_events
from tests.parts import fresh_database


class Builds:
    """How many indexes were built anew, and how many at once at most."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = self.now = self.most = 0
        self._restore = live_module.restore
        monkeypatch.setattr(live_module, "restore", self.restore)

    def restore(self, *arguments: Any) -> None:
        self.made, self.now = self.made + 1, self.now + 1
        self.most = max(self.most, self.now)
        try:
            self._restore(*arguments)
        finally:
            self.now -= 1


@pytest.fixture
async def replica(parts: Parts, topics: None) -> AsyncIterator[Linkage]:
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        await replica.hear(region_events()[:300])
        yield replica


async def ask(standby: Standby, times: int) -> None:
    await asyncio.gather(*(standby.find(Kind.PERSON, {"name": "Rhys Morgan"}, 10) for _ in range(times)))


async def test_a_replica_builds_one_index_for_all_who_ask_and_then_follows(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = live_module.LiveIndex(replica.in_use)
    standby, builds = Standby(replica.worker, live), Builds(monkeypatch)
    await ask(standby, 5)
    assert (builds.made, builds.most) == (1, 1)
    await replica.hear(region_events()[300:400])
    await ask(standby, 5)
    assert builds.made == 1
    assert live.version == replica.live.version
    assert {frozenset(some) for some in live.kinds[Kind.PERSON].entities().values()} == await replica.groups()


async def test_the_leading_replica_that_was_spoilt_answers_from_what_is_committed(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby, builds = Standby(replica.worker, replica.live), Builds(monkeypatch)
    replica.live.spoil()
    asking = asyncio.create_task(ask(standby, 5))
    await replica.hear(region_events()[300:400])
    await asking
    assert builds.most <= 1
    assert await replica.groups() == await replica.fresh(replica.in_use.model)
