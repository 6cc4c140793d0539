"""The scoring database, real and empty for each test module, and an initiative at work."""

from collections.abc import AsyncIterator

import pytest

from local.stack import Parts
from services.scoring.judging import Running, load
from shared.db import Database
from shared.initiatives import Initiatives
from tests.parts import Databases, fresh_database
from tests.scoring.initiative import write


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> list[Running]:
    return load(Initiatives.load(write(tmp_path_factory.mktemp("initiatives"))))


@pytest.fixture(scope="session")
def running_for_some(tmp_path_factory: pytest.TempPathFactory) -> list[Running]:
    """The same initiative, but only for those who last missed some of their lessons."""
    some = {"feature": "last_missed", "least": 3, "most": 8}
    change = lambda said: said["data"].update(population=some)  # noqa: E731
    return load(Initiatives.load(write(tmp_path_factory.mktemp("initiatives"), change=change)))


@pytest.fixture(scope="module")
async def databases(parts: Parts) -> Databases:
    return await fresh_database(parts, "scoring")


@pytest.fixture(scope="module")
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.dsn)
    await database.open()
    yield database
    await database.close()
