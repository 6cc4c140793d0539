"""What a running stack costs and how far behind it is: CPU and memory by process, counters by service."""

import ssl
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from local import daemon
from local.home import Home

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Services answer in the clear on this machine. httpx would read all the world's authorities at each question, which
costs more than the question does."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds and private megabytes (unique set size) of one process with its children."""

    cpu_s: float
    uss_mb: float


def costs(home: Home) -> dict[str, Cost]:
    """By process name; a process that has just gone is left out."""
    found = {}
    for running in daemon.everyone(home):
        try:
            root = psutil.Process(running.pid)
            family = [root, *root.children(recursive=True)]
            found[running.name] = Cost(sum(map(_cpu, family)), sum(map(_own_memory, family)) / 1e6)
        except psutil.NoSuchProcess:
            continue
    return found


async def scrape(url: str) -> Samples:
    """A service's metrics by (name, labels)."""
    async with httpx.AsyncClient(timeout=10, verify=NO_AUTHORITIES) as client:
        text = (await client.get(f"{url}/metrics")).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum over all samples of that name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (found, theirs), value in samples.items() if found == name and wanted <= theirs)


def quantiles(before: Samples, after: Samples, histogram: str, shares: Iterable[float], **labels: str) -> list[float]:
    """Quantiles of what a histogram took in between two scrapes, in its unit, linear inside a bucket."""
    wanted, counts = set(labels.items()), defaultdict[float, float](float)
    for (name, theirs), value in after.items():
        if name == f"{histogram}_bucket" and wanted <= theirs:
            counts[float(dict(theirs)["le"])] += value - before.get((name, theirs), 0.0)
    buckets = sorted(counts.items())
    return [_quantile(buckets, share) for share in shares]


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    if not buckets or not buckets[-1][1]:
        return float("nan")
    wanted = share * buckets[-1][1]
    low, below = 0.0, 0.0
    for high, upto in buckets:
        if upto >= wanted:
            inside = (wanted - below) / (upto - below) if upto > below else 0.0
            return low + (high - low) * inside if high != float("inf") else low
        low, below = high, upto
    return low


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _own_memory(process: psutil.Process) -> float:
    """Private memory: shared pages would be counted for each of PostgreSQL's processes."""
    memory = process.memory_full_info()
    return float(memory.uss)
