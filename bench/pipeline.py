"""The whole pipeline: partners' posts in, alerts committed, on one machine with the load generator.

``jigsaw bench pipeline [RATE]``: the region's events in 50-event posts at RATE (default 2,000/s) for 60 s, open loop;
then at half that rate for the latency. Both after a warm-up in which most people have become known.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import orjson
import uvloop

from bench.stack import Stack, fresh_stack, say
from local.publisher import Publisher, batches
from local.watching import Cost, Samples, costs, quantiles, scrape, total
from region import generate

POST = 50
BEHIND = "jigsaw_consumer_lag_records"
Body = tuple[str, bytes, int]
"""Partner, a post as JSON, its number of events."""


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    rate = int(arguments[0]) if arguments else 2000
    seconds = 10 if quick else 60
    return uvloop.run(_measured(rate, seconds))


async def _measured(rate: int, seconds: int) -> dict[str, Any]:
    say("Generating the region")
    full, half, warm = rate * seconds, rate * seconds // 2, max(20_000, rate * 10)
    bodies = _bodies(full + half + warm)
    async with fresh_stack() as stack, Publisher(stack.up.services["ingest"], stack.keys, posts_at_once=16) as partner:
        say(f"Warming up with {warm} events")
        taken = await _play(partner, bodies, 0, warm, rate)
        await _caught_up(stack)
        say(f"{rate} events/s for {seconds} s")
        sustained, taken = await _sustained(stack, partner, bodies, taken, full, rate)
        say(f"{rate // 2} events/s for {seconds} s")
        before = await scrape(stack.up.services["alerts"])
        await _play(partner, bodies, taken, half, rate // 2)
        await _caught_up(stack)
        after = await scrape(stack.up.services["alerts"])
        answers = dict(partner.receipts.answers)
    ages = quantiles(before, after, "jigsaw_event_age_seconds", (0.5, 0.95, 0.99), topic="scoring.scores")
    p50, p95, p99 = (round(1000 * age, 1) for age in ages)
    return {**sustained, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "latency_at_per_s": rate // 2, "answers": answers}


def _bodies(wanted: int) -> list[Body]:
    region = generate(seed=1, people=20_000, days=270)
    events = [(event.partner, event.cloudevent()) for event in region.events][:wanted]
    say(f"{len(events)} events of the region's 270 days")
    return [(partner, orjson.dumps(batch), len(batch)) for partner, batch in batches(events, POST)]


async def _sustained(
    stack: Stack, partner: Publisher, bodies: list[Body], start: int, events: int, rate: int
) -> tuple[dict[str, Any], int]:
    """Open loop at ``rate``; the rate that came out at the last hop, lag, CPU and memory meanwhile."""
    peaks: dict[str, Cost] = {}
    lags: list[float] = []
    watch = asyncio.create_task(_watch(stack, peaks, lags))
    cpu, began = costs(stack.home), perf_counter()
    accepted = partner.receipts.answers["accepted"]
    taken = await _play(partner, bodies, start, events, rate)
    posted = perf_counter() - began
    await _caught_up(stack)
    took = perf_counter() - began
    watch.cancel()
    spent = {name: (after.cpu_s - cpu[name].cpu_s) for name, after in costs(stack.home).items() if name in cpu}
    sent = sum(n for _, _, n in bodies[start:taken])
    accepted = partner.receipts.answers["accepted"] - accepted
    return {
        "events_per_s": round(sent / took), "posted_per_s": round(sent / posted),
        "accepted": accepted, "seconds": round(took, 1),
        "lag_first_half": round(_mean(lags[: len(lags) // 2])), "lag_second_half": round(_mean(lags[len(lags) // 2 :])),
        "cpu_ms_per_event": {name: round(1000 * s / sent, 3) for name, s in spent.items()}
        | {"all": round(1000 * sum(spent.values()) / sent, 3)},
        "peak_uss_mb": {name: round(cost.uss_mb) for name, cost in peaks.items()},
    }, taken  # fmt: skip


async def _play(partner: Publisher, bodies: list[Body], start: int, events: int, rate: int) -> int:
    """Post ``events`` events on schedule, never waiting for an answer; the index of the next post."""
    at, sent, index = perf_counter(), 0, start
    async with asyncio.TaskGroup() as posts:
        while sent < events and index < len(bodies):
            name, body, size = bodies[index]
            await asyncio.sleep(max(0.0, at + sent / rate - perf_counter()))
            posts.create_task(partner.send(name, body))
            sent, index = sent + size, index + 1
    return index


async def _watch(stack: Stack, peaks: dict[str, Cost], lags: list[float]) -> None:
    """Beside the posting, which must not wait: adding up the memory of all processes takes a tenth of a second."""
    while True:
        await asyncio.sleep(5)
        for name, cost in (await asyncio.to_thread(costs, stack.home)).items():
            if name not in peaks or cost.uss_mb > peaks[name].uss_mb:
                peaks[name] = cost
        lags.append(sum(total(s, BEHIND) for s in await _all(stack)))


async def _caught_up(stack: Stack) -> None:
    """Until every service has heard all that was said to it and said all it has to say."""
    while True:
        if _is_idle(await _all(stack)):
            return
        await asyncio.sleep(0.05)


def _is_idle(services: list[Samples]) -> bool:
    ingest, linkage, scoring, alerts, audit = services
    said = {
        "ingest.records": total(ingest, "jigsaw_events_said_total", topic="ingest.records"),
        "linkage.facts": total(linkage, "jigsaw_events_said_total", topic="linkage.facts"),
        "scoring.scores": total(scoring, "jigsaw_events_said_total", topic="scoring.scores"),
        "audit.accesses": sum(total(s, "jigsaw_events_said_total", topic="audit.accesses") for s in services),
    }
    heard = {"ingest.records": linkage, "linkage.facts": scoring, "scoring.scores": alerts, "audit.accesses": audit}
    unsent = sum(total(s, "jigsaw_outbox_unsent") for s in services)
    return not unsent and all(total(heard[t], "jigsaw_events_heard_total", topic=t) >= n for t, n in said.items())


async def _all(stack: Stack) -> list[Samples]:
    order = ("ingest", "linkage", "scoring", "alerts", "audit")
    return list(await asyncio.gather(*(scrape(stack.up.services[name]) for name in order)))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
