"""The audit log on a real PostgreSQL: recording, verifying, proving, asking, and what it costs a page.

``jigsaw bench audit [ENTRIES]`` (default 1,000,000; quick 100,000): entries like the pipeline's, 200 a transaction,
over 50,000 people, recorded as the service does it: from the message's JSON to sealed, numbered, in the tree, signed.
"""

import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import uvloop

from bench.database import cpu_of, postmaster_of
from bench.stack import say
from local.home import Home
from local.stack import environment, start_parts, stop_parts
from services.audit.checkpoint import Signer, Verifier
from services.audit.log import Log, prove_consistency, prove_inclusion
from services.audit.store import END, EVER, AuditStore, Window
from services.audit.verify import verify
from services.audit.witness import Witness
from shared.contracts import Access, Accesses, Action
from shared.db import Database, migrate, provision
from shared.outbox import Outbox
from shared.work import Worker

PER_TRANSACTION = 200
PER_EVENT = 4
PEOPLE = [UUID(bytes=random.Random(n).randbytes(16)) for n in range(50_000)]
STEPS = (
    ("service:ingest", Action.COLLECTION),
    ("service:linkage", Action.COMBINATION),
    ("service:scoring", Action.DECISION),
    ("service:alerts", Action.DECISION),
)
ASKS, QUICK_ASKS = 1000, 300


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    entries = int(arguments[0]) if arguments else 100_000 if quick else 1_000_000
    return uvloop.run(_measured(entries, QUICK_ASKS if quick else ASKS))


@dataclass(frozen=True)
class Bench:
    """A log of its own, empty at first."""

    database: Database
    dsn: str
    log: Log
    sealing_key: bytes
    witness: Path
    worker: Worker[AuditStore]


async def _measured(entries: int, asks: int) -> dict[str, Any]:
    async with _fresh() as bench:
        say(f"Recording {entries} entries")
        recorded = await _record(bench, entries)
        say("Asking and proving")
        asked = await _ask(bench, entries, asks)
        say("Verifying")
        verified = await _verify(bench)
    return recorded | verified | asked


@asynccontextmanager
async def _fresh() -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="jigsaw-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        try:
            parts = start_parts(home)
            told = environment(home, parts, "audit")
            await provision(parts.postgres, "audit", home.secret("audit_owner"), home.secret("audit"))
            await migrate(told["JIGSAW_OWNER_DATABASE"], "audit")
            database, sealing_key = Database(told["JIGSAW_DATABASE"]), bytes.fromhex(told["JIGSAW_SEALING_KEY"])
            await database.open()
            outbox = Outbox(database, parts.kafka, "audit")  # not started: what a page waits for is the commit
            log = Log(Signer("jigsaw/audit", bytes.fromhex(told["JIGSAW_CHECKPOINT_KEY"])), sealing_key)
            worker = Worker("audit", database, outbox, AuditStore, sealing_key)
            yield Bench(database, told["JIGSAW_DATABASE"], log, sealing_key, Path(told["JIGSAW_WITNESS"]), worker)
            await database.close()
        finally:
            stop_parts(home)


