"""How fast records are linked, durably, and how that grows: ``jigsaw bench linkage-speed [--index 50k|1m|5m]``.

Each figure is from consumed to committed (``linkage_office``), under the model that ships, fsync on, with a crowd that
is made here (``crowd``), at first on an index of 50,000 records. A naive index in PostgreSQL (``linkage_naive``) does
the same crowd beside it, so that the ratio means something elsewhere too. Growth compares the cost of a record, CPU of
Python and PostgreSQL together and by the clock, at sizes ten times apart, each a crowd of its own, as dense as the
other. ``--index``: only an index of that size, compared with one of 100,000. An index is loaded (``linkage_filled``)
and read into memory, as by a replica that starts; only the last records are streamed.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import psutil
import uvloop

from bench import linkage_naive, linkage_replicas
from bench.crowd import Crowd
from bench.database import Fresh, cpu_of, fresh_database, postmaster_of
from bench.linkage_filled import filled
from bench.linkage_office import BATCH, Heard, Office, message, opened
from bench.stack import say
from services.linkage import metrics
from services.linkage.store import LinkageStore

MEGABYTE = 1024 * 1024
NAIVE = 100_000
"""The largest index that the naive one is measured beside: it would take hours to fill."""
SMALL, ALONE = 100_000, 100
"""The index that larger ones are compared with, and how many records are then said one at a time."""


@dataclass(frozen=True)
class Plan:
    """How many records of what."""

    index: int = 50_000
    new: int = 10_000
    alone: int = 1_000
    unchanged: int = 30_000
    growth: tuple[int, int] | None = (100_000, 1_000_000)
    replicated: int = 20_000
    replicas: tuple[int, ...] = (1, 2, 4)


QUICK = Plan(10_000, 3_000, 300, 5_000, (2_000, 20_000), 3_000, (1, 2))


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    plan = QUICK if quick else Plan()
    if "--index" in arguments:
        plan = _only(plan, arguments[arguments.index("--index") + 1])
    return uvloop.run(_measured(plan))


def _only(plan: Plan, size: str) -> Plan:
    records = int(size.lower().replace("k", "000").replace("m", "000000"))
    return replace(plan, index=records, growth=(SMALL, records) if records > SMALL else None, replicas=())


async def _measured(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = {"index": plan.index}
    crowd = Crowd(plan.index + plan.new + plan.alone)
    async with fresh_database("linkage") as fresh:
        found |= await _stream(fresh, crowd, plan)
        if plan.index <= NAIVE:
            found |= await _naive(fresh, crowd, plan)
            found["times_naive"] = round(found["records_per_s"] / found["naive_records_per_s"], 1)
    if plan.growth:
        found |= await _growth(*plan.growth, plan.new, found)
    if plan.replicas:
        found |= await _replicas(plan)
    return found


async def _stream(fresh: Fresh, crowd: Crowd, plan: Plan) -> dict[str, Any]:
    say(f"Loading {plan.index} records")
    await filled(fresh.dsn, plan.index, len(crowd))
    async with opened(fresh.dsn) as office:
        say("Reading them into memory")
        before = _memory()
        rebuilt = await _rebuilt(office)
        memory, disk = _memory() - before, await _disk(office)
        say(f"Streaming {plan.new} new records, then {plan.alone} one at a time")
        streamed = await _cost(office, _messages(crowd, plan.index, plan.index + plan.new))
        times = [1000 * await _timed(office, [one]) for one in _messages(crowd, plan.index + plan.new, len(crowd))]
        again = [*_messages(crowd, 0, min(plan.unchanged, plan.index), timedelta(hours=1))]
        unchanged = await _cost(office, iter(again))
    twentieths = quantiles(times, n=20)
    return {
        "records_per_s": round(streamed.per_s), "cpu_us_per_record": round(streamed.cpu_us),
        "compared_per_record": round(streamed.compared, 1),
        "one_p50_ms": round(median(times), 2), "one_p95_ms": round(twentieths[18], 2),
        "unchanged_per_s": round(unchanged.per_s), "cpu_us_per_unchanged": round(unchanged.cpu_us),
        "memory_mb": round(memory), "memory_bytes_per_record": round(memory * MEGABYTE / plan.index),
        "disk_mb": round(disk), "disk_bytes_per_record": round(disk * MEGABYTE / plan.index),
    } | rebuilt  # fmt: skip


async def _rebuilt(office: Office) -> dict[str, Any]:
    """What a replica that starts does first: the whole index from its rows."""
    began, spent = perf_counter(), process_time()
    async with office.database.transaction() as connection:
        await office.index.catch_up(LinkageStore(connection))
    return {"rebuild_s": round(perf_counter() - began, 1), "rebuild_cpu_s": round(process_time() - spent, 1)}


@dataclass(frozen=True)
class Cost:
    """Of many messages in batches of ``BATCH``."""

    per_s: float
    cpu_us: float
    compared: float


def _messages(crowd: Crowd, start: int, stop: int, after: timedelta = timedelta(0)) -> Iterator[Heard]:
    for at, identity in enumerate(crowd.identities(start, stop), start):
        yield message(at, identity, after)


async def _cost(office: Office, messages: Iterator[Heard]) -> Cost:
    batches = [list(messages)]
    batches = [batches[0][at : at + BATCH] for at in range(0, len(batches[0]), BATCH)]
    postmaster = await postmaster_of(office.database)
    spent, compared = -process_time() - cpu_of(postmaster), -_compared()
    took = sum([await _timed(office, batch) for batch in batches])
    spent += process_time() + cpu_of(postmaster)
    done, compared = sum(map(len, batches)), compared + _compared()
    return Cost(done / took, 1e6 * spent / done, compared / done)


def _compared() -> float:
    """Pairs compared in this process so far."""
    return next(
        sample.value for one in metrics.COMPARED.collect() for sample in one.samples if sample.name.endswith("_total")
    )


async def _timed(office: Office, batch: Sequence[Heard]) -> float:
    began = perf_counter()
    await office.bus.do(batch)
    return perf_counter() - began


async def _disk(office: Office) -> float:
    """Megabytes of the index's tables with their indexes."""
    async with office.database.transaction() as connection:
        size: int = await connection.fetchval(
            "SELECT sum(pg_total_relation_size(name::regclass))::bigint"
            " FROM unnest(ARRAY['records', 'identities', 'entities']) AS n (name)"
        )
    return size / MEGABYTE


