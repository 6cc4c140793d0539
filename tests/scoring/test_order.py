"""Merge, split, erasure, a purpose's parts, late facts, in any order and batches: the scores are those of a recount."""

import asyncio
import random
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.domain import EPSILON, midnight
from services.scoring.judging import Running
from services.scoring.stream import Scorer
from shared.contracts import Event
from shared.db import Database
from shared.errors import Unavailable
from tests.scoring.counting import vector
from tests.scoring.office import Office
from tests.scoring.region import Region, history


def recount(region: Region, one: Running, day: date) -> dict[UUID, tuple[float, str | None]]:
    """The score and area of each entity, from all that is true at the end."""
    found = {}
    whole = {entity: region.parts.get(entity, {entity: members}) for entity, members in region.entities.items()}
    for entity, members in ((part, records) for parts in whole.values() for part, records in parts.items()):
        facts = [fact for record in members for fact in region.facts.get(record, [])]
        if facts:
            tiles = one.features.merge([one.features.tiles(f.type, f.occurred, f.facts) for f in facts])
            as_of = max(max(f.occurred for f in facts), midnight(day))
            area = max(((f.occurred, f.facts["area"]) for f in facts if "area" in f.facts), default=(None, None))[1]
            row = vector(one.features, tiles, as_of)
            if in_population(one, row.tolist()):
                found[entity] = float(one.model.score(row.reshape(1, -1)).score[0]), area
    return found


def in_population(one: Running, vector: Sequence[float]) -> bool:
    who = one.initiative.statement.data.population
    return who is None or who.least <= dict(zip(one.features.names, vector, strict=True))[who.feature] <= who.most


@given(st.integers(0, 10**6), st.integers(5, 60), st.integers(1, 30), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
async def test_scores_are_those_of_a_recount_in_any_order(
    database: Database, running: list[Running], seed: int, steps: int, batch: int, shuffled: bool
) -> None:
    region, office = history(seed, steps), await Office(database, running).empty()
    events = random.Random(seed).sample(region.said, len(region.said)) if shuffled else list(region.said)
    last = max((e.body.occurred for e in events if hasattr(e.body, "occurred")), default=events[0].time).date()
    for start in range(0, len(events), batch):
        await office.hear(events[start : start + batch])
        if office.scorer.today and start % 3 == 0:
            await office.age(office.scorer.today)
    await office.age(last)
    held_is_true(office, region, running[0], last)
    told = len(office.said)
    await office.age(last)
    assert len(office.said) == told


@given(st.integers(0, 10**6), st.integers(20, 100), st.integers(1, 10), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
async def test_who_is_in_the_population_is_so_whichever_replica_heard_it(
    database: Database, running_for_some: list[Running], seed: int, steps: int, batch: int, shuffled: bool
) -> None:
    """Replicas remember whom they saw outside, each for itself."""
    region, office = history(seed, steps), await Office(database, running_for_some).empty()
    replicas, chance = [office.scorer, *(Scorer(running_for_some) for _ in range(2))], random.Random(seed)
    events = chance.sample(region.said, len(region.said)) if shuffled else list(region.said)
    for start in range(0, len(events), batch):
        office.scorer = chance.choice(replicas)
        await office.hear(events[start : start + batch])
    last = max((e.body.occurred for e in events if hasattr(e.body, "occurred")), default=events[0].time).date()
    await office.age(last)
    held_is_true(office, region, running_for_some[0], last)


@given(st.integers(0, 10**6), st.integers(20, 60))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_replicas_at_work_at_once_change_nothing(
    database: Database, running: list[Running], seed: int, steps: int
) -> None:
    region, office = history(seed, steps), await Office(database, running).empty()
    events = random.Random(seed).sample(region.said, len(region.said))
    await asyncio.gather(*(replica(office, events[share::3]) for share in range(3)))
    last = max((e.body.occurred for e in events if hasattr(e.body, "occurred")), default=events[0].time).date()
    await office.age(last)
    held_is_true(office, region, running[0], last)


async def replica(office: Office, events: Sequence[Event[Any]]) -> None:
    """Hears its share in batches; what the database undoes (a deadlock) it does again, as the bus does."""
    for start in range(0, len(events), 5):
        while True:
            try:
                await office.hear(events[start : start + 5])
                break
            except Unavailable:
                continue


def held_is_true(office: Office, region: Region, one: Running, day: date) -> None:
    """Whoever heard all that was said holds the scores of a recount, and knows where merged entities went."""
    truth, held = recount(region, one, day), office.newest()
    alive = {entity: score for entity, score in held.items() if score.score is not None}
    assert alive.keys() == truth.keys()
    for entity, (score, area) in truth.items():
        assert alive[entity].score == pytest.approx(score, abs=EPSILON + 1e-5)
        assert alive[entity].area == area
    for entity, said in held.items():
        if entity in region.ended:
            assert (said.score, said.into) == (None, region.ended[entity])
        elif entity in region.apart - truth.keys():
            assert (said.score, said.into) == (None, None)
