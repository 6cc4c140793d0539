"""New records are linked without asking PostgreSQL anything, while nobody else changes the index; when somebody has, or
a record is not what it was taken for, the batch is begun again and asks."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bench.linkage_office import Heard, id_of, message, opened
from local.stack import Parts
from services.linkage import live
from services.linkage.live import changing
from services.linkage.purposes.erasure import Erasure
from services.linkage.purposes.leaving import take_out
from services.linkage.store import Asked, LinkageStore
from shared.contracts import Change, Kind, RecordsAccepted
from shared.contracts.envelope import from_wire
from shared.ids import id_at
from shared.telemetry import RETRIES
from tests.linkage.test_cases import SIAN, changed
from tests.linkage.test_order import some_identities
from tests.linkage.test_replicas import anew
from tests.parts import connected, fresh_database

OTHERS = some_identities()
ASTRAY = """SELECT count(*) FROM entities e CROSS JOIN unnest(e.members) AS member
LEFT JOIN records r ON r.id = member WHERE r.entity IS DISTINCT FROM e.id"""
"""Members of entities that are not in them."""
WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many records each batch asked."""
    found: list[int] = []
    ask: Callable[..., Any] = LinkageStore.look_up

    async def noted(store: LinkageStore, said: Sequence[Any]) -> Asked:
        found.append(len(said))
        answer: Asked = await ask(store, said)
        return answer

    monkeypatch.setattr(LinkageStore, "look_up", noted)
    return found


def new(first: int, records: int = 3) -> list[Heard]:
    return [message(number, OTHERS[number % len(OTHERS)]) for number in range(first, first + records)]


async def test_only_the_first_batch_and_one_that_has_a_known_record_ask(parts: Parts, asked: list[int]) -> None:
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        for first in (0, 3, 6, 9):
            await office.bus.do(new(first))
        assert asked == [3, 3], "the index was read for the first, and found undisturbed by the second"
        await office.bus.do([*new(12), message(0, changed(phone="+441597960001"), timedelta(minutes=1))])
        await office.bus.do(new(15))
        assert asked == [3, 3, 4]
        assert await office.partition() == await anew(office)
        assert len(set().union(*await office.partition())) == 18


async def test_two_who_take_turns_have_one_index(parts: Parts, asked: list[int]) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    async with opened(dsn) as one, opened(dsn) as other:
        for turn in range(0, 60, 10):
            for first in (turn, turn + 2, turn + 4):
                await one.bus.do(new(first, 2))
            await other.bus.do(new(turn + 6, 4))
        assert len(asked) < 24, "not every batch has asked, though each turn the index was another"
        assert await one.partition() == await other.partition() == await anew(one)
        for office in (one, other):
            await office.bus.do([message("siân", SIAN)])
            assert await office.partition() == await anew(office)


async def test_what_the_index_does_not_know_but_the_tables_do_is_not_taken_for_new(
    parts: Parts, asked: list[int]
) -> None:
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        await office.bus.do(new(0))
        await office.bus.do(new(3))
        erasure, erased = Erasure(uuid4(), datetime.now(UTC), "a steward", "objection", "asked"), id_of("siân")
        async with office.worker.work() as work:  # as it was before this process began
            await work.store.suppress([erased], erasure)
        asked.clear()
        await office.bus.do([*new(6), message("siân", SIAN)])
        assert asked == [4], "it was begun again"
        assert set().union(*await office.partition()) == {id_of(number) for number in range(9)}
        await office.bus.do(new(9))
        assert await office.partition() == await anew(office)


