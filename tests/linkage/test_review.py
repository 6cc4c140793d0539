"""Stewards' decisions through the real service: they hold, they are said and accounted for, and they can be undone."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from local.stack import Parts
from services.linkage.records import Kept
from shared.contracts import Action, Change, Kind, Outcome
from shared.contracts.records import record_id
from shared.web import Viewer
from tests.linkage.answering import Office, opened, record, viewer
from tests.parts import connected, fresh_database

REASON = "I rang the school and asked."


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


def rhys(partner: str, **more: str) -> Kept:
    """One person as several partners know him: there is no doubt about it."""
    known = {"given": "Rhys", "middle": "Owen", "family": "Cadwaladr", "birth_date": "2010-03-14", "sex": "M"}
    where = {"address": "10 The Grange", "town": "Aberwern", "postcode": "AW1 8TW", "nhs_number": "9434765919"}
    return record(partner, **known, **where, **more)


def somebody(partner: str) -> Kept:
    """Somebody nobody else is like."""
    name = uuid4().hex
    born = f"19{int(name[:2], 16) % 60 + 30}-0{int(name[2], 16) % 9 + 1}-1{int(name[3], 16) % 9}"
    return record(partner, given=f"Q{name[4:10]}", family=f"Z{name[10:18]}", birth_date=born, postcode=f"ZZ{name[20]}")


async def decide(office: Office, person: Viewer, one: Kept, other: Kept, verdict: str) -> int:
    body = {"left": str(one.id), "right": str(other.id), "verdict": verdict, "reason": REASON}
    async with office.client(person) as client:
        return (await client.post("/linkage/api/decisions", json=body)).status_code


async def entities(office: Office, *records: Kept) -> list[UUID]:
    found = await office.entity_of(*records)
    return [found[one.id] for one in records]


async def test_two_that_must_be_one_are_one_until_it_is_undone(office: Office) -> None:
    one, other = somebody("schools"), somebody("police")
    await office.hear(one, other)
    before = await entities(office, one, other)
    assert before[0] != before[1]
    steward = viewer("steward")
    assert await decide(office, steward, one, other, "must") == 204
    together = await entities(office, one, other)
    assert together[0] == together[1] == min(before), "the older id stays"
    assert await decide(office, steward, one, other, "undo") == 204
    apart = await entities(office, one, other)
    assert apart[0] != apart[1]
    told = await office.changes(*before)
    assert [c.change for c in told if c.entity == max(before)] == [Change.CREATED, Change.MERGED]
    assert next(c.into for c in told if c.change is Change.MERGED) == min(before)
    decisions = [e for e in await office.entries(steward) if e.action is Action.DECISION]
    assert {(e.outcome, e.purpose) for e in decisions} == {(Outcome.ALLOWED, "identity")}
    assert [e.reference.split(":")[0] for e in decisions] == ["must", "must", "undo"]
    assert {e.subject for e in decisions[:2]} == set(before)
    assert decisions[2].subject == min(before)


async def test_two_that_must_not_be_one_stay_apart_whatever_arrives(office: Office) -> None:
    one, other = rhys("schools"), rhys("hospital")
    await office.hear(one, other)
    assert len(set(await entities(office, one, other))) == 1
    assert await decide(office, viewer("steward"), one, other, "must_not") == 204
    assert len(set(await entities(office, one, other))) == 2
    third = rhys("police", mobile="+447700900001")
    await office.hear(third)
    found = await entities(office, one, other, third)
    assert found[0] != found[1]
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("UPDATE index_state SET version = version + 1")  # as if another replica had led meanwhile
    await office.hear(rhys("housing", email="rhys@example.org"))
    found = await entities(office, one, other)
    assert found[0] != found[1], "a rebuilt index knows it too"


async def test_a_record_that_is_split_off_leaves_all_the_others(office: Office) -> None:
    known = {"given": "Tegwen", "family": "Vaughan-Probert", "birth_date": "1971-08-29", "nhs_number": "9000000009"}
    people = [record(partner, **known, postcode="AW3 2LX") for partner in ("schools", "hospital", "police", "housing")]
    await office.hear(*people)
    assert len(set(await entities(office, *people))) == 1
    steward = viewer("steward")
    async with office.client(steward) as client:
        answer = await client.post("/linkage/api/splits", json={"record": str(people[0].id), "reason": REASON})
        assert answer.json() == {"others": 3}
        left, *stayed = await entities(office, *people)
        assert left not in stayed
        assert len(set(stayed)) == 1
        said = (await client.get("/linkage/api/decisions?limit=100")).json()["cases"]
    mine = [case for case in said if str(people[0].id) in (case["pair"]["left"], case["pair"]["right"])]
    assert {case["ruling"]["verdict"] for case in mine} == {"must_not"}
    assert {case["ruling"]["reason"] for case in mine} == {REASON}
    assert all(case["ruling"]["holds"] and case["pair"]["rule"] == "must_not" for case in mine)


async def test_a_decision_that_others_outweigh_goes_back_to_the_queue(office: Office) -> None:
    a, b, c = somebody("schools"), somebody("police"), somebody("hospital")
    await office.hear(a, b, c)
    steward = viewer("steward")
    assert await decide(office, steward, a, b, "must") == 204
    assert await decide(office, steward, b, c, "must") == 204
    assert await decide(office, steward, a, c, "must_not") == 204
    async with office.client(steward) as client:
        cases = (await client.get("/linkage/api/review")).json()["cases"]
    first = cases[0]
    assert first["ruling"] is not None
    assert first["ruling"]["holds"] is False
    assert {first["pair"]["left"], first["pair"]["right"]} < {str(one.id) for one in (a, b, c)}
    assert len(set(await entities(office, a, b, c))) == 1
    for language, tag, why in (
        ("en", "Does not hold", "other decisions outweigh it"), ("cy", "Nid yw’n sefyll", "mae penderfyniadau eraill"),
    ):  # fmt: skip
        html = {"Accept": "text/html", "Accept-Language": language}
        async with office.client(steward, **html) as browser:
            queue = (await browser.get("/linkage/review")).text
            assert queue.index(tag) < queue.index("</li>", queue.index("live__list")), "on the first card"
            case = (await browser.get(f"/linkage/review/{first['pair']['left']}/{first['pair']['right']}")).text
            assert why in case
    assert await decide(office, steward, a, c, "undo") == 204


async def test_only_stewards_decide_and_only_about_people(office: Office) -> None:
    one, other = somebody("schools"), somebody("police")
    place = record("council-tax", kind=Kind.PLACE, address="10 The Grange", postcode="NW1 0AA", uprn="100012345678")
    await office.hear(one, other, place)
    before = await entities(office, one, other)
    youth, steward = viewer("youth-worker"), viewer("steward")
    assert await decide(office, youth, one, other, "must") == 403
    assert await decide(office, viewer("supervisor"), one, other, "must") == 403
    assert await decide(office, steward, one, one, "must") == 404
    assert await decide(office, steward, one, place, "must") == 404
    nobody = record("schools", given="Never", family="Sent")
    assert await decide(office, steward, one, nobody, "must_not") == 404
    assert await entities(office, one, other) == before
    assert [(e.action, e.outcome) for e in await office.entries(youth)] == [(Action.CONSULTATION, Outcome.REFUSED)]
    async with office.client(youth) as client:
        assert (await client.get("/linkage/api/review")).status_code == 403
    body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": REASON}
    async with office.client(steward, **{"X-CSRF-Token": "another"}) as forged:
        assert (await forged.post("/linkage/api/decisions", json=body)).status_code == 403


async def test_what_was_not_decided_because_a_record_is_unknown_or_alone_is_written_down(office: Office) -> None:
    one, place = somebody("schools"), record("council-tax", kind=Kind.PLACE, address="9 The Grange", postcode="NW1 0AB")
    await office.hear(one, place)
    (hers, its), unknown = await entities(office, one, place), record("schools", given="Never", family="Sent")

    async def split(person: Viewer, record: Kept) -> int:
        async with office.client(person) as client:
            body = {"record": str(record.id), "reason": REASON}
            return (await client.post("/linkage/api/splits", json=body)).status_code

    async def kept(person: Viewer) -> list[tuple[UUID | None, Outcome]]:
        return sorted((entry.subject, entry.outcome) for entry in await office.entries(person))

    for other, subject in ((unknown, unknown.id), (place, its)):
        steward = viewer("steward")
        assert await decide(office, steward, one, other, "must") == 404
        assert await kept(steward) == sorted([(hers, Outcome.EMPTY), (subject, Outcome.EMPTY)])
    for whole, status, subject in ((unknown, 404, unknown.id), (one, 200, hers)):
        steward = viewer("steward")
        assert await split(steward, whole) == status
        assert await kept(steward) == [(subject, Outcome.EMPTY)]
    assert await entities(office, one, place) == [hers, its]


async def test_a_decision_with_a_character_that_cannot_be_kept_is_refused_and_changes_nothing(office: Office) -> None:
    one, other = somebody("schools"), somebody("police")
    await office.hear(one, other)
    before = await entities(office, one, other)
    body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": "I rang\x00 them."}
    async with office.client(viewer("steward")) as client:
        answer = await client.post("/linkage/api/decisions", json=body)
        assert (answer.status_code, "cannot be kept" in answer.text) == (422, True)
        page = await client.post(f"/linkage/review/{one.id}/{other.id}", data=body)
        assert page.status_code == 422
    assert await entities(office, one, other) == before
    await office.hear(somebody("schools"))
    assert await entities(office, one, other) == before, "nor has the index kept what was not committed"


async def test_a_decision_that_cannot_be_written_down_changes_nothing(office: Office) -> None:
    one, other = somebody("schools"), somebody("police")
    await office.hear(one, other)
    before = await entities(office, one, other)
    steward = viewer("steward")
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("REVOKE INSERT ON outbox FROM linkage")
        try:
            assert await decide(office, steward, one, other, "must") == 500
        finally:
            await owner.execute("GRANT INSERT ON outbox TO linkage")
    assert await entities(office, one, other) == before
    await office.hear(somebody("schools"))
    assert await entities(office, one, other) == before, "nor has the index kept what was not committed"
    assert await decide(office, steward, one, other, "must") == 204


async def test_search_finds_who_is_meant_by_what_the_asker_may_see_and_by_nothing_else(office: Office) -> None:
    school = record(
        "schools", given="Gwenllian", family="Prydderch", birth_date="2011-02-03", email="gp@school.example",
        address="4 Heol Fawr", postcode="AW6 4ZB",
    )  # fmt: skip
    hospital = record(
        "hospital", given="Gwenllian", family="Prydderch", birth_date="2011-02-03", nhs_number="9000000025"
    )
    await office.hear(school, hospital)
    youth, steward = viewer("youth-worker"), viewer("steward")
    typed = {"name": "Gwenlian Prydderch", "birth_date": "3 2 2011"}
    async with office.client(youth) as one, office.client(steward) as two:
        hits = (await one.post("/linkage/api/search", json={"identity": typed})).json()["hits"]
        assert hits[0]["entity"] == str((await entities(office, school))[0])
        assert hits[0]["probability"] > 50
        assert set(hits[0]["values"]) <= {"given", "family", "birth_date", "address", "postcode"}
        by_number = {"identity": {"nhs_number": "900 000 0025"}}
        assert (await one.post("/linkage/api/search", json=by_number)).json()["hits"] == []
        assert (await two.post("/linkage/api/search", json=by_number)).json()["hits"][0]["values"]["nhs_number"]
        by_mail = {"identity": {"email": "gp@school.example", "name": "Gwenllian Prydderch"}}
        fields = (await one.post("/linkage/api/search", json=by_mail)).json()["hits"][0]["fields"]
        assert "email" not in {one["field"] for one in fields}, "what may not be seen makes nobody likelier"
        unread = (await two.post("/linkage/api/search", json={"identity": {"birth_date": "yesterday"}})).json()
        assert unread["hits"] == []
        assert "birth_date" in unread["unread"]
    entries = await office.entries(youth)
    assert [e.outcome for e in entries].count(Outcome.EMPTY) == 1
    assert {e.subject for e in entries if e.outcome is Outcome.ALLOWED} >= {UUID(hits[0]["entity"])}
    assert all("Gwen" not in e.model_dump_json() for e in entries)


async def test_why_names_fields_levels_bits_and_per_cent(office: Office) -> None:
    one, other, stranger = rhys("adult-social-care"), rhys("hospital"), somebody("police")
    await office.hear(one, other, stranger)
    first, _, third = await entities(office, one, other, stranger)
    async with office.client(viewer("steward")) as client:
        pair = (await client.get(f"/linkage/api/why/{one.id}/{other.id}")).json()["pairs"][0]
        assert {"given", "family", "year", "postcode", "nhs_number"} <= {e["field"] for e in pair["fields"]}
        assert pair["probability"] > 99
        total = pair["prior"] + sum(e["bits"] for e in pair["fields"]) + pair["adjustment"]
        assert pair["bits"] == pytest.approx(total, abs=0.1)
        why_not = (await client.get(f"/linkage/api/entities/{first}/why?other={third}")).json()["pairs"][0]
        assert not why_not["together"]
        assert why_not["probability"] < 50
        missing = record_id("schools", Kind.PERSON, "nobody")
        assert (await client.get(f"/linkage/api/why/{one.id}/{missing}")).status_code == 404
    async with office.client(viewer("youth-worker")) as client:
        answer = await client.get(f"/linkage/api/why/{one.id}/{other.id}")
        assert answer.status_code == 404, "social care's record of an adult is not for youth workers"
