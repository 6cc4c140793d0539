"""The index is turned to what the agreements say now: in steps, beside the stream, from where it was killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cache
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage import metrics
from services.linkage.engines.duck import DuckDB
from services.linkage.index.index import Index
from services.linkage.live import LiveIndex
from services.linkage.models.beside import Beside, build
from services.linkage.purposes.terms import Strict, Terms
from services.linkage.purposes.turning import Turning
from services.linkage.store import LinkageStore, StoredPart
from services.linkage.stream import Linker
from shared.access import Agreements
from shared.db import of_one_moment
from shared.initiatives import Initiatives
from shared.settings import PROJECT
from tests.linkage.linking import Linkage, linkage, region_events
from tests.linkage.people import model
from tests.parts import Databases, fresh_database

BEFORE = Terms.of(Agreements.load(PROJECT / "agreements"), Initiatives.load(PROJECT / "initiatives"))
TURNED = "services.linkage.purposes.turning.TURNED"
Seen = tuple[set[frozenset[UUID]], set[tuple[str, frozenset[UUID]]]]


def forbidding(*names: str) -> Terms:
    """The region's terms, but that no score may join what these agreements bring."""
    said = {name: replace(one, strict=name in names) for name, one in BEFORE.by_agreement.items()}
    return replace(BEFORE, by_agreement=said)


AFTER, POLICE = forbidding("schools", "housing"), forbidding("police")


def said_by(replica: Linkage, terms: Terms) -> Turning:
    """The replica starts anew with other files."""
    replica.live = LiveIndex(replica.in_use, terms)
    replica.linker = Linker(replica.live)
    return Turning(replica.worker, replica.live, terms)


async def seen(replica: Linkage) -> Seen:
    return await replica.groups(), await replica.parts()


@cache
def known() -> dict[str, Seen]:
    """What there would be if the agreements had said so from the beginning: worked out once."""
    return {}


@pytest.fixture
async def under(parts: Parts, topics: None) -> dict[str, Seen]:
    for name, terms in (("before", BEFORE), ("after", AFTER), ("police", POLICE)):
        if name not in known():
            async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka, terms) as other:
                await said_by(other, terms).run()
                await other.hear(region_events())
                known()[name] = await seen(other)
    return known()


@pytest.fixture
async def databases(parts: Parts, under: dict[str, Seen]) -> Databases:
    return await fresh_database(parts, "linkage")


@pytest.fixture
async def replica(parts: Parts, databases: Databases) -> AsyncIterator[Linkage]:
    async with linkage(databases.dsn, parts.kafka, BEFORE) as replica:
        await said_by(replica, BEFORE).run()
        yield replica


async def turned(replica: Linkage, terms: Terms) -> float:
    """Turn, and how many records were linked anew by it."""
    before = count()
    await said_by(replica, terms).run()
    return count() - before


def count() -> float:
    return metrics.TURNED._value.get()


async def test_the_stream_goes_on_between_steps(
    replica: Linkage, under: dict[str, Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TURNED, 20)
    events = region_events()
    half = len(events) // 2
    await replica.hear(events[:half])
    turning = said_by(replica, AFTER)
    task = asyncio.create_task(turning.run())
    await replica.hear(events[half : half + 100], size=20)
    assert not task.done(), "the stream need not wait for the end"
    await replica.hear(events[half + 100 :])
    await task
    assert await seen(replica) == under["after"]
    assert await seen(replica) != under["before"]


async def test_killed_it_goes_on_where_it_was(
    replica: Linkage, databases: Databases, parts: Parts, under: dict[str, Seen]
) -> None:
    await replica.hear(region_events())
    async with replica.worker.work() as work:
        flipped = len(await work.store.under(sorted(AFTER.strict), 100_000))
    await die(databases, parts, done=3)
    rest = await turned(replica, AFTER)
    assert rest == flipped - 3 * 20, "three steps of twenty records were done"
    assert await seen(replica) == under["after"]
    assert await turned(replica, AFTER) == 0


async def test_the_files_say_otherwise_again_while_it_is_under_way(
    replica: Linkage, databases: Databases, parts: Parts, under: dict[str, Seen]
) -> None:
    await replica.hear(region_events())
    before = await seen(replica)
    await die(databases, parts, done=3)
    assert await turned(replica, BEFORE) == 3 * 20, "what was turned is turned back, and nothing else"
    assert await seen(replica) == before
    await die(databases, parts, done=3)
    await turned(replica, POLICE)
    assert await seen(replica) == under["police"]


async def test_who_no_longer_leads_stops(replica: Linkage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TURNED, 20)
    await replica.hear(region_events())
    said_by(replica, AFTER)
    before = count()
    turning = Turning(replica.worker, replica.live, AFTER, lambda: count() < before + 40)
    assert not await turning.run()
    assert count() == before + 40
    assert await said_by(replica, AFTER).run()
    async with replica.worker.work() as work:
        assert await work.store.terms() == AFTER.written()


async def test_whoever_links_anew_beside_follows(replica: Linkage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TURNED, 20)
    events = region_events()
    half = len(events) // 2
    await replica.hear(events[:half])
    async with replica.worker.work() as work:
        await of_one_moment(work.connection)
        beside = await build(work.store, Index(model(), DuckDB()), lambda _: None)
    turning = said_by(replica, AFTER)
    await replica.hear(events[half:])  # the stream is the first to link by the new word
    await follow(replica, beside)
    await turning.run()
    await follow(replica, beside)
    assert {frozenset(members) for members in beside.index.entities().values()} == await replica.groups()


async def follow(replica: Linkage, beside: Beside) -> None:
    async with replica.worker.work() as work:
        await of_one_moment(work.connection)
        await beside.follow(work.store)


def test_which_records_are_strict_goes_by_the_last_word_that_reached_them() -> None:
    one, two, three = (UUID(int=n) for n in (10, 20, 30))
    begun = Strict(frozenset({"a"})).up_to(two, frozenset({"b"}))
    again = begun.up_to(one, frozenset())
    assert [begun(id, "a") for id in (one, two, three)] == [False, False, True]
    assert [begun(id, "b") for id in (one, two, three)] == [True, True, False]
    assert [again(id, "b") for id in (one, two, three)] == [False, True, False]
    assert again.reached(frozenset()) == one
    assert again.reached(frozenset({"b"})) is None
    assert again.up_to(three, frozenset()).turned == ((three, frozenset()),)
    assert Strict.of({"agreements": {"a": {"strict": True}}, "turned": again.written()}) == again


async def die(databases: Databases, parts: Parts, done: int) -> None:
    """A replica with the new files is killed after so many steps."""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.linkage.test_turning", databases.dsn, parts.kafka, str(done)
    )
    assert await victim.wait() == -signal.SIGKILL


async def turn_and_die(dsn: str, kafka: str, done: int) -> None:
    keep_parts, left = LinkageStore.keep_parts, done

    async def count_down(store: LinkageStore, parts: Sequence[StoredPart]) -> None:
        nonlocal left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        await keep_parts(store, parts)

    LinkageStore.keep_parts = count_down  # type: ignore[method-assign]
    pytest.MonkeyPatch().setattr(TURNED, 20)
    async with linkage(dsn, kafka, AFTER) as replica:
        await said_by(replica, AFTER).run()


if __name__ == "__main__":
    asyncio.run(turn_and_die(sys.argv[1], sys.argv[2], int(sys.argv[3])))
