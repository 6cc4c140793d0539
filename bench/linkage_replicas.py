"""Several replicas of linkage on one index, each a process, in two ways. *By turns*: one hears, the others stand by and
follow; it is killed in the middle of a batch, and the next goes on from what is committed. *At once*: all hear, each a
share of the batches: no way to run them, and the hardest on the index. Either way, after each batch a record is taken
out and a pair decided about, as at a desk. ``python -m bench.linkage_replicas`` is one replica.
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
from bench.linkage_office import BATCH, NOON, Office, id_of, message, opened
from services.linkage import metrics
from services.linkage.index.changes import Decide
from services.linkage.live import changing, keep
from services.linkage.purposes.leaving import take_out
from services.linkage.standby import Standby
from shared.contracts import Kind
from shared.errors import Unavailable
from shared.turn import Turn

LOOK_SECONDS = 0.01
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def measured(records: int, replicas: int, *, at_once: bool) -> tuple[dict[str, Any], set[frozenset[UUID]]]:
    """Records a second with so many replicas, of which all but the last are killed unless they hear at once; how often
    PostgreSQL broke a deadlock, which is tried again; and the partition."""
    async with fresh_database("linkage") as fresh:
        told = {**os.environ, **fresh.told, "BENCH_RECORDS": str(records), "BENCH_REPLICAS": str(replicas)}
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.linkage_replicas",
                env={**told, "BENCH_SHARE": str(number if at_once else -1)},
            )
            for number in range(replicas)
        ]  # fmt: skip
        connection = await asyncpg.connect(fresh.dsn)
        try:
            await _until(connection, 1)
            began = perf_counter()
            for part in range(1, 1 if at_once else replicas):
                await _until(connection, records * part // replicas)
                pid = await _leader(connection)
                leader = next(one for one in processes if one.pid == pid)
                leader.send_signal(signal.SIGKILL)
                await leader.wait()
            if any([await one.wait() not in (0, -signal.SIGKILL) for one in processes]):
                raise RuntimeError("a replica failed, or was not what is committed: see above")
            took = perf_counter() - began
            deadlocks = await connection.fetchval(DEADLOCKS)
            async with opened(fresh.dsn) as office:
                return {"records_per_s": round(records / took), "deadlocks": deadlocks}, await office.partition()
        finally:
            await connection.close()
            for process in processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", heard: int) -> None:
    while await connection.fetchval("SELECT count(*) FROM inbox") < heard:  # noqa: ASYNC110 (another process writes)
        await asyncio.sleep(LOOK_SECONDS)


async def _leader(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """The process whose turn it is: its name is in its connections'."""
    name = await connection.fetchval(
        "SELECT application_name FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.granted AND application_name LIKE 'replica-%'"
    )
    return int(name.removeprefix("replica-"))


async def replica(told: dict[str, str]) -> None:
    """Hear all messages, or a share of the batches. What others did the inbox drops; at the desk, doing it again does
    nothing."""
    crowd, share, replicas = Crowd(int(told["BENCH_RECORDS"])), int(told["BENCH_SHARE"]), int(told["BENCH_REPLICAS"])
    starts = range(0, len(crowd), BATCH)[max(share, 0) :: replicas if share >= 0 else 1]
    done = asyncio.Event()
    async with opened(f"{told['JIGSAW_DATABASE']}?application_name=replica-{os.getpid()}") as office:

        async def hear() -> None:
            for start in starts:
                identities = enumerate(crowd.identities(start, start + BATCH), start)
                await office.bus.do([message(at, identity) for at, identity in identities])
                await _desk(office, start)
            done.set()

        turn = hear() if share >= 0 else Turn(office.database, "linkage hears").keep(hear)
        tasks = [asyncio.create_task(turn), asyncio.create_task(Standby(office.worker, office.index).run())]
        await done.wait()
        for task in tasks:
            task.cancel()
    sys.exit(bool(next(iter(metrics.DIVERGED.collect())).samples[0].value))


async def _desk(office: Office, start: int) -> None:
    """Take a record of a batch out, and decide about two others of it, whatever it takes."""
    one, other = sorted((id_of(start + 1), id_of(start + 2)))
    verdict: Any = "must" if start // BATCH % 2 else "must_not"
    while True:
        try:
            async with changing(office.worker, office.index) as (work, version):
                await take_out({id_of(start): Kind.PERSON}, (), office.index, work.store, version)
            async with changing(office.worker, office.index) as (work, version):
                linked = office.index.decide([Decide(one, other, verdict)], version)
                await work.store.rule([(one, other)], verdict, "bench", "", NOON)
                await keep(linked, work.store, version)
            return
        except Unavailable:
            await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    uvloop.run(replica(dict(os.environ)))
