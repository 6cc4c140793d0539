"""What partners say of forty records in the course of time: new, said again, changed, and changed back."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

from bench.linkage_office import Heard, message
from tests.linkage.test_order import some_identities

RECORDS, EVENTS = 40, 160


def told(order: int = 0) -> list[Heard]:
    """All that is ever said, in one of many orders, a tenth of it twice. Its end is the same whatever the order."""
    rng, identities = Random(8), some_identities()
    said = [
        message(rng.randrange(RECORDS), rng.choice(identities), timedelta(minutes=minute)) for minute in range(EVENTS)
    ]
    said += rng.sample(said, EVENTS // 10)
    Random(order).shuffle(said)
    return said


def batches(said: Sequence[Heard], seed: int = 0) -> Iterator[Sequence[Heard]]:
    """Micro-batches of any size, as they come."""
    rng, start = Random(seed), 0
    while start < len(said):
        size = rng.choice([1, 2, 7, 20])
        yield said[start : start + size]
        start += size
