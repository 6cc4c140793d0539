"""Who may know what: every role, purpose, agreement and field against the files; the log before the answer."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import yaml

from local.stack import Parts
from services.linkage.records import Kept
from shared.contracts import Action, Kind, Outcome
from shared.settings import PROJECT
from tests.linkage.answering import Office, opened, record, viewer
from tests.parts import connected, fresh_database

ROLES = (
    "caseworker", "youth-worker", "housing-inspector", "fire-officer", "supervisor", "steward", "analyst", "auditor",
    "operator", "partner", "mayor",
)  # fmt: skip
FILES = [yaml.safe_load(path.read_text()) for path in sorted(Path(PROJECT / "agreements").glob("*.yaml"))]
PURPOSES = sorted({purpose for file in FILES for purpose in file["purposes"]} | {"curiosity"})
VALUES = {
    "name": "Rhys Owen Morgan", "given": "Rhys", "middle": "Owen", "family": "Morgan", "birth_family": "Price",
    "sex": "M", "birth_date": "2010-03-14", "birth_place": "Bangor", "address": "10 The Grange", "town": "Camden",
    "postcode": "NW1 0AA", "uprn": "100012345678", "phone": "+442079460000", "mobile": "+447700900000",
    "email": "rhys@example.org", "nhs_number": "9434765919", "nino": "QQ123456C", "company_number": "01234567",
    "reference": "1007689", "vehicle": "FG12KJK", "occupation": "pupil",
}  # fmt: skip


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


def everything_by(agreement: str) -> Kept:
    """A record under an agreement that has every field there is, each with the agreement's name in it: so that a value
    in an answer says where it comes from."""
    return record(agreement, **{field: f"{value} by {agreement}" for field, value in VALUES.items()})


def oracle(role: str, purpose: str) -> dict[str, set[str]]:
    """Field → agreements whose values may be shown, read from the files by other code than the service's."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        if file["ends"] < date.today():  # noqa: DTZ011 (the files' dates have no zone)
            continue
        for recipient in file["recipients"]:
            if (recipient["role"], recipient["purpose"]) == (role, purpose):
                for field in recipient["fields"]:
                    found.setdefault(field, set()).add(file["name"])
    return found


async def test_no_role_sees_for_any_purpose_a_value_that_its_agreement_does_not_show(office: Office) -> None:
    """Role × purpose × agreement × field: one entity made of a record of each agreement, and each agreement's alone."""
    names = [file["name"] for file in FILES]
    ids = await office.keep([everything_by(name) for name in names], *([everything_by(name)] for name in names))
    shown = over = 0
    for role in ROLES:
        for purpose in PURPOSES:
            answer = (await office.golden(viewer(role), purpose, ids)).json()["entities"]
            allowed = oracle(role, purpose)
            for id, sources in zip(ids, [set(names), *({name} for name in names)], strict=True):
                said = answer[str(id)]
                visible = {field: by & sources for field, by in allowed.items() if by & sources and field in VALUES}
                assert set(said["values"]) == set(visible), (role, purpose, sources)
                assert said["refused"] == (not visible)
                for field, value in said["values"].items():
                    shown += 1
                    over += value not in {f"{VALUES[field]} by {name}" for name in visible[field]}
    assert over == 0
    assert shown > 300, "the matrix is not empty"


async def test_nor_does_the_page_of_an_entity_show_one(office: Office) -> None:
    names = [file["name"] for file in FILES]
    (id,) = await office.keep([everything_by(name) for name in names])
    for role in ROLES:
        for purpose in PURPOSES:
            async with office.client(viewer(role)) as client:
                answer = await client.get(f"/linkage/api/entities/{id}?purpose={purpose}")
            allowed = oracle(role, purpose)
            assert (answer.status_code == 200) == (bool(allowed) or (role, purpose) == ("auditor", "identity"))
            for one in answer.json().get("records", []):
                fields = {field for field, by in allowed.items() if one["agreement"] in by and field in VALUES}
                assert set(one["values"]) == fields, (role, purpose, one["agreement"])


async def test_the_golden_record_is_made_only_of_what_may_be_seen(office: Office) -> None:
    """Two partners that a youth worker may not read outvote the school; the school's name is shown all the same."""
    seen = record("schools", given="Siân", family="Gruffydd", birth_date="2010-03-14", email="sian@school.example")
    others = [
        record(partner, given="Shan", family="Griffith") for partner in ("ambulance", "adult-social-care", "fire")
    ]
    (id,) = await office.keep([seen, *others])
    values = (await office.golden(viewer("youth-worker"), "neet", [id])).json()["entities"][str(id)]["values"]
    assert values == {"given": "Siân", "family": "Gruffydd", "birth_date": "2010-03-14"}


