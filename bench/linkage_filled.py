"""Linkage's tables filled with the first records of a crowd by ``jigsaw linkage load``'s own engine, in a process of
its own, whose memory is not the measured one's: ``python -m bench.linkage_filled RECORDS OF``.
"""

import asyncio
import gc
import os
import sys

import uvloop

from bench.crowd import Crowd
from bench.linkage_office import MODELS, NO_BROKER, NOON, Acknowledged, id_of
from services.linkage.loading import Loading
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse
from services.linkage.models.relinking import Progress
from services.linkage.purposes.terms import Terms
from services.linkage.records import Published
from shared.contracts import Kind
from shared.db import Database


async def load(dsn: str, records: int, of: int) -> None:
    """Fill a database with ``records`` of a crowd of so many."""
    database = Database(dsn)
    await database.open()
    outbox = Acknowledged(database, NO_BROKER, "linkage")
    in_use = InUse(Model.load((MODELS / "person.json").read_text()))
    identities = enumerate(Crowd(of).identities(0, records))
    said = (Published(id_of(at), Kind.PERSON, "bench", "bench", one, NOON) for at, one in identities)
    await Loading(database, outbox, in_use, Terms(), Progress()).load({one.id: [one] for one in said}, NOON)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
    await database.close()


async def filled(dsn: str, records: int, of: int) -> None:
    """The same, in a process of its own."""
    told = {**os.environ, "BENCH_DATABASE": dsn}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.linkage_filled", str(records), str(of), env=told
    )
    if await process.wait():
        raise RuntimeError(f"the load of {records} records failed: see above")


if __name__ == "__main__":
    gc.disable()  # as `jigsaw linkage` does
    uvloop.run(load(os.environ["BENCH_DATABASE"], *map(int, sys.argv[1:])))
