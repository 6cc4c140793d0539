"""The alerts database, real and empty for each test module."""

from collections.abc import AsyncIterator

import pytest

from local.stack import Parts
from shared.db import Database
from tests.parts import Databases, fresh_database


@pytest.fixture(scope="module")
async def databases(parts: Parts) -> Databases:
    return await fresh_database(parts, "alerts")


@pytest.fixture(scope="module")
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.dsn)
    await database.open()
    yield database
    await database.close()