async def test_an_id_leads_for_ever_to_where_its_entity_went(office: Office) -> None:
    one, two, three = await office.keep(
        [record("schools", given="Rhys", family="Price")],
        [record("schools", given="Rhys", family="ap Rhys")],
        [record("police", given="Rhys", family="Price")],
    )
    await office.merge(one, two)
    await office.merge(two, three)
    person = viewer("steward")
    answer = (await office.golden(person, "identity", [one, two, three])).json()["entities"]
    assert {said["entity"] for said in answer.values()} == {str(three)}
    assert len({str(said["values"]) for said in answer.values()}) == 1
    (entry,) = await office.entries(person)
    assert entry.subject == three, "one entity, one entry, however many ids lead to it"
    assert set(entry.agreement.split(",")) == {"schools", "police"}


async def test_so_many_subjects_so_many_entries(office: Office) -> None:
    known = await office.keep(*([record("schools", given=f"Person {n}", family="Morgan")] for n in range(300)))
    hidden = await office.keep(*([record("fire", name=f"Person {n}", phone="+442079460000")] for n in range(100)))
    unknown = [uuid4() for _ in range(100)]
    person = viewer("youth-worker")
    answer = (await office.golden(person, "neet", [*known, *hidden, *unknown])).json()["entities"]
    assert len(answer) == 500
    entries = await office.entries(person)
    by_outcome = {outcome: {e.subject for e in entries if e.outcome is outcome} for outcome in Outcome}
    assert len(entries) == 500
    assert by_outcome[Outcome.ALLOWED] == set(known)
    assert by_outcome[Outcome.REFUSED] == set(hidden)
    assert by_outcome[Outcome.EMPTY] == set(unknown)
    assert {e.action for e in entries} == {Action.DISCLOSURE}
    assert {e.reference for e in entries} == {"golden:alerts"}
    allowed = next(e for e in entries if e.outcome is Outcome.ALLOWED)
    assert (allowed.fields, allowed.agreement, allowed.purpose) == (["family", "given"], "schools", "neet")
    assert {answer[str(id)]["refused"] for id in hidden} == {True}
    assert all(answer[str(id)] == {"entity": str(id), "values": {}, "refused": False} for id in unknown)


async def test_what_cannot_be_written_down_is_not_shown(office: Office) -> None:
    (id,) = await office.keep([record("schools", given="Rhys", family="Morgan")])
    person = viewer("steward")
    async with connected(office.databases.owner_dsn) as owner, office.client(person) as client:
        await owner.execute("REVOKE INSERT ON outbox FROM linkage")
        try:
            answers = [
                await office.golden(person, "identity", [id]),
                await client.get(f"/linkage/api/entities/{id}"),
                await client.get(f"/linkage/api/entities/{id}/why"),
                await client.post("/linkage/api/search", json={"identity": {"name": "Rhys Morgan"}}),
                await client.get(f"/linkage/entities/{id}", headers={"Accept": "text/html"}),
            ]
        finally:
            await owner.execute("GRANT INSERT ON outbox TO linkage")
        assert [answer.status_code for answer in answers] == [500] * len(answers)
        assert not any("Rhys" in answer.text for answer in answers)
        assert (await client.get(f"/linkage/api/entities/{id}")).status_code == 200
    assert len(await office.entries(person)) == 1


async def test_only_a_service_that_speaks_for_a_person_for_one_purpose_is_answered(office: Office) -> None:
    person, ids = viewer("steward"), [uuid4()]
    assert (await office.golden(None, "identity", ids)).status_code == 403
    assert (await office.golden(person, "identity", ids, token_purpose="neet")).status_code == 403
    async with office.client(person) as client:
        body = {"entities": [str(id) for id in ids], "purpose": "identity"}
        assert (await client.post("/linkage/golden", json=body)).status_code == 401, "a session is no service"
        assert (await client.post("/linkage/golden", json={"purpose": "identity"})).status_code in (401, 422)
    assert (await office.golden(person, "identity", [uuid4() for _ in range(501)])).status_code == 422


async def test_an_entity_says_where_each_value_comes_from(office: Office) -> None:
    school = record("schools", given="Rhys", family="Morgan", days=3)
    police = record("police", given="Rhys", family="Morgan", mobile="+447700900000", days=1)
    fire = record("fire", name="Rhys Morgan", uprn="100012345678")
    (id,) = await office.keep([school, police, fire])
    async with office.client(viewer("youth-worker")) as client:
        said = (await client.get(f"/linkage/api/entities/{id}")).json()
    assert said["purpose"] == "neet", "the only one the role has"
    assert {one["id"] for one in said["records"]} == {str(school.id), str(police.id)}
    assert set(said["golden"]) == {"given", "family"}
    assert said["golden"]["given"]["record"] in {str(school.id), str(police.id)}
    assert said["golden"]["given"]["agreement"] in {"schools", "police"}