async def _record(bench: Bench, entries: int) -> dict[str, Any]:
    """As the service's handler: a message's JSON in, a committed transaction out."""
    messages = [_message(seed) for seed in range(64)]
    postmaster = await postmaster_of(bench.database)
    began, python, postgres = perf_counter(), process_time(), cpu_of(postmaster)
    for transaction in range(entries // PER_TRANSACTION):
        accesses = Accesses.model_validate_json(messages[transaction % len(messages)]).entries
        async with bench.database.transaction() as connection:
            await bench.log.append(AuditStore(connection), accesses, datetime.now(UTC))
    took, python = perf_counter() - began, process_time() - python
    postgres = cpu_of(postmaster) - postgres
    async with bench.database.transaction() as connection:
        head = await AuditStore(connection).head()
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
    Witness(bench.witness, Verifier(bench.log.signer.verifier_key)).take(head.note)
    done = entries // PER_TRANSACTION * PER_TRANSACTION
    return {
        "entries": done, "entries_per_s": round(done / took),
        "python_us_per_entry": round(1e6 * python / done, 1), "postgres_us_per_entry": round(1e6 * postgres / done, 1),
        "cpu_ms_per_event_at_4_entries": round(1000 * PER_EVENT * (python + postgres) / done, 4),
        "bytes_per_entry": round(size / done),
    }  # fmt: skip


def _message(seed: int) -> str:
    chance, at = random.Random(seed), datetime(2026, 11, 20, tzinfo=UTC)
    entries = [_access(chance, at + timedelta(milliseconds=place), place) for place in range(PER_TRANSACTION)]
    return Accesses(entries=entries).model_dump_json()


def _access(chance: random.Random, at: datetime, place: int) -> Access:
    actor, action = STEPS[place % len(STEPS)]
    return Access(
        at=at, actor=actor if place % 50 else f"person-{chance.randrange(200)}", role="service", service=actor[8:],
        action=action, subject=chance.choice(PEOPLE), purpose="neet", agreement="schools",
        fields=["given", "family", "birth_date", "postcode"], reference=chance.randbytes(16).hex(),
        trace=f"00-{chance.randbytes(16).hex()}-{chance.randbytes(8).hex()}-01",
    )  # fmt: skip


async def _ask(bench: Bench, entries: int, asks: int) -> dict[str, Any]:
    chance = random.Random(2)

    async def prove(store: AuditStore) -> None:
        await prove_inclusion(store, chance.randrange(entries), entries)

    async def continued(store: AuditStore) -> None:
        await prove_consistency(store, chance.randrange(1, entries), entries)

    async def who_saw(store: AuditStore) -> None:
        numbers = [key.number for key in await store.keys_of([chance.choice(PEOPLE)])]
        await bench.log.read(store, await store.of_subjects(numbers, Window(END, *EVER, 100)))

    async def what_did(store: AuditStore) -> None:
        entries = await store.of_actor(f"person-{chance.randrange(200)}", Window(END, *EVER, 100))
        await bench.log.read(store, entries)

    timed = {name: await _timed(bench, ask, asks) for name, ask in (
        ("proof", prove), ("consistency", continued), ("who_saw", who_saw), ("what_did", what_did)
    )}  # fmt: skip
    figures = {f"{name}_p99_ms": round(quantiles(times, n=100)[98], 2) for name, times in timed.items()}
    return figures | {"disclosure_cost_p50_ms": await _disclosure(bench, asks)}


async def _timed(bench: Bench, ask: Callable[[AuditStore], Awaitable[None]], asks: int) -> list[float]:
    """Milliseconds of each asking, its transaction included."""
    times = []
    for _ in range(asks):
        began = perf_counter()
        async with bench.database.transaction() as connection:
            await ask(AuditStore(connection))
        times.append(1000 * (perf_counter() - began))
    return times


async def _disclosure(bench: Bench, asks: int) -> float:
    """How much longer a request takes when its audit intent is durable before it is answered: median, milliseconds."""
    said = _access(random.Random(3), datetime.now(UTC), 1)

    async def page(*, audited: bool) -> float:
        began = perf_counter()
        async with bench.worker.work() as work:
            await work.connection.fetchval("SELECT 1")
            if audited:
                work.audit([said])
        return 1000 * (perf_counter() - began)

    asks = min(asks, 150)  # nobody sends them here, and the outbox takes 200
    plain = median([await page(audited=False) for _ in range(asks)])
    return round(median([await page(audited=True) for _ in range(asks)]) - plain, 2)


async def _verify(bench: Bench) -> dict[str, Any]:
    key = bench.log.signer.verifier_key
    whole = await verify(bench.dsn, bench.witness, key, lambda _, __: None, bench.sealing_key)
    public = await verify(bench.dsn, bench.witness, key, lambda _, __: None)
    assert whole.is_whole, str(whole)
    assert public.is_whole, str(public)
    return {
        "verify_s": round(whole.seconds, 2), "verified_per_s": round(whole.entries / whole.seconds),
        "verified_per_s_without_contents": round(public.entries / public.seconds),
    }  # fmt: skip
