"""Who decides about very many records waits for, and holds up, whoever decides about one of them."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from services.scoring.domain import Claim
from services.scoring.store import MOST_LOCKS, ScoringStore
from shared.db import Database
from tests.parts import Databases, connected

MANY = [UUID(int=n) for n in range(20 * MOST_LOCKS)]
WAITING = """
SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())
"""
SECONDS = 60


Decide = Callable[[ScoringStore], Awaitable[object]]


async def follow_one_another(databases: Databases, database: Database, first: Decide, second: Decide) -> None:
    """Whoever comes second is seen to wait until the first one's transaction has ended."""
    done: list[str] = []

    async def decide() -> None:
        async with database.transaction() as connection:
            await second(ScoringStore(connection))
            done.append("second")

    async with connected(databases.dsn) as watching, asyncio.timeout(SECONDS):
        async with database.transaction() as connection:
            await first(ScoringStore(connection))
            waiting = asyncio.create_task(decide())
            while not await watching.fetchval(WAITING):  # noqa: ASYNC110 (the database does it)
                await asyncio.sleep(0)
            done.append("first")
        await waiting
    assert done == ["first", "second"]


@pytest.mark.parametrize(("first", "second"), [(MANY, MANY[-1:]), (MANY[-1:], MANY)])
async def test_many_and_one_follow_one_another(
    databases: Databases, database: Database, first: list[UUID], second: list[UUID]
) -> None:
    await follow_one_another(
        databases, database, lambda store: store.lock_records(first), lambda store: store.lock_records(second)
    )


@pytest.mark.parametrize("named", [True, False])
async def test_who_reads_where_records_stand_waits_for_whoever_decides_about_the_entity(
    databases: Databases, database: Database, named: bool
) -> None:
    """Whether the entity is named, or it is only known that a record is in it."""
    record, entity = uuid4(), uuid4()
    async with database.transaction() as connection:
        await ScoringStore(connection).claim([] if named else [Claim(record, entity, 1)])
    await follow_one_another(
        databases,
        database,
        lambda store: store.lock_entities([entity]),
        lambda store: store.lock_standings([record], [entity] if named else []),
    )
