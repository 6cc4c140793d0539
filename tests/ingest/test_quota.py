"""The quota: one rule in Valkey and in Python; without Valkey nobody is refused for our fault."""

import asyncio
from uuid import uuid4

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.stack import Parts
from services.ingest.keys import issue_key
from services.ingest.quota import Quota, Window
from shared.access import Agreements
from shared.settings import PROJECT
from tests.ingest.conftest import client_of, running, settings_of
from tests.ingest.events import event
from tests.parts import Databases

NOBODY = "redis://127.0.0.1:1"


class Clock:
    def __init__(self) -> None:
        self.now = 6_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("address", ["valkey", NOBODY])
async def test_a_partner_may_send_its_quota_and_wait_for_more(parts: Parts, address: str) -> None:
    clock, who = Clock(), uuid4().hex
    quota = Quota(parts.redis if address == "valkey" else address, clock)
    assert [await quota.admit(who, 50, 100) for _ in range(2)] == [0.0, 0.0]
    wait = await quota.admit(who, 50, 100)
    assert 60 < wait <= 120
    clock.now += wait - 1
    assert await quota.admit(who, 50, 100) > 0
    clock.now += 1.5
    assert await quota.admit(who, 50, 100) == 0.0
    assert await quota.admit(f"{who} another", 50, 100) == 0.0
    await quota.close()


async def test_replicas_share_one_quota_and_none_gets_in_twice(parts: Parts) -> None:
    who, clock = uuid4().hex, Clock()
    replicas = [Quota(parts.redis, clock) for _ in range(3)]

    async def admitted(replica: Quota) -> int:
        return [await replica.admit(who, 1, 40) for _ in range(30)].count(0.0)

    assert sum(await asyncio.gather(*map(admitted, replicas))) == 40
    for replica in replicas:
        await replica.close()


async def test_the_script_and_the_rule_agree(parts: Parts) -> None:
    who, clock, window = uuid4().hex, Clock(), Window()
    quota = Quota(parts.redis, clock)
    for step in range(200):
        clock.now += step * 7 % 23
        events = step * 13 % 31 + 1
        window = window.at(clock.now)
        room = window.has_room(clock.now, events, 60)
        wait = await quota.admit(who, events, 60)
        assert (wait == 0.0) == room
        if room:
            window = Window(window.minute, window.events + events, window.before)
        else:
            assert wait == pytest.approx(window.wait(clock.now, events, 60))
    await quota.close()


@given(st.lists(st.tuples(st.floats(0, 200), st.integers(1, 100)), max_size=30))
def test_after_the_wait_there_is_room(steps: list[tuple[float, int]]) -> None:
    now, window = 6_000_000.0, Window()
    for pause, events in steps:
        now += pause
        window = window.at(now)
        if window.has_room(now, events, 100):
            window = Window(window.minute, window.events + events, window.before)
        else:
            now += window.wait(now, events, 100) + 0.001
            assert window.at(now).has_room(now, events, 100)


async def test_more_than_a_minutes_quota_can_never_be_admitted() -> None:
    with pytest.raises(ValueError, match="more than the 100"):
        await Quota(NOBODY).admit("x", 101, 100)


async def test_over_quota_a_post_is_told_when_to_come_back(parts: Parts, topics: None, database: Databases) -> None:
    agreed = Agreements.load(PROJECT / "agreements").by_name["hospital"].quota.events_per_minute
    async with running(settings_of(parts, database, quota_factor=10 / agreed)) as replica:
        key = await issue_key(replica.worker, "hospital")
        async with client_of(replica, key) as hospital:
            seen = []
            for size in (10, 1, 11):
                events = [event(source="/partners/hospital") for _ in range(size)]
                seen.append(await hospital.post("/v1/events", content=orjson.dumps(events), headers=_BATCH))
    assert [answer.status_code for answer in seen] == [202, 429, 413]
    assert 0 < int(seen[1].headers["retry-after"]) <= 121
    assert "10 events a minute" in seen[1].json()["detail"]


async def test_strangers_soon_stop_costing_anything(parts: Parts, topics: None, database: Databases) -> None:
    async with running(settings_of(parts, database, redis=NOBODY)) as replica, client_of(replica) as stranger:
        answers: list[httpx.Response] = [await stranger.post("/v1/events", json={}) for _ in range(62)]
    assert [answer.status_code for answer in answers] == [401] * 60 + [429] * 2


_BATCH = {"Content-Type": "application/cloudevents-batch+json"}
