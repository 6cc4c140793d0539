"""What a service can count on of its database: how statements are planned while tables are small, and that whoever is
stopped stops."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from local.stack import Parts
from shared.db import Connection, Database, read_whole
from shared.errors import Again
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


MORE = "WITH counted AS (UPDATE faults SET in_a_row = in_a_row + $1)\nSELECT NULL"
BESIDE = "WITH beside AS (SELECT $1::text AS it)\nSELECT (SELECT it FROM beside)"
COUNTED = "SELECT in_a_row FROM faults"


@pytest.fixture
async def counting(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.execute("UPDATE faults SET in_a_row = 0")
    return database


async def _counted(database: Database) -> int:
    async with database.transaction() as connection:
        counted: int = await connection.fetchval(COUNTED)
    return counted


async def test_what_is_written_without_asking_is_one_statement(counting: Database) -> None:
    async with counting.transaction(begun=False) as connection:
        await connection.write(MORE, 3)
        answer = await connection.end(BESIDE, "beside it")
        others = await _counted(counting)
        with pytest.raises(RuntimeError):
            await connection.fetchval(COUNTED)
    assert (answer, others) == ("beside it", 3), "it is committed before the block ends"


async def test_what_is_asked_after_a_write_comes_after_it_and_all_of_it_is_one_transaction(counting: Database) -> None:
    async with counting.transaction(begun=False) as connection:
        await connection.write(MORE, 1)
        first = await connection.fetchval(COUNTED)
        await connection.write(MORE, 2)
        await connection.write(MORE, 4)
        answer = await connection.end(BESIDE, "beside it")
        others = await _counted(counting)
    assert (first, answer, others) == (1, "beside it", 0)
    assert await _counted(counting) == 7


@pytest.mark.parametrize("begun", [False, True])
async def test_what_waits_is_written_when_the_block_ends_and_not_when_it_fails(counting: Database, begun: bool) -> None:
    async def write(*, failing: bool) -> None:
        async with counting.transaction(begun=begun) as connection:
            await connection.write(MORE, 1)
            if failing:
                raise KeyError

    await write(failing=False)
    with pytest.raises(KeyError):
        await write(failing=True)
    assert await _counted(counting) == 1


@pytest.mark.parametrize("begun", [False, True])
async def test_what_the_database_says_was_taken_for_granted_wrongly_leaves_nothing(
    counting: Database, begun: bool
) -> None:
    async def write() -> None:
        async with counting.transaction(begun=begun) as connection:
            await connection.write(MORE, 1)
            await connection.end(BESIDE.replace("(SELECT it FROM beside)", "again($1)"), "something else is so")

    with pytest.raises(Again, match="something else"):
        await write()
    assert await _counted(counting) == 0
