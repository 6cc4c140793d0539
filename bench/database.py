"""One service's own database on a PostgreSQL that is started for a benchmark, and gone afterwards."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.home import Home
from local.parts.postgres import Postgres
from local.stack import Parts, environment, stop_parts
from shared.db import Database, migrate, provision


@dataclass(frozen=True)
class Fresh:
    """``told`` are the service's variables; the broker among them does not run."""

    home: Home
    told: dict[str, str]

    @property
    def dsn(self) -> str:
        return self.told["JIGSAW_DATABASE"]


@asynccontextmanager
async def fresh_database(service: str) -> AsyncIterator[Fresh]:
    """The service's database, migrated and empty. fsync is on, as everywhere."""
    with tempfile.TemporaryDirectory(prefix="jigsaw-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        home.make()
        try:
            postgres = os.environ.get("JIGSAW_POSTGRES") or Postgres(home).start()
            told = environment(home, Parts("127.0.0.1:9", postgres, "", []), service)
            await provision(postgres, service, home.secret(f"{service}_owner"), home.secret(service))
            await migrate(told["JIGSAW_OWNER_DATABASE"], service)
            yield Fresh(home, told)
        finally:
            stop_parts(home)


async def postmaster_of(database: Database) -> psutil.Process | None:
    """The server's first process, where it is on this machine."""
    async with database.transaction() as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
    try:
        found = psutil.Process(backend).parent()
        return found if found and found.name() == "postgres" else None
    except psutil.NoSuchProcess:
        return None  # in a container, or on another machine


def cpu_of(postmaster: psutil.Process | None) -> float:
    """Seconds of the server's processes; 0 when it is not on this machine."""
    spent = 0.0
    for process in postmaster.children() if postmaster else ():
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:2])
    return spent
