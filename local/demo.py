"""The main job: a region's partners publish 90 days of events at full speed; a summary says what became of them; then
the region goes on at a natural pace until Ctrl-C."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import perf_counter

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.home import Home
from local.keys import partner_keys
from local.parts.people import people as sign_ins
from local.publisher import Publisher
from local.reconcile import Reconciliation, reconcile
from local.running import Up, bring_down, bring_up
from local.stack import dsns
from local.summary import Summary, shown
from local.truth import people_found
from local.verifying import verified
from local.watching import quantiles, scrape
from region import Region, generate

DAYS = 90
POST = 250
NATURAL_RATE = 10.0
"""Events a second once the 90 days are done: about one new alert a minute."""


async def run(home: Home, out: Console, *, people: int, seed: int, once: bool) -> int:
    """Exit code: 0, or 1 when anything was lost or the audit log does not verify."""
    up = await bring_up(home, out.print)
    try:
        out.print(f"Generating a region of {people:,} people")
        region = generate(seed=seed, people=people, start=datetime.now(UTC).date() - timedelta(days=DAYS))
        async with Publisher(up.services["ingest"], await partner_keys(home, up)) as publisher:
            summary = await _main_job(home, up, region, publisher, out)
            out.print(shown(summary))
            if not once:
                await _go_on(home, up, region, publisher, out)
        return 0 if summary.is_whole else 1
    finally:
        out.print("Stopping; the data stays (`jigsaw down --wipe` removes it).")
        bring_down(home, remove=False)


async def _main_job(home: Home, up: Up, region: Region, publisher: Publisher, out: Console) -> Summary:
    before = await scrape(up.services["alerts"])
    began = perf_counter()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    ) as progress:
        published = progress.add_task("Published", total=len(region.events))
        events = [(event.partner, event.cloudevent()) for event in region.events]
        await publisher.post_all(events, size=POST, progress=lambda n: progress.advance(published, n))
        done = progress.add_task("Through all five services", total=publisher.receipts.accepted)
        account = await _settled(home, up, publisher, lambda n: progress.update(done, completed=n))
    took = perf_counter() - began
    after = await scrape(up.services["alerts"])
    p50, p99 = quantiles(before, after, "jigsaw_event_age_seconds", (0.5, 0.99), topic="scoring.scores")
    return Summary(
        answers=publisher.receipts.answers,
        reasons=publisher.receipts.reasons,
        account=account,
        people=await people_found(dsns(home, up.parts)["linkage"], region),
        scores=await _count(dsns(home, up.parts)["scoring"], "SELECT count(*) FROM scores WHERE score IS NOT NULL"),
        alerts=await _count(dsns(home, up.parts)["alerts"], "SELECT count(*) FROM alerts WHERE state = 'open'"),
        p50_s=p50,
        p99_s=p99,
        events_per_s=publisher.receipts.accepted / took,
        audit=await verified(home, lambda done, total: None),
    )


async def _settled(home: Home, up: Up, publisher: Publisher, progress: Callable[[int], None]) -> Reconciliation:
    """Until nothing moves any more: everything accepted is done, or nothing has changed for a while."""
    last, since = None, perf_counter()
    while True:
        account = await reconcile(dsns(home, up.parts), up.parts.kafka, held=publisher.receipts.accepted)
        progress(account.accepted - max(account.not_linked, account.not_scored))
        if account.is_whole:
            return account
        if account != last:
            last, since = account, perf_counter()
        elif perf_counter() - since > 60:
            return account
        await asyncio.sleep(1)


async def _go_on(home: Home, up: Up, region: Region, publisher: Publisher, out: Console) -> None:
    """Publish at a natural pace until somebody stops us."""
    out.print(f"\nThe console: [bold]{up.console}[/bold]\n")
    for person in sign_ins(home):
        whom = f"  {person.role:<12} {person.name:<24}"
        out.print(f"{whom} user [bold]{person.username}[/bold]  password [bold]{person.password}[/bold]")
    out.print("\nThe region goes on; alerts keep arriving on the open page. Ctrl-C stops everything.")
    stopped = asyncio.Event()
    for by in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(by, stopped.set)
    for event, _ in region.stream(NATURAL_RATE, datetime.now(UTC)):
        with suppress(TimeoutError):
            async with asyncio.timeout((event.sent - datetime.now(UTC)).total_seconds()):
                await stopped.wait()
        if stopped.is_set():
            return
        await publisher.post(event.partner, [event.cloudevent()])


async def _count(dsn: str, statement: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()
