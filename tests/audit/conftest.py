"""A real database for audit, empty for each test, and the two keys of the log."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import pytest

from local.stack import Parts
from services.audit.checkpoint import Signer
from services.audit.log import Log
from services.audit.store import AuditStore
from shared.contracts import Access, Action
from shared.db import Database
from tests.parts import Databases, connected, fresh_database

TABLES = "entries, subtrees, checkpoints, erasures, subjects, inbox, outbox"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = [uuid5(NAMESPACE_OID, f"audit's person {n}") for n in range(39)]
"""Nobody else's: whoever runs before on the same broker has said things of people too."""
PURPOSE = "a purpose that only the payload names"


def access(place: int = 0, **changes: object) -> Access:
    """One entry like those of the running system, different for each place."""
    said = {
        "at": NOON + timedelta(milliseconds=place), "actor": ("service:scoring", "sian", "service:alerts")[place % 3],
        "role": "youth-worker", "service": "scoring", "action": Action.CONSULTATION,
        "subject": None if place % 17 == 16 else PEOPLE[place % len(PEOPLE)], "purpose": PURPOSE,
        "agreement": "schools", "fields": ["given", "family"], "reference": f"receipt-{place}", "trace": "00-0",
    }  # fmt: skip
    return Access.model_validate(said | changes)


@pytest.fixture(scope="session")
async def databases(parts: Parts) -> Databases:
    return await fresh_database(parts, "audit")


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(f"TRUNCATE {TABLES}")
    database = Database(databases.dsn)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def sealing_key() -> bytes:
    return os.urandom(32)


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer("jigsaw/audit", os.urandom(32))


@pytest.fixture
def log(signer: Signer, sealing_key: bytes) -> Log:
    return Log(signer, sealing_key)


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "witness"


Append = Callable[..., Awaitable[None]]


@pytest.fixture
def append(database: Database, log: Log) -> Append:
    """Append entries for these places, each call a transaction."""

    async def appended(*places: int) -> None:
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(place) for place in places], NOON)

    return appended
