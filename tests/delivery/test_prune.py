"""The inbox forgets what is old, however much of it there is, and nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from local.stack import Parts
from shared.db import Database
from shared.prune import PRUNE, STEP, prune
from tests.parts import Databases, connected, fresh_database

AGE = timedelta(days=9)
FILL = """
INSERT INTO inbox (id, at)
SELECT gen_random_uuid(), now() - make_interval(days => $1::int) FROM generate_series(1, $2::int)
"""
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM inbox) < 1000 THEN RAISE 'too much'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER DELETE ON inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse();
"""


@pytest.fixture
async def databases(parts: Parts) -> Databases:
    return await fresh_database(parts, "toy")


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.dsn)
    await database.open()
    yield database
    await database.close()


async def test_all_that_is_old_goes_in_steps_and_what_is_new_stays(databases: Databases, database: Database) -> None:
    async with connected(databases.dsn) as connection:
        await connection.execute(FILL, 10, 2500)
        await connection.execute(FILL, 8, 70)
        assert await prune(database, AGE, step=1000) == 2500
        assert await connection.fetchval("SELECT count(*) FROM inbox") == 70
        assert await prune(database, AGE, step=70) == 0
        assert await prune(database, timedelta(days=7), step=70) == 70


async def test_what_went_stays_gone_when_a_later_step_fails(databases: Databases, database: Database) -> None:
    """As one DELETE of everything it would have been undone, hour after hour, with more to delete each time."""
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(FILL, 10, 2500)
        await owner.execute(REFUSE)
        with pytest.raises(asyncpg.RaiseError):
            await prune(database, AGE, step=1000)
        assert await owner.fetchval("SELECT count(*) FROM inbox") == 1500


async def test_a_step_reads_what_is_old_and_no_more(databases: Databases, database: Database) -> None:
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(FILL, 1, 100_000)
        await owner.execute("ANALYZE inbox")
    async with database.transaction() as connection:
        plan = "\n".join([row[0] for row in await connection.fetch(f"EXPLAIN {PRUNE}", AGE, STEP)])
    assert "inbox_at" in plan
    assert "Tid Scan" in plan
    assert "Seq Scan" not in plan
