"""The handlers on a real PostgreSQL: what was judged in memory is what is kept, and nothing is told twice or late."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from services.alerts.domain import LIVE, Actor, Alert, Outcome, acknowledge, close
from services.alerts.store import AlertStore
from services.alerts.stream import Alerter
from shared.bus import Effects
from shared.contracts import AlertChanged, Change, EntityChanged, Event, Kind, ScoreChanged
from shared.contracts.alerts import State
from shared.contracts.envelope import attributes, first, from_wire, to_headers, to_json
from shared.db import Database
from tests.alerts.examples import NOW, entity, score
from tests.alerts.initiative import INITIATIVES, PURPOSES
from tests.alerts.test_judgement import Kept, Said, stories
from tests.parts import Databases

ALERTER = Alerter(INITIATIVES, PURPOSES)
MAIR = Actor("mair", "Mair Evans", "caseworker")
TABLES = "standings, redirects, erased, alerts, history, feed, mails, mail_items, overrides"


@pytest.fixture(autouse=True)
async def _empty(databases: Databases) -> AsyncIterator[None]:
    yield
    await emptied(databases)


async def emptied(databases: Databases) -> None:
    owner = await asyncpg.connect(databases.owner_dsn)
    await owner.execute(f"TRUNCATE {TABLES}")
    await owner.close()


def scored(
    who: int, version: int, value: float | None, into: int | None = None, area: str = "north"
) -> Event[ScoreChanged]:
    said = score(version, value, of=entity(who), area=area)
    body = ScoreChanged(
        initiative="neet", entity=entity(who), kind=Kind.PERSON, version=version, score=value,
        reasons=list(said.reasons), model="m1", receipt=said.receipt, as_of=NOW, area=said.area,
        into=entity(into) if into else None,
    )  # fmt: skip
    return first("/services/scoring", str(entity(who)), body, NOW)


def merged(one: int, into: int) -> Event[EntityChanged]:
    body = EntityChanged(
        entity=entity(one), kind=Kind.PERSON, version=9, change=Change.MERGED, before=[], after=[], into=entity(into)
    )
    return first("/services/linkage", str(entity(one)), body, NOW)


def erased(one: int) -> Event[EntityChanged]:
    body = EntityChanged(entity=entity(one), kind=Kind.PERSON, version=9, change=Change.ERASED, before=[], after=[])
    return first("/services/linkage", str(entity(one)), body, NOW)


def thinned(one: int) -> Event[EntityChanged]:
    rest, gone = [entity(100)], [entity(101)]
    body = EntityChanged(
        entity=entity(one),
        kind=Kind.PERSON,
        version=9,
        change=Change.CHANGED,
        before=rest + gone,
        after=rest,
        gone=gone,
    )
    return first("/services/linkage", str(entity(one)), body, NOW)


async def hear(database: Database, *events: Event[Any]) -> Effects:
    """One batch in one transaction, as the bus does it: scores, then entities."""
    says, audits = [], []
    async with database.transaction() as connection:
        store = AlertStore(connection)
        for handler, body in ((ALERTER.weigh, ScoreChanged), (ALERTER.follow, EntityChanged)):
            mine: Sequence[Any] = [event for event in events if isinstance(event.body, body)]
            if mine:
                effects = await handler(mine, store, NOW)
                says += effects.says
                audits += effects.audits
    return Effects(says, audits)


async def kept(database: Database) -> list[Alert]:
    async with database.transaction() as connection:
        store = AlertStore(connection)
        return await store.queue(None, list(State), ["neet"], 1000, 0)


async def test_a_rise_opens_one_alert_says_it_audits_it_and_queues_its_mail(database: Database) -> None:
    effects = await hear(database, scored(1, 1, 0.8), scored(2, 1, 0.2))
    (alert,) = await kept(database)
    assert (alert.entity, alert.state, alert.team) == (entity(1), State.OPEN, "youth-north")
    (event,) = effects.says
    assert (event.body.alert, event.body.state, event.key) == (alert.id, "open", str(entity(1)))
    (audit,) = effects.audits
    assert (audit.subject, audit.action, audit.purpose) == (entity(1), "decision", "neet")
    async with database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM mail_items WHERE mail IS NULL") == 1
    assert not (await hear(database, scored(1, 2, 0.81))).says, "a digit is no news"


async def test_scores_that_open_nothing_write_nothing_but_where_they_stand(database: Database) -> None:
    assert await hear(database, *(scored(who, 1, 0.1) for who in range(1, 200))) == Effects([], [])
    async with database.transaction() as connection:
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM standings WHERE reasons IS NULL) AS low, (SELECT count(*) FROM feed) AS told"
        )
    assert counts is not None
    assert (counts["low"], counts["told"]) == (199, 0)


@given(stories())
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_what_is_kept_is_what_was_judged(
    database: Database, databases: Databases, story: tuple[list[Said], list[list[Said]]]
) -> None:
    """The store loads only what a batch can change; the model in memory is given everything."""
    from services.alerts.judgement import judge
    from tests.alerts.examples import RULES
    from tests.alerts.test_judgement import heard_of

    await emptied(databases)
    model = Kept()
    for batch in story[1]:
        model.hear(batch)
        said = heard_of(batch)
        async with database.transaction() as connection:
            store = AlertStore(connection)
            known = await store.known(said.entities, NOW, ended=said.regroups)
            await store.change(judge(known, said, RULES, NOW))
    alerts = {alert.id: alert for alert in await kept(database)}
    assert alerts == model.alerts


async def test_two_people_who_are_one_have_one_alert_and_both_pasts(database: Database) -> None:
    await hear(database, scored(1, 1, 0.8), scored(2, 2, 0.9))
    await hear(database, merged(2, 1))
    alerts = await kept(database)
    assert sorted(alert.state for alert in alerts) == [State.JOINED, State.OPEN]
    (live,) = [alert for alert in alerts if alert.state in LIVE]
    async with database.transaction() as connection:
        past = await AlertStore(connection).past(live.id)
    assert sorted(line.change for line in past if line.change in ("opened", "joined")) == ["joined", "opened", "opened"]


async def test_a_merge_before_the_scores_it_explains_ends_the_same(database: Database) -> None:
    await hear(database, merged(2, 1))
    await hear(database, scored(2, 1, 0.9))
    (alert,) = await kept(database)
    assert (alert.entity, alert.state) == (entity(1), State.OPEN)


async def test_an_acknowledged_alert_moves_to_the_survivor_with_who_took_it_on(database: Database) -> None:
    await hear(database, scored(2, 1, 0.9))
    async with database.transaction() as connection:
        store = AlertStore(connection)
        alert = await store.lock_alert((await kept(database))[0].id)
        assert alert is not None
        await store.keep([acknowledge(alert, MAIR, "I know the family", NOW)])
    await hear(database, scored(1, 2, 0.9), merged(2, 1))
    live = [alert for alert in await kept(database) if alert.state in LIVE]
    assert [(one.entity, one.state, one.keeper) for one in live] == [(entity(1), State.ACKNOWLEDGED, "mair")]


async def test_a_reader_of_the_feed_never_skips_though_writers_are_many(database: Database) -> None:
    """Writers that come at once, and one that is slow to commit: numbers become visible in their order."""
    seen: list[int] = []
    stop = asyncio.Event()

    async def read() -> None:
        while not stop.is_set():
            async with database.transaction() as connection:
                seen.extend(e.seq for e in await AlertStore(connection).after(seen[-1] if seen else 0, None, 1000))

    async def write(start: int) -> None:
        for who in range(start, start + 10):
            async with database.transaction() as connection:
                await ALERTER.weigh([scored(who, 1, 0.9)], AlertStore(connection), NOW)
                await asyncio.sleep(0.001 * (start % 3))

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(start) for start in (10, 20, 30, 40)))
    stop.set()
    await reader
    async with database.transaction() as connection:
        left = await AlertStore(connection).after(seen[-1] if seen else 0, None, 1000)
        everything = await AlertStore(connection).after(0, None, 1000)
    assert [*seen, *(entry.seq for entry in left)] == [entry.seq for entry in everything]
    assert len(everything) == 40


async def test_the_erased_keep_no_reasons_no_notes_and_no_standing(database: Database) -> None:
    await hear(database, scored(1, 1, 0.9))
    (alert,) = await kept(database)
    async with database.transaction() as connection:
        store = AlertStore(connection)
        await store.keep([acknowledge(alert, MAIR, "a note about the person", NOW)])
    (event,) = (await hear(database, erased(1))).says
    assert (event.body.state, event.body.score) == (State.ERASED, None), "no score is not a score of 0"
    assert from_wire(AlertChanged, b"", to_headers(attributes(event)), to_json(event.body)).body == event.body
    await hear(database, scored(1, 5, 0.9))
    async with database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM standings") == 0
        assert await connection.fetchval("SELECT count(*) FROM history WHERE note <> ''") == 0
    (alert,) = await kept(database)
    assert (alert.state, alert.reasons) == (State.ERASED, ())


async def test_an_ended_alert_keeps_no_reasons_once_a_record_of_its_person_is_erased(database: Database) -> None:
    await hear(database, scored(1, 1, 0.9))
    (alert,) = await kept(database)
    async with database.transaction() as connection:
        taken = acknowledge(alert, MAIR, "", NOW)
        await AlertStore(connection).keep([taken, close(taken.after, MAIR, Outcome.NOT_NEEDED, "", NOW)])
    assert (await kept(database))[0].reasons
    (event,) = (await hear(database, thinned(1))).says
    assert (event.body.state, event.body.reasons) == (State.CLOSED, [])
    assert (await kept(database))[0].reasons == ()
    assert not (await hear(database, thinned(1))).says
