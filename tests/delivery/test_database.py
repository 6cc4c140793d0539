"""What a service can count on of its database: how statements are planned while tables are small, and that whoever is
stopped stops."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from local.stack import Parts
from shared.db import Connection, Database, read_whole
from tests.parts import connected, fresh_database

ONE_OF_FEW = "SELECT in_a_row FROM faults WHERE one"
"""PostgreSQL would rather read a table of one row whole."""


@pytest.fixture
async def database(parts: Parts) -> AsyncIterator[Database]:
    databases = await fresh_database(parts, "toy")
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("ANALYZE faults")
    database = Database(databases.dsn)
    await database.open()
    yield database
    await database.close()


async def test_only_who_asks_to_reads_a_table_whole_and_only_until_its_transaction_ends(database: Database) -> None:
    async with database.transaction() as connection:
        batch = await _plan(connection)
        await read_whole(connection)
        page = await _plan(connection)
    async with database.transaction() as connection:
        next_batch = await _plan(connection)
    assert "Seq Scan" in page
    assert "Index" in batch
    assert "Index" in next_batch


async def test_a_plan_made_while_tables_may_be_read_whole_is_not_kept(database: Database) -> None:
    asked = "SELECT in_a_row FROM faults WHERE one = $1"
    async with database.session() as connection:
        async with connection.transaction():
            await read_whole(connection)
            await connection.fetch(asked, True)
        await connection.fetch(asked, True)
        name, planned_once, planned_anew = await connection.fetchrow(
            "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1", asked
        )
        kept = await connection.fetch(f'EXPLAIN EXECUTE "{name}" (true)')
    assert (planned_once, planned_anew) == (1, 1)
    assert any("Index" in row[0] for row in kept)


async def _plan(connection: Connection) -> str:
    return "\n".join([row[0] for row in await connection.fetch(f"EXPLAIN {ONE_OF_FEW}")])


async def test_who_is_stopped_while_somebody_reads_on_its_connection_does_not_take_it_for_away(
    database: Database,
) -> None:
    reading, beside = asyncio.Event(), set["asyncio.Task[str]"]()

    async def read_beside() -> None:
        async with database.transaction() as connection:
            beside.add(asyncio.create_task(connection.execute("SELECT pg_sleep(0.5)")))
            await asyncio.sleep(0)
            reading.set()
            await asyncio.Event().wait()

    stopped = asyncio.create_task(read_beside())
    await reading.wait()
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    await asyncio.gather(*beside, return_exceptions=True)