def stranger(number: int) -> dict[str, str]:
    """Somebody who is like nobody else: so little is touched that it is followed, and not all read anew."""
    born = f"{1920 + number % 80}-{1 + number % 12:02d}-{1 + number % 28:02d}"
    return {"given": f"Given{number}", "family": f"Family{number * 7}", "birth_date": born}


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a batch of the bus asks, or keeps without having asked."""
    found = asyncio.Event()
    for name in ("look_up", "keep"):
        do: Callable[..., Any] = getattr(LinkageStore, name)

        async def noted(store: LinkageStore, *said: Any, do: Callable[..., Any] = do, **more: Any) -> Any:
            found.set()
            return await do(store, *said, **more)

        monkeypatch.setattr(LinkageStore, name, noted)
    return found


async def test_nobody_links_in_the_middle_of_what_a_steward_does(parts: Parts, arrived: asyncio.Event) -> None:
    """A person is erased, and while that is looked up, another record of theirs comes in."""
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        for first in (0, 3, 6):
            await office.bus.do(new(first))
        await office.bus.do([message("siân", SIAN)])
        async with changing(office.worker, office.index) as (work, version):
            arrived.clear()
            beside = asyncio.create_task(office.bus.do([message("siân again", SIAN)]))
            await arrived.wait()
            linked = await take_out({id_of("siân"): Kind.PERSON}, [], office.index, work.store, version)
        await beside
        assert [one.change for one in linked.changes] == [Change.ERASED]
        assert await office.partition() == await anew(office)
        async with office.database.transaction() as connection:
            astray = await connection.fetchval(ASTRAY)
        assert (len(set().union(*await office.partition())), astray) == (10, 0)


async def test_nobody_links_in_the_middle_of_following(
    parts: Parts, arrived: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    async with opened(dsn) as one, opened(dsn) as other:
        for some in (range(200), [200], [201]):
            await one.bus.do([message(number, stranger(number)) for number in some])
        await other.bus.do([message(202, stranger(202))])
        gate, there, ask = asyncio.Event(), asyncio.Event(), live.news

        async def slowly(*asked: Any) -> Any:
            found = await ask(*asked)
            there.set()
            await gate.wait()
            return found

        monkeypatch.setattr(live, "news", slowly)
        following = asyncio.create_task(one.index.keep_up(one.worker))
        await there.wait()
        arrived.clear()
        beside = asyncio.create_task(one.bus.do([message("siân", SIAN)]))
        await arrived.wait()
        gate.set()
        await asyncio.gather(following, beside)
        assert id_of("siân") in set().union(*await one.partition())
        assert await one.partition() == await anew(one)


async def test_the_lock_comes_before_the_inbox_as_everywhere(parts: Parts) -> None:
    """Another replica has the lock, and then enters the very message that a batch has presumed."""
    dsn, (said,) = (await fresh_database(parts, "linkage")).dsn, new(9, 1)
    event = from_wire(RecordsAccepted, said.key or b"", said.headers, said.value or b"")
    async with opened(dsn) as office, connected(dsn) as other, asyncio.timeout(20):
        for first in (0, 3, 6):
            await office.bus.do(new(first))
        async with other.transaction():
            await other.execute("SELECT FROM index_state FOR UPDATE")
            beside = asyncio.create_task(office.bus.do([said]))
            while not await other.fetchval(WAITED_FOR):  # noqa: ASYNC110 (it happens in another process)
                await asyncio.sleep(0.01)
            await other.execute("INSERT INTO inbox (id) VALUES ($1)", id_at(event.accepted, event.source, event.id))
        await beside
        assert set().union(*await office.partition()) == {id_of(number) for number in range(9)}, "it was done before"


@pytest.mark.parametrize("beside", [[], new(9, 1)], ids=["looked up", "under the lock"])
async def test_who_took_a_record_for_unchanged_while_another_replica_changed_it_begins_again_at_once(
    parts: Parts, asked: list[int], beside: list[Heard]
) -> None:
    """No part is away, so nobody waits for one."""
    dsn, known = (await fresh_database(parts, "linkage")).dsn, "SELECT digest, seen FROM records WHERE id = $1"
    async with opened(dsn) as office, connected(dsn) as other, asyncio.timeout(20):
        await office.bus.do([message("siân", SIAN)])
        (digest, seen), before = await other.fetchrow(known, id_of("siân")), RETRIES._value.get()
        asked.clear()
        async with other.transaction():
            await other.execute("SELECT FROM index_state FOR UPDATE")
            await other.execute("UPDATE records SET digest = 'another' WHERE id = $1", id_of("siân"))
            batch = asyncio.create_task(office.bus.do([message("siân", SIAN, timedelta(minutes=1)), *beside]))
            while not await other.fetchval(WAITED_FOR):  # noqa: ASYNC110 (it happens in another process)
                await asyncio.sleep(0.01)
        await batch
        assert asked == [1 + len(beside)] * 2
        assert RETRIES._value.get() == before
        assert tuple(await other.fetchrow(known, id_of("siân"))) == (digest, seen + timedelta(minutes=1))
        assert await office.partition() == await anew(office)
