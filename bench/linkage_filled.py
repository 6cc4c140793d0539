"""Linkage's tables filled with the first records of a crowd by ``jigsaw linkage load``'s own engine, in a process of
its own, whose memory is not the measured one's: ``python -m bench.linkage_filled FROM TO OF``.
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

AT_ONCE = 2_500_000
"""Records of a load: what partners say in it is in memory beside the index, and both must have room."""


async def load(dsn: str, start: int, stop: int, of: int) -> None:
    """Load the records from ``start`` to before ``stop`` of a crowd of so many into a database."""
    database = Database(dsn)
    await database.open()
    outbox = Acknowledged(database, NO_BROKER, "linkage")
    in_use = InUse(Model.load((MODELS / "person.json").read_text()))
    identities = enumerate(Crowd(of).identities(start, stop), start)
    said = (Published(id_of(at), Kind.PERSON, "bench", "bench", one, NOON) for at, one in identities)
    await Loading(database, outbox, in_use, Terms(), Progress()).load({one.id: [one] for one in said}, NOON)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
    await database.close()


async def filled(dsn: str, records: int, of: int) -> None:
    """Fill a database with the first ``records`` of a crowd of so many, ``AT_ONCE`` at a time."""
    told = {**os.environ, "BENCH_DATABASE": dsn}
    for start in range(0, records, AT_ONCE):
        numbers = map(str, (start, min(start + AT_ONCE, records), of))
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.linkage_filled", *numbers, env=told)
        if await process.wait():
            raise RuntimeError(f"the load of the records from {start} on failed: see above")


if __name__ == "__main__":
    gc.disable()  # as `jigsaw linkage` does
    uvloop.run(load(os.environ["BENCH_DATABASE"], *map(int, sys.argv[1:])))
