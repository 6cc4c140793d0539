"""Real parts for the tests: one Kafka, PostgreSQL and Valkey for each process that runs some, one database a service
and module."""

import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from local.home import Home
from local.stack import Parts, start_parts, stop_parts
from shared.admin import create_topics
from shared.contracts import Topic
from shared.db import PLANNING, migrate, provision
from shared.kafka import client


@dataclass(frozen=True)
class Databases:
    """How to reach one service's database."""

    service: str
    dsn: str
    owner_dsn: str


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    path = tmp_path_factory.mktemp("home") / "jigsaw"
    base = tmp_path_factory.getbasetemp()
    outermost = base.parents["PYTEST_XDIST_WORKER" in os.environ]  # pytest-xdist gives each worker a folder in it
    for folder in path.parents:
        if folder.is_relative_to(outermost) and folder.owner() == Path.home().owner():
            folder.chmod(0o711)  # as root, PostgreSQL runs as a user of its own and must pass through
    home = Home(path)
    yield home
    stop_parts(home)


@pytest.fixture(scope="session")
def parts(home: Home) -> Parts:
    return start_parts(home)


@pytest.fixture(scope="session")
async def topics(parts: Parts) -> None:
    await create_topics(parts.kafka)


async def fresh_database(parts: Parts, service: str) -> Databases:
    """The service's database, empty and migrated: what an earlier module left is dropped, and what it left on the bus
    is not heard."""
    await _hear_from_now(parts.kafka, service)
    admin = await asyncpg.connect(parts.postgres)
    await admin.execute(f"DROP DATABASE IF EXISTS jigsaw_{service} WITH (FORCE)")
    await admin.close()
    await provision(parts.postgres, service, "owner-secret", "secret")
    databases = Databases(
        service,
        _at(parts.postgres, service, "secret", f"jigsaw_{service}"),
        _at(parts.postgres, f"{service}_owner", "owner-secret", f"jigsaw_{service}"),
    )
    await migrate(databases.owner_dsn, service)
    return databases


async def _hear_from_now(servers: str, service: str) -> None:
    """Commit for the service's group, which has no member, that it has heard everything there is."""
    consumer = AIOKafkaConsumer(**client(servers), group_id=service, enable_auto_commit=False)
    await consumer.start()
    try:
        # What `partitions_for_topic` knows, a refresh in the background may have forgotten: nothing is subscribed to.
        there = await consumer.topics()
        specs = [topic.spec for topic in Topic if topic.spec.name in there]
        partitions = [TopicPartition(spec.name, at) for spec in specs for at in range(spec.partitions)]
        if partitions:
            consumer.assign(partitions)
            await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def plan_of(dsn: str, query: str, arguments: Sequence[object], *, anew: bool = False) -> str:
    """How PostgreSQL would answer a service: by the plan that it keeps, or one that is made ``anew`` for these."""
    async with connected(dsn) as connection:
        await connection.execute("; ".join(f"SET {setting} = {value}" for setting, value in PLANNING.items()))
        if anew:
            rows = await connection.fetch(f"EXPLAIN {query}", *arguments)
        else:
            await connection.execute(f"PREPARE asked AS {query}")
            values = ", ".join("NULL" for _ in arguments)
            rows = await connection.fetch(f"EXPLAIN EXECUTE asked {f'({values})' if values else ''}")
        return "\n".join([row[0] for row in rows])


def asks(service: str, name: str) -> bool:
    """Does a module of the service use its named statement?"""
    folder = Path(__file__).parents[1] / "services" / service
    asked = re.compile(rf'(Q\[|read\(\s*)"{name}"')
    return any(asked.search(module.read_text()) for module in folder.rglob("*.py"))


def _at(admin_dsn: str, user: str, password: str, database: str) -> str:
    parsed = urlsplit(admin_dsn)
    return urlunsplit((parsed.scheme, f"{user}:{password}@{parsed.hostname}:{parsed.port}", f"/{database}", "", ""))