def _memory() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / MEGABYTE


async def _naive(fresh: Fresh, crowd: Crowd, plan: Plan) -> dict[str, Any]:
    dsn = fresh.told["JIGSAW_OWNER_DATABASE"]
    known, new = list(crowd.identities(0, plan.index)), list(crowd.identities(plan.index, len(crowd)))
    say("The naive index in PostgreSQL, with our keys and with a handful")
    same, alone = await linkage_naive.measured(dsn, linkage_naive.same_keys, known, new, plan.alone)
    few, few_alone = await linkage_naive.measured(dsn, linkage_naive.few_keys, known, new, plan.alone)
    return {
        "naive_records_per_s": round(same), "naive_one_p50_ms": round(alone, 2),
        "naive_few_keys_records_per_s": round(few), "naive_few_keys_one_p50_ms": round(few_alone, 2),
    }  # fmt: skip


async def _growth(small: int, large: int, new: int, known: dict[str, Any]) -> dict[str, Any]:
    """The cost of a record at one size over that at another, as far as it is not ``known``."""
    first = await _at(small, new)
    second = known if known["index"] == large else await _at(large, new)
    name = f"growth_{_short(large)}_over_{_short(small)}"
    return {
        name: round(second["cpu_us_per_record"] / first["cpu_us_per_record"], 2),
        f"{name}_by_clock": round(first["records_per_s"] / second["records_per_s"], 2),
        f"cpu_us_per_record_at_{_short(small)}": first["cpu_us_per_record"],
        f"compared_per_record_at_{_short(small)}": first["compared_per_record"],
        f"records_per_s_at_{_short(large)}": second["records_per_s"],
    }  # fmt: skip


async def _at(size: int, new: int) -> dict[str, Any]:
    async with fresh_database("linkage") as fresh:
        return await _stream(fresh, Crowd(size + new + ALONE), Plan(size, new, ALONE, ALONE))


def _short(size: int) -> str:
    return f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size // 1_000}k"


async def _replicas(plan: Plan) -> dict[str, Any]:
    found: dict[str, Mapping[str, Any]] = {}
    partitions = []
    for replicas in plan.replicas:
        for at_once in (False, True)[:replicas]:
            way = "at once" if at_once else "by turns"
            say(f"{replicas} replicas on one index, {way}")
            figures, partition = await linkage_replicas.measured(plan.replicated, replicas, at_once=at_once)
            found[f"{replicas} {way}"] = figures
            partitions.append(partition)
    return {"replicas": found, "replicas_agree": all(one == partitions[0] for one in partitions)}
