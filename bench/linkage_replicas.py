"""Several replicas of linkage on one index, each a process: one has its turn, the others stand by; it is killed in the
middle of a batch, and the next goes on from what is committed. ``python -m bench.linkage_replicas`` is one replica.
"""

import asyncio
import os
import signal
import sys
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from bench.crowd import Crowd
from bench.database import fresh_database
from bench.linkage_office import BATCH, message, opened
from shared.turn import Turn

LOOK_SECONDS = 0.01


async def measured(records: int, replicas: int) -> tuple[dict[str, Any], set[frozenset[UUID]]]:
    """Records a second with so many replicas, of which all but the last are killed; and the partition."""
    async with fresh_database("linkage") as fresh:
        told = {**os.environ, **fresh.told, "BENCH_RECORDS": str(records)}
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.linkage_replicas", env=told)
            for _ in range(replicas)
        ]
        connection = await asyncpg.connect(fresh.dsn)
        try:
            await _until(connection, 1)
            began = perf_counter()
            for part in range(1, replicas):
                await _until(connection, records * part // replicas)
                pid = await _leader(connection)
                leader = next(one for one in processes if one.pid == pid)
                leader.send_signal(signal.SIGKILL)
                await leader.wait()
            await _until(connection, records)
            took = perf_counter() - began
            async with opened(fresh.dsn) as office:
                return {"records_per_s": round(records / took), "killed": replicas - 1}, await office.partition()
        finally:
            await connection.close()
            for process in processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", records: int) -> None:
    while await connection.fetchval("SELECT count(*) FROM records") < records:  # noqa: ASYNC110 (another process writes)
        await asyncio.sleep(LOOK_SECONDS)


async def _leader(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """The process whose turn it is: its name is in its connections'."""
    name = await connection.fetchval(
        "SELECT application_name FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.granted AND application_name LIKE 'replica-%'"
    )
    return int(name.removeprefix("replica-"))


async def replica(told: dict[str, str]) -> None:
    """Hear everything from the first message on, once it is our turn: the inbox drops what others did."""
    crowd = Crowd(int(told["BENCH_RECORDS"]))
    messages = [message(at, identity) for at, identity in enumerate(crowd.identities(0, len(crowd)))]
    async with opened(f"{told['JIGSAW_DATABASE']}?application_name=replica-{os.getpid()}") as office:

        async def hear() -> None:
            for start in range(0, len(messages), BATCH):
                await office.bus.do(messages[start : start + BATCH])

        await Turn(office.database, "linkage hears").keep(hear)


if __name__ == "__main__":
    uvloop.run(replica(dict(os.environ)))
