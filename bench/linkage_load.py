"""How fast the first millions are linked, and another model takes over: ``jigsaw bench linkage-load [RECORDS]``.

A crowd (``crowd``) goes through ``jigsaw linkage load``'s engine into an empty index (1,000,000 records unless said
otherwise), fsync on; reading and judging the file is not in it. Then everything is linked anew under another model and
switched, as ``jigsaw linkage switch`` does, beside the replica that would hear the stream. Memory is the peak of this
process, which holds what in production is three: the load's index, the relinking one and the replica's. The processes
that weigh pairs have a copy of the traits each besides.
"""

import asyncio
import gc
import resource
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any
from uuid import UUID

import uvloop

from bench.crowd import Crowd
from bench.database import fresh_database
from bench.linkage_office import MODELS, NO_BROKER, NOON, Acknowledged, id_of
from bench.stack import say
from services.linkage.engines.duck import DuckDB
from services.linkage.live import LiveIndex
from services.linkage.loading import Loading
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse
from services.linkage.models.relinking import Progress, Relinking
from services.linkage.models.switching import Switching
from services.linkage.purposes.terms import Terms
from services.linkage.records import Published
from services.linkage.store import LinkageStore
from shared.contracts import Kind
from shared.db import Database
from shared.work import Worker

FULL, QUICK = 1_000_000, 20_000


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    records = int(arguments[0]) if arguments else QUICK if quick else FULL
    gc.disable()  # as `jigsaw linkage` does
    return uvloop.run(_measured(records))


async def _measured(records: int) -> dict[str, Any]:
    model = Model.load((MODELS / "person.json").read_text())
    other = replace(model, name="other", thresholds=replace(model.thresholds, link=model.thresholds.link + 1000))
    in_use = InUse(model)
    async with fresh_database("linkage") as fresh:
        database = Database(fresh.dsn)
        await database.open()
        outbox = Acknowledged(database, NO_BROKER, "linkage")
        loaded = await _load(Loading(database, outbox, in_use, Terms(), _progress(clock := _Clock())), records, clock)
        worker = Worker("linkage", database, outbox, LinkageStore, bytes(32))
        switched = await _switch(database, Switching(worker, LiveIndex(in_use), in_use), other)
        await database.close()
    return {"records": records} | loaded | switched


class _Clock:
    """When the engine said that it takes the lock and writes."""

    def __init__(self) -> None:
        self.began = self.wrote = perf_counter()

    def note(self, sentence: str) -> None:
        say(sentence)
        self.wrote = perf_counter()


async def _load(loading: Loading, records: int, clock: _Clock) -> dict[str, Any]:
    say(f"Making {records:,} records")
    said = (_published(id_of(at), identity) for at, identity in enumerate(Crowd(records).identities(0, records)))
    published = {one.id: [one] for one in said}
    clock.began = perf_counter()
    found = await loading.load(published, NOON)
    took = perf_counter() - clock.began
    return {
        "entities": found.entities, "records_per_s": round(records / took), "load_s": round(took, 1),
        "stream_waits_s": round(perf_counter() - clock.wrote, 1), "load_peak_rss_mb": _peak(),
    }  # fmt: skip


async def _switch(database: Database, switching: Switching, other: Model) -> dict[str, Any]:
    relinking = Relinking(database, "bench", _progress(_Clock()))
    began = perf_counter()
    _, _, found = await relinking.shadow(other)
    shadow_s = perf_counter() - began
    began = perf_counter()
    task = asyncio.create_task(relinking.switch(other.version))
    while not task.done():
        await switching.look()
        await asyncio.sleep(0.1)
    await task
    return {
        "shadow_s": round(shadow_s, 1), "joined": found.joined, "parted": found.parted,
        "switch_s": round(perf_counter() - began, 1), "peak_rss_mb": _peak(),
    }  # fmt: skip


def _progress(clock: _Clock) -> Progress:
    return Progress(clock.note, bulk=DuckDB(progress=lambda done, of: say(f"Compared {done:,} of {of:,}")))


def _published(id: UUID, identity: Mapping[str, str]) -> Published:
    return Published(id, Kind.PERSON, "bench", "bench", identity, NOON)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
