"""The first load: as if the records had streamed in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer

from local.stack import Parts
from services.linkage.records import Kept
from shared.contracts import Accesses, Action, Change, EntityChanged, Kind, Topic
from shared.kafka import client
from tests.linkage.linking import Linkage, linkage, region_events
from tests.linkage.people import model
from tests.parts import Databases, fresh_database


@pytest.fixture
async def databases(parts: Parts, topics: None) -> Databases:
    return await fresh_database(parts, "linkage")


@pytest.fixture
async def replica(parts: Parts, databases: Databases) -> AsyncIterator[Linkage]:
    async with linkage(databases.dsn, parts.kafka) as replica:
        yield replica


async def everything(replica: Linkage) -> dict[object, Kept]:
    async with replica.worker.work() as work:
        ids = {id for kind in Kind for id in await work.store.memberships(kind)}
        return {one.id: replace(one, times=one.confirmed) for one in await work.store.members(ids)}


async def places(replica: Linkage) -> set[frozenset[object]]:
    async with replica.worker.work() as work:
        entity_of = await work.store.memberships(Kind.PLACE)
    return {frozenset(r for r, e in entity_of.items() if e == entity) for entity in entity_of.values()}


@pytest.mark.parametrize("seed", range(4))
async def test_loading_some_and_streaming_the_rest_is_streaming_all(
    parts: Parts, databases: Databases, seed: int
) -> None:
    random, events = Random(seed), list(region_events())
    random.shuffle(events)
    cut = random.randrange(len(events) // 4, len(events))
    second = random.randrange(cut) if seed % 2 else 0
    async with linkage(databases.dsn, parts.kafka) as replica:
        await replica.load(events[second:cut])
        await replica.hear(events[cut:], size=random.choice((7, 100)))
        await replica.load(events[:second])
        loaded, partition, where = await everything(replica), await replica.groups(), await places(replica)
        assert partition == await replica.fresh(model())
        replica.restart()
        await replica.hear(events[:50])
        assert await replica.groups() == partition, "a rebuild finds what was loaded"
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as streamed:
        await streamed.hear(events)
        assert await everything(streamed) == loaded
        assert await streamed.groups() == partition
        assert await places(streamed) == where


async def test_a_replica_that_knows_the_empty_index_sees_what_is_loaded(replica: Linkage) -> None:
    events = region_events()
    async with replica.worker.work() as work:
        await replica.live.catch_up(work.store)
    loaded = await replica.load(events)
    await replica.hear(events[:50])
    people = replica.live.kinds[Kind.PERSON].entities()
    assert {frozenset(members) for members in people.values()} == await replica.groups()
    async with replica.worker.work() as work:
        assert await work.store.committed() >= 1
    assert loaded.records > 0


async def test_loading_again_changes_nothing(replica: Linkage) -> None:
    events = region_events()
    first = await replica.load(events)
    assert first.changed == first.records > 0
    before = await replica.entity_of()
    again = await replica.load(events)
    assert (again.records, again.changed, again.entities) == (first.records, 0, 0)
    assert await replica.entity_of() == before


async def test_ids_that_are_known_outlive_a_load(replica: Linkage) -> None:
    events = region_events()
    await replica.hear(events[: len(events) // 2])
    before = await replica.entity_of()
    await replica.load(events)
    after = await replica.entity_of()
    async with replica.worker.work() as work:
        led_to = {id: one.entity for id, one in (await work.store.resolve(set(before.values()))).items()}
    assert set(led_to) == set(before.values())
    for old in set(before.values()):
        members = {record for record, entity in before.items() if entity == old}
        assert led_to[old] in {after[record] for record in members}


async def test_what_the_stream_brings_during_a_load_is_taken_in(replica: Linkage) -> None:
    events = region_events()
    third = len(events) // 3
    await replica.hear(events[:third])
    await replica.load(events[: 2 * third], meanwhile=events[third:])
    assert replica.facts == len(events)
    assert await replica.groups() == await replica.fresh(model())
    streamed = await everything(replica)
    await replica.load(events)
    assert await everything(replica) == streamed


async def test_a_load_says_who_is_who_and_that_records_were_combined(parts: Parts, replica: Linkage) -> None:
    consumer = AIOKafkaConsumer(
        Topic.ENTITIES.spec.name, Topic.ACCESSES.spec.name, **client(parts.kafka), auto_offset_reset="latest"
    )
    await consumer.start()
    await consumer.seek_to_end()
    loaded = await replica.load(region_events())
    entity_of = await replica.entity_of()
    heard: dict[str, list[bytes]] = {Topic.ENTITIES.spec.name: [], Topic.ACCESSES.spec.name: []}
    changes: list[EntityChanged] = []
    accesses = 0
    while len(changes) < loaded.entities or accesses < loaded.changed:
        for messages in (await consumer.getmany(timeout_ms=500)).values():
            for message in messages:
                heard[message.topic].append(message.value)
        changes = [EntityChanged.model_validate_json(one) for one in heard[Topic.ENTITIES.spec.name]]
        entries = [e for one in heard[Topic.ACCESSES.spec.name] for e in Accesses.model_validate_json(one).entries]
        accesses = sum(entry.action is Action.COMBINATION for entry in entries)
    await consumer.stop()
    told = {record: one.entity for one in changes if one.kind is Kind.PERSON for record in one.after}
    assert told == entity_of
    assert {one.change for one in changes} == {Change.CREATED}


async def test_what_is_loaded_does_not_undo_newer_news_that_the_stream_brings_meanwhile(replica: Linkage) -> None:
    event = next(event for event in region_events() if "family" in event.body.records[0].identity)
    record = event.body.records[0]
    moved = record.model_copy(update={"identity": {**record.identity, "family": "Newer"}})
    later = event.body.model_copy(update={"records": [moved], "occurred": event.body.occurred + timedelta(days=1)})
    others = [one for one in region_events() if all(r.id != record.id for r in one.body.records)][:50]
    await replica.hear(others)
    await replica.load([event, *others], meanwhile=[event._replace(id="newer", body=later)])
    async with replica.worker.work() as work:
        (kept,) = await work.store.members([record.id])
    assert kept.identity["family"] == "Newer"
