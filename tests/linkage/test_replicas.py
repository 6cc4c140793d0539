"""Several replicas on one real database, killed and interleaved: one partition, which is that of a new index."""

import asyncio
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from bench.linkage_office import Heard, Office, id_of, message, opened
from local.stack import Parts
from services.linkage.index.changes import Upsert
from services.linkage.index.index import Index
from services.linkage.store import LinkageStore
from shared.contracts import Kind
from tests.linkage.linking import NOON, linkage, region_events
from tests.linkage.people import groups, model
from tests.linkage.story import batches, told
from tests.linkage.test_cases import SIAN, changed
from tests.parts import connected, fresh_database

Partition = set[frozenset[UUID]]


async def hear(office: Office, said: Iterable[Sequence[Heard]]) -> None:
    for batch in said:
        await office.bus.do(batch)


async def anew(office: Office) -> Partition:
    """The partition that an index has which hears every record, as it is kept, for the first time."""
    async with office.database.transaction() as connection:
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM records")]
        records = await LinkageStore(connection).members(ids)
    index = Index(model())
    index.apply([Upsert(one.id, one.compared) for one in records])
    return groups(index)


async def test_in_three_orders_by_two_replicas_at_once_records_make_one_partition(parts: Parts) -> None:
    found: list[Partition] = []
    for order in range(3):
        dsn = (await fresh_database(parts, "linkage")).dsn
        async with opened(dsn) as one, opened(dsn) as other:
            said = list(batches(told(order), order))
            await asyncio.gather(hear(one, said[::2]), hear(other, said[1::2]))
            found.append(await one.partition())
            assert found[-1] == await anew(one)
    assert found[0] == found[1] == found[2]
    assert set().union(*found[0]) == {UUID((heard.key or b"").decode()) for heard in told()}


@pytest.mark.parametrize("last", [1, 4, 9])
async def test_one_that_is_killed_in_the_middle_of_a_batch_leaves_nothing_half_done(parts: Parts, last: int) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    dying = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.linkage.dying", dsn, str(last))
    assert await dying.wait() == -signal.SIGKILL
    async with opened(dsn) as survivor:
        async with connected(dsn) as connection:
            done = {dict(heard.headers)["ce_id"] for batch in list(batches(told()))[: last - 1] for heard in batch}
            assert await connection.fetchval("SELECT count(*) FROM inbox") == len(done)
        await hear(survivor, batches(told()))
        assert await survivor.partition() == await anew(survivor)
        async with survivor.database.transaction() as connection:
            said = await connection.fetchval("SELECT count(*) FROM inbox")
    assert said == len({dict(heard.headers)["ce_id"] for heard in told()})


async def test_a_person_updated_over_eight_connections_at_once_ends_as_the_newest_update_says(parts: Parts) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    minute = count()
    updates = [
        [[message("siân", changed(phone=f"+44159796{at:04d}"), timedelta(minutes=at))]
         for at in (next(minute) for _ in range(5))]
        for _ in range(8)
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        offices = [await stack.enter_async_context(opened(dsn)) for _ in range(8)]
        await hear(offices[0], [[message("the other", SIAN)]])
        await asyncio.gather(*(hear(office, some) for office, some in zip(offices, updates, strict=True)))
        assert await offices[0].partition() == {frozenset([id_of("siân"), id_of("the other")])}
        async with offices[0].database.transaction() as connection:
            (kept,) = await LinkageStore(connection).members([id_of("siân")])
    assert kept.identity["phone"] == f"+44159796{next(minute) - 1:04d}"


async def test_a_batch_that_failed_is_not_taken_for_one_that_another_replica_committed(
    parts: Parts, topics: None
) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    events = region_events()
    async with linkage(dsn, parts.kafka) as one, linkage(dsn, parts.kafka) as other:
        await one.hear(events[:100])
        with suppress(RuntimeError):
            async with one.worker.work() as work:
                await one.linker.link(events[100:200], work.store, NOON)
                raise RuntimeError("rolled back")
        await other.hear(events[200:300])  # before the first is told that its batch is not committed
        await one.hear(events[300:400])
        people = one.live.kinds[Kind.PERSON]
        assert {frozenset(some) for some in people.entities().values()} == await one.groups()
