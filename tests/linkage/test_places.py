"""Places and organisations at the desk: what stewards decide of them holds, and they are found as people are."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage.records import Kept
from shared.contracts import Action, Kind, Outcome
from tests.linkage.answering import Office, opened, record, viewer
from tests.parts import connected, fresh_database

REASON = "The owner showed us the plan."
ASKED = {"address": "14 Heol y Bont", "postcode": "AW1 1AA", "town": "Aberwern"}


@pytest.fixture
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


def place(partner: str, **said: str) -> Kept:
    return record(partner, kind=Kind.PLACE, **said)


async def decide(office: Office, person: Any, one: Kept, other: Kept, verdict: str) -> None:
    async with office.client(person) as client:
        body = {"left": str(one.id), "right": str(other.id), "verdict": verdict, "reason": REASON}
        assert (await client.post("/linkage/api/decisions", json=body)).status_code == 204


async def entities(office: Office, *records: Kept) -> list[UUID]:
    found = await office.entity_of(*records)
    return [found[one.id] for one in records]


async def test_two_places_that_must_not_be_one_stay_apart_whatever_arrives(office: Office) -> None:
    one, other = place("council-tax", **ASKED), place("fire", **ASKED)
    await office.hear(one, other)
    assert len(set(await entities(office, one, other))) == 1
    steward = viewer("steward")
    await decide(office, steward, one, other, "must_not")
    assert len(set(await entities(office, one, other))) == 2
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("UPDATE index_state SET version = version + 1")  # as if another replica had led meanwhile
    third = place("housing", **ASKED)
    await office.hear(third)
    found = await entities(office, one, other, third)
    assert found[0] != found[1], "a rebuilt index knows it too"
    assert found[2] in found[:2], "whoever nothing was decided of goes by the rules"
    async with office.client(steward) as client:
        (why,) = (await client.get(f"/linkage/api/why/{one.id}/{other.id}")).json()["pairs"]
        assert (why["rule"], why["together"]) == ("must_not", False)
        page = (await client.get(f"/linkage/review/{one.id}/{other.id}", headers={"Accept": "text/html"})).text
        assert "One place or two?" in page
        assert REASON in page
    await decide(office, steward, one, other, "undo")
    assert len(set(await entities(office, one, other, third))) == 1
    said = [e.reference.split(":")[0] for e in await office.entries(steward) if e.action is Action.DECISION]
    assert said == ["must_not", "undo", "undo"], "one entry for each entity"


async def test_two_organisations_that_must_be_one_are_and_why_names_the_decision(office: Office) -> None:
    known = {"kind": Kind.ORGANISATION, "town": "Aberwern"}
    one = record("council-tax", name="Wern Foods Ltd", postcode="AW1 1AA", **known)
    mate = record("fire", name="Wern Foods", postcode="AW1 1AA", **known)
    other = record("fire", name="The Golden Fish", postcode="AW1 9ZZ", **known)
    await office.hear(one, mate, other)
    before = await entities(office, one, mate, other)
    assert before[0] == before[1] != before[2]
    steward = viewer("steward")
    await decide(office, steward, one, other, "must")
    after = await entities(office, one, mate, other)
    assert set(after) == {min(before)}, "the group that it is in comes along; the oldest id stays"
    async with office.client(steward) as client:
        why = (await client.get(f"/linkage/api/entities/{after[0]}/why")).json()["pairs"]
        page = (await client.get(f"/linkage/entities/{after[0]}", headers={"Accept": "text/html"})).text
    assert [pair["rule"] for pair in why][:1] == ["must"]
    assert len(why) == 2
    assert "A steward decided that these records are of one" in page


async def test_a_record_that_is_split_off_and_one_of_another_kind(office: Office) -> None:
    one, other, third = (place(partner, **ASKED) for partner in ("council-tax", "fire", "housing"))
    person = record("schools", given="Rhys", family="Morgan")
    await office.hear(one, other, third, person)
    async with office.client(viewer("steward")) as client:
        answer = await client.post("/linkage/api/splits", json={"record": str(other.id), "reason": REASON})
        assert answer.json() == {"others": 2}
        mixed = {"left": str(one.id), "right": str(person.id), "verdict": "must", "reason": REASON}
        assert (await client.post("/linkage/api/decisions", json=mixed)).status_code == 404
    found = await entities(office, one, other, third)
    assert found[0] == found[2] != found[1]


async def test_a_decision_that_cannot_hold_goes_back_to_the_queue(office: Office) -> None:
    one, other, third = (place("council-tax", **ASKED | {"address": f"{n} Heol y Bont"}) for n in (1, 3, 5))
    await office.hear(one, other, third)
    steward = viewer("steward")
    await decide(office, steward, one, other, "must")
    await decide(office, steward, other, third, "must")
    await decide(office, steward, one, third, "must_not")
    assert len(set(await entities(office, one, other, third))) == 2
    async with office.client(steward) as client:
        (case,) = (await client.get("/linkage/api/review")).json()["cases"]
    assert (case["ruling"]["verdict"], case["ruling"]["holds"]) == ("must", False)


async def test_places_and_organisations_are_found_by_what_may_be_seen_of_them(office: Office) -> None:
    here = place("council-tax", **ASKED, uprn="990000000014")
    there = place("council-tax", address="14 Heol y Bont", town="Clunbridge", postcode="AW7 1AA")
    shop = record("council-tax", kind=Kind.ORGANISATION, name="Caffi Wern Cyf", town="Aberwern", postcode="AW1 1AA")
    await office.hear(here, there, shop)
    found = await entities(office, here, there, shop)
    steward = viewer("steward")

    async def hits(kind: Kind, **asked: str) -> list[tuple[str, float]]:
        async with office.client(steward) as client:
            answer = await client.post("/linkage/api/search", json={"kind": kind, "identity": asked})
        return [(hit["entity"], hit["probability"]) for hit in answer.json()["hits"]]

    assert await hits(Kind.PLACE, **ASKED) == [(str(found[0]), 100.0)]
    assert await hits(Kind.PLACE, uprn="990000000014") == [(str(found[0]), 100.0)]
    either = await hits(Kind.PLACE, address="14 Heol y Bont")
    assert {entity for entity, _ in either} == {str(found[0]), str(found[1])}, "the house and the street of both"
    assert [share for _, share in either] == [33.3, 33.3]
    assert await hits(Kind.PLACE, address="99 Heol y Bont") == []
    assert await hits(Kind.ORGANISATION, name="CAFFI WERN", town="Aberwern") == [(str(found[2]), 100.0)]
    entries = await office.entries(steward)
    assert {e.subject for e in entries if e.outcome is Outcome.ALLOWED} == set(found)
    assert [e.outcome for e in entries].count(Outcome.EMPTY) == 1


async def test_what_the_purpose_does_not_show_makes_no_place_likelier(office: Office) -> None:
    here = place("council-tax", address="14 Heol y Bont", town="Aberwern")
    await office.hear(here)
    asked = {"kind": "place", "identity": {"address": "14 Heol y Bont", "town": "Aberwern"}}
    found = {}
    for role, purpose in (("steward", "identity"), ("housing-inspector", "hmo")):
        async with office.client(viewer(role)) as client:
            answer = await client.post(f"/linkage/api/search?purpose={purpose}", json=asked)
            (hit,) = answer.json()["hits"]
            found[role] = (hit["values"].keys(), hit["probability"])
    assert found["steward"] == ({"address", "town"}, 100.0)
    assert found["housing-inspector"] == ({"address"}, 50.0), "the town may not be seen, so it says nothing"


@pytest.mark.parametrize(("language", "heading"), [("en", "Search: Places"), ("cy", "Chwilio: Lleoedd")])
async def test_the_form_asks_for_what_a_place_has(office: Office, language: str, heading: str) -> None:
    await office.hear(place("council-tax", **ASKED))
    html = {"Accept": "text/html", "Accept-Language": language}
    async with office.client(viewer("steward", language), **html) as browser:
        form = (await browser.get("/linkage/?kind=place")).text
        assert heading in form
        assert 'name="postcode"' in form
        assert 'name="birth_date"' not in form
        sealed = await browser.post("/linkage/", data={"kind": "place", "purpose": "identity", **ASKED})
        assert "Bont" not in sealed.headers["location"]
        answer = (await browser.get(sealed.headers["location"])).text
    assert "14 Heol y Bont" in answer
