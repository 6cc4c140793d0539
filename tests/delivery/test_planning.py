"""How a service's statements are planned while its tables are still small."""

from local.stack import Parts
from shared.db import Connection, Database, read_whole
from tests.parts import connected, fresh_database

ONE_OF_FEW = "SELECT in_a_row FROM faults WHERE one"
"""PostgreSQL would rather read a table of one row whole."""


async def test_only_who_asks_to_reads_a_table_whole_and_only_until_its_transaction_ends(parts: Parts) -> None:
    databases = await fresh_database(parts, "toy")
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("ANALYZE faults")
    database = Database(databases.dsn)
    await database.open()
    try:
        async with database.transaction() as connection:
            batch = await _plan(connection)
            await read_whole(connection)
            page = await _plan(connection)
        async with database.transaction() as connection:
            next_batch = await _plan(connection)
    finally:
        await database.close()
    assert "Seq Scan" in page
    assert "Index" in batch
    assert "Index" in next_batch


async def _plan(connection: Connection) -> str:
    return "\n".join([row[0] for row in await connection.fetch(f"EXPLAIN {ONE_OF_FEW}")])
