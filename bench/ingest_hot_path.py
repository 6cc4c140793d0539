"""What judging an event costs: reading its JSON, checking it, its agreement, its normal form. One process, no I/O.

Warm: 2,000 people are heard of again and again, as partners do. Cold: nobody is heard of twice.
"""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import orjson

from services.ingest.domain import Rules, Sender, judge
from shared.access import Agreements
from shared.settings import PROJECT

SEED = 7
POST = 50
HOUSING = Sender("housing", frozenset({"/partners/housing"}), 1)


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    """``cold_us`` and ``warm_us``: CPU microseconds an event of a tenant (11 fields), a place (4) and four facts."""
    events = 5_000 if quick else 50_000
    chance = random.Random(SEED)
    rules, now = Rules(Agreements.load(PROJECT / "agreements")), datetime.now(UTC)
    cold = _microseconds(rules, now, events, lambda number: number)
    _microseconds(rules, now, events, lambda _: chance.randrange(2_000))
    warm = _microseconds(rules, now, events, lambda _: chance.randrange(2_000))
    return {"events": events, "cold_us": round(cold, 1), "warm_us": round(warm, 1)}


def _microseconds(rules: Rules, now: datetime, events: int, person: Callable[[int], int]) -> float:
    spent = 0.0
    for start in range(0, events, POST):
        post = orjson.dumps([_event(number, person(number), now) for number in range(start, start + POST)])
        began = process_time()
        judged = [judge(event, HOUSING, rules, now) for event in orjson.loads(post)]
        spent += process_time() - began
        if not all(judgement.body for judgement in judged):
            raise RuntimeError("the benchmark's own events were rejected: they no longer fit agreements/housing.yaml")
    return spent / events * 1e6


def _event(number: int, person: int, now: datetime) -> dict[str, Any]:
    where = {
        "address": f"{person % 200} High Street", "town": "Aberwern",
        "postcode": f"SA{person % 9 + 1} {person % 10}AA",
        "uprn": f"1000{person:08d}",
    }  # fmt: skip
    return {
        "specversion": "1.0", "id": f"event-{number}", "source": "/partners/housing", "type": "housing.arrears.v1",
        "time": (now - timedelta(minutes=number % 1000)).isoformat(),
        "data": {
            "person": {
                "id": f"T-{person}", "given": f"Fred{person % 500}", "family": f"SMITH{person % 3000}",
                "birth_date": f"{person % 28 + 1:02d}/{person % 12 + 1:02d}/{1940 + person % 70}",
                "phone": f"01632 9{person:05d}", "mobile": f"07700 9{person:05d}", "nino": "AB123456C",
                "email": f"fred{person}@mail.example", **where,
            },
            "place": where,
            "facts": {"role": "tenant", "weeks": 6, "amount": 512.4, "notice": False},
        },
    }  # fmt: skip
