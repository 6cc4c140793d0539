"""Another model beside the running one: what it would change, and the switch while the stream goes on."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage import metrics
from services.linkage.live import changing
from services.linkage.models.beside import Beside, Step
from services.linkage.models.registry import Registry, Row
from services.linkage.models.relinking import ModelError
from services.linkage.purposes.leaving import take_out
from services.linkage.purposes.terms import Terms
from services.linkage.store import LinkageStore
from shared.access import Agreements
from shared.contracts import Change, Kind
from shared.initiatives import Initiatives
from shared.settings import PROJECT
from tests.linkage.linking import STRICT, Linkage, linkage, region_events
from tests.linkage.people import model
from tests.parts import Databases, fresh_database

SECONDS = 60


@pytest.fixture
async def databases(parts: Parts, topics: None) -> Databases:
    return await fresh_database(parts, "linkage")


@pytest.fixture
async def replica(parts: Parts, databases: Databases) -> AsyncIterator[Linkage]:
    async with linkage(databases.dsn, parts.kafka) as replica:
        yield replica


async def switched(replica: Linkage, to: asyncio.Task[None]) -> None:
    """Look for a wanted model until the relinking process has what it wanted."""
    async with asyncio.timeout(SECONDS):
        while not to.done():
            await replica.switching.look()
            await asyncio.sleep(0)
    await to


async def test_a_file_is_the_seed_of_an_empty_database_and_no_more(replica: Linkage) -> None:
    await replica.hear(region_events()[:200])
    assert await replica.active() == model().name
    async with replica.worker.work() as work:
        active = await Registry(work.connection).active()
    assert active is not None
    assert active.version == model().version
    assert active.load() == model()
    await replica.relinking().shadow(STRICT)
    task = asyncio.create_task(replica.relinking().switch(STRICT.version))
    await switched(replica, task)
    replica.restart()  # a process that begins with the old file
    await replica.hear(region_events()[200:400])
    assert await replica.active() == STRICT.name
    assert await replica.groups() == await replica.fresh(STRICT)


async def test_a_shadow_says_what_it_would_change_and_changes_nothing(replica: Linkage) -> None:
    await replica.hear(region_events())
    before = await replica.entity_of()
    _, _, found = await replica.relinking().shadow(STRICT)
    there = await replica.fresh(STRICT)
    now = await replica.groups()
    assert await replica.entity_of() == before
    assert (found.records, found.entities, found.would_be) == (len(before), len(now), len(there))
    assert found.lost == pairs(now) - pairs(there)
    assert found.gained == 0
    assert found.parted == sum(not any(group <= other for other in there) for group in now)
    assert found.parted > 0
    for change in found.sample:
        assert change.fate == "parted"
        assert before[change.left] == before[change.right] == change.entities[0]
        assert not any({change.left, change.right} <= group for group in there)
    async with replica.worker.work() as work:
        beside = await Registry(work.connection).beside()
    assert beside is not None
    assert beside.report is not None
    assert beside.report["parted"] == found.parted


async def test_the_shadow_follows_the_stream(replica: Linkage) -> None:
    events = region_events()
    half = len(events) // 2
    await replica.hear(events[:half])
    relinking = replica.relinking()
    number, built, _ = await relinking.shadow(STRICT)
    await replica.hear(events[half:])
    found = await relinking.report(number, built)
    assert found.would_be == len(await replica.fresh(STRICT))
    assert {frozenset(group) for group in built.index.entities().values()} == await replica.fresh(STRICT)


async def test_a_switch_while_the_stream_goes_on_ends_as_if_it_had_always_been(replica: Linkage) -> None:
    events = region_events()
    third = len(events) // 3
    await replica.hear(events[:third])
    group = max(await replica.groups(), key=lambda one: (len(one), min(one)))
    kept_apart, other = sorted(group)[:2]
    await replica.decide(kept_apart, other, "must_not")
    joined = sorted(min(one) for one in await replica.groups() if len(one) == 1)[:2]
    await replica.decide(*joined, "must")
    await replica.relinking().shadow(STRICT)
    before = await replica.entity_of()
    said = len(replica.changes)
    task = asyncio.create_task(replica.relinking().switch(STRICT.version))
    stream = asyncio.create_task(replica.hear(events[third:], size=20))
    await switched(replica, task)
    await stream
    assert await replica.active() == STRICT.name
    assert await replica.groups() == await replica.fresh(STRICT)
    assert replica.facts == len(events)
    after = await replica.entity_of()
    assert after[kept_apart] != after[other]
    assert after[joined[0]] == after[joined[1]]
    living = set(after.values())
    kept = [old for old in set(before.values()) if old in living]
    assert len(kept) > len(living) / 4, "what did not change keeps its id"
    created = {one.entity for one in replica.changes[said:] if one.change is Change.CREATED}
    assert created.isdisjoint(before.values()), "no id is given twice"
    while await replica.switching.settle():
        pass
    replica.restart()
    await replica.hear(events[:50])
    assert await replica.groups() == await replica.fresh(STRICT), "a rebuild reads the rows where they are now"


def terms() -> Terms:
    """The agreements as they are, but that no score may join what schools publish."""
    said = Terms.of(Agreements.load(PROJECT / "agreements"), Initiatives.load(PROJECT / "initiatives"))
    return replace(said, by_agreement={
        name: replace(one, strict=name == "schools") for name, one in said.by_agreement.items()
    })  # fmt: skip


@pytest.mark.parametrize("way", ["switched", "loaded"])
async def test_what_purposes_see_is_the_same_by_switch_and_by_load(parts: Parts, topics: None, way: str) -> None:
    events = region_events()
    half = len(events) // 2
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka, terms()) as one:
        async with one.worker.work() as work:
            await one.live.catch_up(work.store)
            await work.store.keep_terms(terms().written())
        await one.hear(events[:half])
        if way == "loaded":
            await one.load(events[half:])
        else:
            await one.hear(events[half:])
            await one.relinking().shadow(STRICT)
            await switched(one, asyncio.create_task(one.relinking().switch(STRICT.version)))
        groups, seen = await one.groups(), await one.parts()
    seed = model() if way == "loaded" else STRICT
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka, terms(), seed) as other:
        await other.hear(events)
        assert await other.groups() == groups
        assert await other.parts() == seen
        assert seen, "there is somebody whom a purpose sees apart"


async def test_back_to_the_model_before(replica: Linkage) -> None:
    await replica.hear(region_events())
    before = await replica.groups()
    relinking = replica.relinking()
    await relinking.shadow(STRICT)
    await switched(replica, asyncio.create_task(relinking.switch(STRICT.version)))
    assert await replica.groups() != before
    while await replica.switching.settle():
        pass
    await switched(replica, asyncio.create_task(relinking.rollback()))
    assert await replica.active() == model().name
    assert await replica.groups() == before


@pytest.mark.parametrize(
    "step", ["import_snapshot", "keep_relinked", "keep", "newest_entities", "settle", "lock_index"]
)
async def test_killed_in_the_middle_of_a_switch(
    parts: Parts, databases: Databases, replica: Linkage, step: str
) -> None:
    events = region_events()
    half = len(events) // 2
    await replica.hear(events[:half])
    relinking = replica.relinking()
    await relinking.shadow(STRICT)
    task = asyncio.create_task(relinking.switch(STRICT.version))
    await until_wanted(replica)
    await replica.hear(events[half:])
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.linkage.linking", databases.dsn, parts.kafka, step, stderr=PIPE
    )
    _, said = await victim.communicate()
    assert victim.returncode == -signal.SIGKILL, said.decode()
    await switched(replica, task)
    replica.restart()
    await replica.hear(events[:50])
    assert await replica.active() == STRICT.name
    assert await replica.groups() == await replica.fresh(STRICT)
    while await replica.switching.settle():
        pass
    replica.restart()
    await replica.hear(events[:50])
    assert await replica.groups() == await replica.fresh(STRICT)


async def test_who_relinked_has_left_before_anybody_took_over(replica: Linkage) -> None:
    await replica.hear(region_events()[:300])
    relinking = replica.relinking()
    await relinking.shadow(STRICT)
    task = asyncio.create_task(relinking.switch(STRICT.version))
    await until_wanted(replica)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await replica.switching.look()
    assert await replica.active() == model().name
    assert not await wanted(replica)
    async with replica.database.transaction() as connection:
        assert not await connection.fetchval("SELECT count(*) FROM relinked"), "nobody will take it over"
    await replica.hear(region_events()[300:400])
    assert await replica.groups() == await replica.fresh(model())
    await switched(replica, asyncio.create_task(relinking.switch(STRICT.version)))
    assert await replica.groups() == await replica.fresh(STRICT)


async def test_what_cannot_be_switched_to_is_refused_with_what_to_do(replica: Linkage) -> None:
    await replica.hear(region_events()[:100])
    relinking = replica.relinking()
    with pytest.raises(ModelError, match="active model already"):
        await relinking.shadow(model())
    with pytest.raises(ModelError, match="make it the shadow first"):
        await relinking.switch("nobody-knows")
    other = replace(STRICT, name="other")
    await relinking.shadow(other)
    await relinking.shadow(STRICT)
    with pytest.raises(ModelError, match="not the shadow"):
        await relinking.switch(other.version)
    with pytest.raises(ModelError, match="no model to go back to"):
        await relinking.rollback()


async def test_an_unforeseen_error_leaves_the_active_model_going_on_and_says_why(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.hear(region_events()[:300])
    await replica.relinking().shadow(STRICT)
    task = asyncio.create_task(replica.relinking().switch(STRICT.version))
    await until_wanted(replica)
    tried = 0

    def fail(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise KeyError("Tegwen Rees")

    monkeypatch.setattr(replica.live, "replace", fail)
    await replica.switching.look()
    await replica.switching.look()
    assert tried == 1, "it is not tried again until somebody asks for it"
    with pytest.raises(ModelError, match="not taken: KeyError at switching"):
        await task
    async with replica.worker.work() as work:
        beside = await Registry(work.connection).beside()
    assert beside is not None
    assert (beside.state, beside.snapshot) == ("shadow", None)
    assert beside.given_up is not None
    assert "Tegwen" not in beside.given_up
    assert await replica.active() == replica.in_use.model.name == model().name
    await replica.hear(region_events()[300:400])
    assert await replica.groups() == await replica.fresh(model())
    monkeypatch.undo()
    await switched(replica, asyncio.create_task(replica.relinking().switch(STRICT.version)))
    assert await replica.groups() == await replica.fresh(STRICT)


async def test_an_error_after_the_commit_does_not_take_the_switch_back(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.hear(region_events()[:300])
    await replica.relinking().shadow(STRICT)
    task = asyncio.create_task(replica.relinking().switch(STRICT.version))
    await until_wanted(replica)
    with monkeypatch.context() as patched:
        patched.setattr(metrics.SWITCH_SECONDS, "set", lambda _: int("no number"))
        await replica.switching.look()
    await task
    assert await replica.active() == STRICT.name
    while await replica.switching.settle():
        pass
    replica.live.spoil()
    await replica.hear(region_events()[300:400])
    assert await replica.groups() == await replica.fresh(STRICT)


async def test_what_fails_every_time_is_not_tried_all_the_time(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def fail() -> int:
        nonlocal tried
        tried += 1
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(replica.switching, "settle", fail)
    monkeypatch.setattr("services.linkage.models.switching.LOOK_SECONDS", 0)
    task = asyncio.create_task(replica.switching.run())
    async with asyncio.timeout(SECONDS):
        while not tried:  # noqa: ASYNC110 (the loop does it)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert tried == 1
    assert not task.done(), "the service goes on"
    task.cancel()


@pytest.mark.parametrize("when", ["all are copied", "it follows"])
async def test_a_record_that_is_erased_meanwhile_is_neither_brought_back_nor_left_beside(
    replica: Linkage, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    events = region_events()
    await replica.hear(events[:300])
    await replica.relinking().shadow(STRICT)
    erased: list[UUID] = []
    copy, follow = Registry.copy_relinked, Beside.follow

    async def erase(rows: Sequence[Row]) -> None:
        if rows and not erased:
            erased.append(rows[0][0])
            async with changing(replica.worker, replica.live) as (work, version):
                await take_out({erased[0]: Kind.PERSON}, (), replica.live, work.store, version)
                await work.store.release(erased)

    async def copied(registry: Registry, number: int, rows: Sequence[Row], version: int) -> None:
        await copy(registry, number, rows, version)
        await erase(rows)

    async def followed(beside: Beside, store: LinkageStore) -> Step:
        step = await follow(beside, store)
        await erase(step.rows)
        return step

    if when == "all are copied":
        monkeypatch.setattr(Registry, "copy_relinked", copied)
    else:
        monkeypatch.setattr(Registry, "copy_relinked", lambda *arguments: hear_and(copy(*arguments)))
        monkeypatch.setattr(Beside, "follow", followed)

    async def hear_and(then: Awaitable[None]) -> None:
        await replica.hear(events[300:400])
        await then

    task = asyncio.create_task(replica.relinking().switch(STRICT.version))
    await until_wanted(replica)
    async with replica.database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM relinked WHERE id = $1", *erased) == 0
    await switched(replica, task)
    assert erased[0] not in await replica.entity_of()
    assert await replica.groups() == await replica.fresh(STRICT)


async def until_wanted(replica: Linkage) -> None:
    async with asyncio.timeout(SECONDS):
        while not await wanted(replica):  # noqa: ASYNC110 (another process does it)
            await asyncio.sleep(0.02)


async def wanted(replica: Linkage) -> bool:
    async with replica.worker.work() as work:
        beside = await Registry(work.connection).beside()
    return beside is not None and beside.state == "wanted"


def pairs(groups: Iterable[Collection[object]]) -> int:
    return sum(len(group) * (len(group) - 1) // 2 for group in groups)
