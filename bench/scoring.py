"""Scoring alone: facts into its handler, scores and receipts committed to a real PostgreSQL; no broker.

``jigsaw bench scoring [FOLDER]``: the initiatives of FOLDER (default: the project's).

    entities_per_s     entities scored a second, in batches of ``BATCH`` facts about different people
    one_p50_ms         one fact alone, from the handler's call to the commit
    history_ratio      CPU of one entity with ten years of weekly facts over one with ten weeks
    cpu_ms_per_event   this process's CPU a fact, in those batches
"""

import asyncio
import gc
import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

from bench.stack import say
from local.home import Home
from local.stack import start_parts, stop_parts
from services.scoring.judging import Running, load
from services.scoring.store import ScoringStore
from services.scoring.stream import Scorer
from shared.contracts import Event, FactLinked, LinkedSubject
from shared.contracts.envelope import first
from shared.contracts.records import Fact
from shared.db import Database, migrate, provision
from shared.initiatives import Initiatives
from shared.settings import PROJECT

BATCH = 500
START = datetime(2026, 1, 5, tzinfo=UTC)


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    running = load(Initiatives.load(Path(arguments[0]) if arguments else PROJECT / "initiatives"))
    with tempfile.TemporaryDirectory(prefix="jigsaw-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        try:
            return asyncio.run(_measured(start_parts(home).postgres, running, quick))
        finally:
            stop_parts(home)


async def _measured(admin: str, running: list[Running], quick: bool) -> dict[str, Any]:
    await provision(admin, "scoring", "owner", "secret")
    address = admin.split("@", 1)[1].rsplit("/", 1)[0]
    await migrate(f"postgresql://scoring_owner:owner@{address}/jigsaw_scoring", "scoring")
    database = Database(f"postgresql://scoring:secret@{address}/jigsaw_scoring")
    await database.open()
    office = Office(database, running)
    people = [Person(uuid4(), [uuid4() for _ in range(4)]) for _ in range(2_000 if quick else 10_000)]
    say(f"{len(people)} people in batches of {BATCH}")
    figures = await _in_batches(office, people)
    say("One fact at a time")
    figures |= await _alone(office, people, 300 if quick else 1_000)
    say("Long and short histories")
    figures |= await _histories(office)
    await database.close()
    return figures


class Person:
    """An entity of a few records."""

    def __init__(self, entity: UUID, records: list[UUID]) -> None:
        self.entity, self.records = entity, records


class Office:
    """Scoring's handler, with a transaction around each batch."""

    def __init__(self, database: Database, running: Sequence[Running]) -> None:
        self._database, self._scorer, self.one = database, Scorer(running), running[0]
        self._random = random.Random(3)
        self.said = 0

    def fact(self, person: Person, week: int) -> Event[FactLinked]:
        """One fact of a kind that the initiative reads, with the numbers that its features want."""
        data = self.one.initiative.statement.data
        feature, who = self._random.choice(data.features), data.population
        if week == 0 and who is not None:
            feature = next(one for one in data.features if one.name == who.feature)
        facts: dict[str, Fact] = {name: self._random.randint(0, 10) for name in (feature.fact, feature.over) if name}
        if who is not None and feature.name == who.feature and feature.fact:
            facts[feature.fact] = who.least
        facts |= {name: wanted[0] if isinstance(wanted, tuple) else wanted for name, wanted in feature.where.items()}
        subject = LinkedSubject(
            kind=self.one.initiative.kind, record=self._random.choice(person.records), entity=person.entity, version=1
        )
        body = FactLinked(
            partner="bench", agreement="bench", type=feature.events[0], occurred=START + timedelta(weeks=week),
            purposes=[self.one.initiative.purpose], subjects=[subject], facts=facts,
        )  # fmt: skip
        return first("/services/linkage", str(subject.record), body, START)

    async def hear(self, facts: Sequence[Event[Any]]) -> None:
        async with self._database.transaction() as connection:
            effects = await self._scorer.hear(facts, ScoringStore(connection), START)
        self.said += len(effects.says)


async def _in_batches(office: Office, people: Sequence[Person]) -> dict[str, Any]:
    rounds = [[office.fact(person, week) for person in people] for week in range(10)]
    await _play(office, rounds[:5])
    gc.collect()
    gc.freeze()  # the facts of the rounds to come are this benchmark's, not the service's
    began, cpu, office.said = perf_counter(), process_time(), 0
    await _play(office, rounds[5:])
    seconds, cpu, facts = perf_counter() - began, process_time() - cpu, 5 * len(people)
    return {
        "entities_per_s": round(facts / seconds),
        "cpu_ms_per_event": round(1000 * cpu / facts, 4),
        "said_share": round(office.said / facts, 3),
    }


async def _play(office: Office, rounds: Sequence[Sequence[Event[FactLinked]]]) -> None:
    for facts in rounds:
        for start in range(0, len(facts), BATCH):
            await office.hear(facts[start : start + BATCH])


async def _alone(office: Office, people: Sequence[Person], times: int) -> dict[str, Any]:
    taken = []
    for person in people[:times]:
        fact = office.fact(person, 10)
        began = perf_counter()
        await office.hear([fact])
        taken.append(1000 * (perf_counter() - began))
    taken.sort()
    return {"one_p50_ms": round(taken[len(taken) // 2], 2), "one_p99_ms": round(taken[len(taken) * 99 // 100], 2)}


async def _histories(office: Office) -> dict[str, Any]:
    """The same people after ten weeks and after ten years."""
    people, cost = [Person(uuid4(), [uuid4()]) for _ in range(50)], []
    for weeks in (range(0, 10), range(10, 520)):
        for week in weeks:
            await office.hear([office.fact(person, week) for person in people])
        began = process_time()
        for _ in range(20):
            await office.hear([office.fact(person, weeks[-1]) for person in people])
        cost.append(process_time() - began)
    return {"history_ratio": round(cost[1] / cost[0], 2)}