async def test_who_may_not_is_told_so_and_that_is_written_down(office: Office) -> None:
    (id,) = await office.keep([record("fire", name="Rhys Morgan")])
    analyst, youth = viewer("analyst"), viewer("youth-worker")
    async with office.client(analyst) as one, office.client(youth) as two, office.client(None) as nobody:
        assert (await one.get(f"/linkage/api/entities/{id}?purpose=identity")).status_code == 403
        assert (await two.get(f"/linkage/api/entities/{id}?purpose=neet")).status_code == 403, "fire is not for neet"
        assert (await two.get(f"/linkage/api/entities/{uuid4()}")).status_code == 404
        assert (await nobody.get(f"/linkage/api/entities/{id}")).status_code == 401
    assert [(e.outcome, e.subject) for e in await office.entries(analyst)] == [(Outcome.REFUSED, id)]
    assert [e.outcome for e in await office.entries(youth)] == [Outcome.REFUSED, Outcome.EMPTY]


async def test_an_auditor_sees_how_an_entity_came_about_and_none_of_its_values(office: Office) -> None:
    (id,) = await office.keep([record("schools", given="Rhys"), record("police", given="Rhys")])
    async with office.client(viewer("auditor")) as client:
        answer = await client.get(f"/linkage/api/entities/{id}")
    assert answer.json()["golden"] == {}
    assert [(one["partner"], one["values"]) for one in answer.json()["records"]] == [("police", {}), ("schools", {})]


async def test_places_and_organisations_are_shown_by_the_same_rule(office: Office) -> None:
    place = record("council-tax", kind=Kind.PLACE, address="10 The Grange", postcode="NW1 0AA", town="Camden")
    (id,) = await office.keep([place])
    values = (await office.golden(viewer("housing-inspector"), "hmo", [id])).json()["entities"][str(id)]["values"]
    assert values == {"address": "10 The Grange", "postcode": "NW1 0AA"}


async def test_that_somebody_asks_why_of_records_unknown_or_not_theirs_to_see_is_written_down(office: Office) -> None:
    known, unknown = record("schools", given="Nest", family="Parry", birth_date="2009-09-09"), uuid4()
    await office.hear(known)
    steward, nobody = viewer("steward"), viewer("analyst")
    async with office.client(steward) as client:
        assert (await client.get(f"/linkage/api/why/{known.id}/{unknown}")).status_code == 404
    async with office.client(nobody) as client:
        assert (await client.get(f"/linkage/api/why/{uuid4()}/{unknown}")).status_code == 403
    assert (Outcome.EMPTY, str(unknown)) in {(one.outcome, str(one.subject)) for one in await office.entries(steward)}
    assert {one.outcome for one in await office.entries(nobody)} == {Outcome.REFUSED}


async def test_a_place_says_by_which_rule_its_records_are_one_and_a_flat_its_building(office: Office) -> None:
    hawthorns = {"postcode": "NW1 0AA", "town": "Camden"}
    house = record("council-tax", kind=Kind.PLACE, address="14 The Hawthorns", **hawthorns)
    again = record("fire", kind=Kind.PLACE, address="14 Hawthorns", **hawthorns)
    flat = record("housing", kind=Kind.PLACE, address="Flat A, 14 The Hawthorns", **hawthorns)
    await office.hear(house, again, flat)
    entity_of = await office.entity_of(house, again, flat)
    assert entity_of[house.id] == entity_of[again.id] != entity_of[flat.id]
    async with office.client(viewer("steward")) as client:
        why = (await client.get(f"/linkage/api/entities/{entity_of[house.id]}/why")).json()
        said = (await client.get(f"/linkage/api/entities/{entity_of[flat.id]}")).json()
        against = (await client.get(f"/linkage/api/why/{house.id}/{flat.id}")).json()
    assert [pair["rule"] for pair in why["pairs"]] == ["same_address"]
    assert said["building"] == str(entity_of[house.id])
    assert against["pairs"][0]["rule"] == "no_rule"


def test_the_oracle_is_no_rubber_stamp() -> None:
    assert oracle("steward", "identity")["nino"] == {"adult-social-care", "housing"}
    assert "trading-standards-2024" not in oracle("steward", "identity")["name"], "it ended"
    assert oracle("analyst", "identity") == {}
    assert UUID(int=0)
