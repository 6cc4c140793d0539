"""Ingest as it runs, on the real parts, for these tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from local.stack import Parts
from services.ingest.keys import issue_key
from services.ingest.main import service
from services.ingest.settings import IngestSettings
from services.ingest.store import IngestStore
from shared.service import Service
from tests.ingest.sent import Sent, listening
from tests.parts import Databases, fresh_database


@pytest.fixture(scope="module")
async def database(parts: Parts) -> Databases:
    return await fresh_database(parts, "ingest")


def settings_of(parts: Parts, database: Databases, **more: object) -> IngestSettings:
    return IngestSettings.model_validate(
        {
            "kafka": parts.kafka, "database": SecretStr(database.dsn), "redis": parts.redis,
            "sealing_key": SecretStr("07" * 32), "session_key": SecretStr("session-" * 8), **more,
        }
    )  # fmt: skip


@asynccontextmanager
async def running(settings: IngestSettings) -> AsyncIterator[Service[IngestStore]]:
    """A replica of the service: everything but the socket."""
    replica = service(settings)
    async with replica.app.router.lifespan_context(replica.app):
        yield replica


@pytest.fixture(scope="module")
async def ingest(parts: Parts, topics: None, database: Databases) -> AsyncIterator[Service[IngestStore]]:
    async with running(settings_of(parts, database, quota_factor=1000)) as replica:
        yield replica


@pytest.fixture(scope="module")
async def housing(ingest: Service[IngestStore]) -> AsyncIterator[httpx.AsyncClient]:
    """The housing partner's client, with its key."""
    async with client_of(ingest, await issue_key(ingest.worker, "housing")) as client:
        yield client


def client_of(replica: Service[IngestStore], key: str = "") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(replica.app)
    return httpx.AsyncClient(transport=transport, base_url="http://ingest", headers={"X-API-Key": key} if key else {})


@pytest.fixture
async def rows(database: Databases) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The database, for looking."""
    connection = await asyncpg.connect(database.owner_dsn)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def sent(parts: Parts, topics: None) -> AsyncIterator[Sent]:
    async with listening(parts.kafka) as sent:
        yield sent
