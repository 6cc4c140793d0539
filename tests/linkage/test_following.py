"""A replica that follows knows what one that reads everything anew would know, and reads nothing anew."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage.index.changes import Decide
from services.linkage.index.index import Index
from services.linkage.live import LiveIndex, changing
from services.linkage.purposes.leaving import take_out
from services.linkage.store import LinkageStore
from shared.contracts import Kind
from tests.linkage.linking import STRICT, Linkage, Told, linkage, region_events
from tests.linkage.test_order import edges_of
from tests.linkage.test_switching import switched, terms
from tests.parts import Databases, connected, fresh_database


@pytest.fixture
async def databases(parts: Parts, topics: None) -> Databases:
    return await fresh_database(parts, "linkage")


@asynccontextmanager
async def replicas(parts: Parts, databases: Databases) -> AsyncIterator[tuple[Linkage, Linkage]]:
    """Two on one index, under agreements by which some entities fall apart."""
    async with linkage(databases.dsn, parts.kafka, terms()) as one, linkage(databases.dsn, parts.kafka, terms()) as two:
        async with one.worker.work() as work:
            await work.store.keep_terms(terms().written())
        for replica in (one, two):
            await replica.live.keep_up(replica.worker)
        yield one, two


@pytest.fixture
def read_anew(monkeypatch: pytest.MonkeyPatch) -> list[LiveIndex]:
    """Who read everything anew, each time."""
    found: list[LiveIndex] = []
    rebuild = LiveIndex._rebuild

    async def noted(live: LiveIndex, *arguments: Any) -> None:
        found.append(live)
        await rebuild(live, *arguments)

    monkeypatch.setattr(LiveIndex, "_rebuild", noted)
    return found


def known(live: LiveIndex) -> Mapping[str, Any]:
    """All that an index says: entities, edges, parts, under which agreement each record is, decisions."""
    people = live.kinds[Kind.PERSON]
    assert isinstance(people, Index)
    return {
        "entities": {kind: {e: set(m) for e, m in index.entities().items()} for kind, index in live.kinds.items()},
        "edges": edges_of(people),
        "parts": live._views._parts, "agreements": live._views._agreement,
        "decided": people.decided(people.records()),
    }  # fmt: skip


async def known_anew(replica: Linkage) -> Mapping[str, Any]:
    live = LiveIndex(replica.in_use, replica.terms)
    await live.keep_up(replica.worker)
    return known(live)


async def take_away(replica: Linkage, records: list[UUID]) -> None:
    async with changing(replica.worker, replica.live) as (work, version):
        pairs = await work.store.undecide(records)
        members = await work.store.members(records)
        await take_out({one.id: one.kind for one in members}, [Decide(*pair, None) for pair in pairs],
                       replica.live, work.store, version)  # fmt: skip


def bridge_in(live: LiveIndex) -> tuple[list[UUID], UUID]:
    """Two people's records that serve a purpose, and another's that does not: joined by it, the purpose sees two."""
    records = [members[0] for members in live.kinds[Kind.PERSON].entities().values() if len(members) == 1]
    serving = {one: terms().purposes(live._views._agreement[one]) for one in sorted(records)}
    purpose = min(name for names in serving.values() for name in names)
    ends = [one for one, names in serving.items() if purpose in names]
    return ends[:2], next(one for one in serving if one not in ends)


def turns(events: list[Told]) -> list[list[Told]]:
    return [events[start : start + 389] for start in range(0, len(events), 389)]


async def test_two_that_take_turns_follow_each_other(
    parts: Parts, databases: Databases, read_anew: list[LiveIndex]
) -> None:
    events = list(region_events())
    async with replicas(parts, databases) as pair:
        await pair[0].hear(events[: len(events) // 2])
        ends, bridge = bridge_in(pair[0].live)
        for end in ends:
            await pair[0].decide(end, bridge, "must")
        read_anew.clear()
        await pair[1].live.keep_up(pair[1].worker)
        assert read_anew == [pair[1].live], "so much is read anew rather than followed"
        for number, part in enumerate(turns(events[len(events) // 2 :])):
            mine, other = pair[number % 2], pair[1 - number % 2]
            await mine.hear(part, size=20)
            groups = sorted(await mine.groups(), key=lambda one: (-len(one), min(one)))
            left, right = sorted(groups[number % 7])[:2]
            await other.decide(left, right, "must_not")
            await mine.decide(min(groups[-1]), min(groups[-2 - number]), "must" if number % 3 else None)
            await take_away(other, [min(groups[number % 5 + 7]), max(groups[number % 5 + 7])])
            anew = await known_anew(mine)
            for replica in pair:
                await replica.live.keep_up(replica.worker)
                assert known(replica.live) == anew
            read_anew[:] = [live for live in read_anew if live in (mine.live, other.live)]
        assert len(read_anew) == 1, "nobody read everything anew again"
        assert known(pair[0].live)["parts"], "there is somebody whom a purpose sees apart"
        assert known(pair[0].live)["decided"]


@pytest.mark.parametrize("step", ["keep", "keep_parts"])
async def test_what_a_batch_of_our_own_did_that_failed_is_undone(
    parts: Parts, databases: Databases, read_anew: list[LiveIndex], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    events = list(region_events())

    async def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    async with replicas(parts, databases) as (replica, _):
        await replica.hear(events[:600])
        before = await known_anew(replica)
        read_anew.clear()
        with monkeypatch.context() as patched:
            patched.setattr(LinkageStore, step, fail)
            with pytest.raises(ConnectionError):
                await replica.hear(events[600:700])
        replica.linker.forget()
        assert known(replica.live) != before
        await replica.live.keep_up(replica.worker)
        assert known(replica.live) == before
        await replica.hear(events[600:])
        assert read_anew == []
        assert known(replica.live) == await known_anew(replica)


async def test_who_was_away_for_too_long_reads_everything_anew(
    parts: Parts, databases: Databases, read_anew: list[LiveIndex]
) -> None:
    events = list(region_events())
    async with replicas(parts, databases) as (one, two):
        await one.hear(events[:300])
        await two.live.keep_up(two.worker)
        read_anew.clear()
        await one.hear(events[300:400], size=20)
        async with one.worker.work() as work:
            await work.store.forget_journal(datetime.now(UTC) + timedelta(minutes=1))
        await one.hear(events[400:500], size=20)
        await two.live.keep_up(two.worker)
        assert read_anew == [two.live]
        assert known(two.live) == await known_anew(two)


async def test_a_switch_of_models_is_read_anew_and_what_comes_after_it_is_followed(
    parts: Parts, databases: Databases, read_anew: list[LiveIndex]
) -> None:
    events = list(region_events())
    async with replicas(parts, databases) as (one, two):
        await one.hear(events[:600])
        await two.live.keep_up(two.worker)
        await one.relinking().shadow(STRICT)
        await switched(one, asyncio.create_task(one.relinking().switch(STRICT.version)))
        await one.hear(events[600:620], size=5)
        read_anew.clear()
        await two.live.keep_up(two.worker)
        await two.hear(events[620:640], size=5)
        await one.live.keep_up(one.worker)
        assert read_anew == [two.live]
        assert known(two.live) == known(one.live) == await known_anew(two)


async def test_an_index_that_is_not_what_is_committed_is_read_anew(
    parts: Parts, databases: Databases, read_anew: list[LiveIndex]
) -> None:
    events = list(region_events())
    async with replicas(parts, databases) as (one, two):
        await one.hear(events[:600])
        await two.live.keep_up(two.worker)
        group = max(await one.groups(), key=lambda some: (len(some), min(some)))
        async with connected(databases.owner_dsn) as owner:  # what only an error of ours could do
            await owner.execute("UPDATE records SET entity = gen_random_uuid() WHERE id = $1", min(group))
            await owner.execute(
                "INSERT INTO journal (version, since, records, entities) SELECT version + 1, version, $1, '{}'"
                " FROM index_state",
                [*group],
            )
            await owner.execute("UPDATE index_state SET version = version + 1")
        read_anew.clear()
        await two.live.keep_up(two.worker)
        assert read_anew == [two.live]
