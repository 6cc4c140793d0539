"""Erasing people and records through the real service: what is gone, what is said of it, and what comes back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from local.erasing import Ground
from local.erasing import erase as erase_by_command
from local.home import StackError
from local.stack import Parts
from services.linkage.purposes.erasure import GROUNDS, Suppression
from services.linkage.records import Kept
from shared.contracts import Action, Change, Outcome
from shared.web import Viewer
from tests.linkage.answering import KEY, NOON, Office, opened, record, served, viewer
from tests.parts import connected, fresh_database
from tests.web.processes import free_port

REASON = "Request 2026/118, granted."
KNOWN = {"family": "Vaughan-Probert", "birth_date": "1971-08-29", "sex": "F", "address": "4 Heol Fawr",
         "town": "Aberwern", "postcode": "AW3 2LX"}  # fmt: skip
TABLES = ("records", "identities", "entities", "decisions", "parts", "withheld", "erasures", "suppressed", "outbox")


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


def she(partner: str, given: str, **more: str) -> Kept:
    return record(partner, given=given, **KNOWN | more)


async def erase(office: Office, person: Viewer, ground: str = "objection", **asked: Sequence[UUID]) -> httpx.Response:
    ids = {name: [str(id) for id in some] for name, some in asked.items()}
    async with office.client(person) as client:
        return await client.post("/linkage/api/erasures", json={**ids, "ground": ground, "reason": REASON})


async def everything(office: Office) -> str:
    """All that linkage's tables hold, as text."""
    async with connected(office.databases.owner_dsn) as owner:
        return "\n".join([str(row) for table in TABLES for row in await owner.fetch(f"SELECT t::text FROM {table} t")])


async def heard_again(office: Office, one: Kept) -> bool:
    """Whether a record that is published now is in the index afterwards. A stranger's later record marks the end."""
    await office.publish(one)
    await office.hear(record("schools", given="Marker", family=f"M{uuid4().hex}", birth_date="1999-01-02"))
    return one.id in await office.entity_of(one)


async def test_a_person_is_erased_from_everything_and_old_ids_say_so(office: Office) -> None:
    one, other = she("schools", "Gwenhwyfar", nhs_number="9434765919"), she("hospital", "Gwenhwyfar")
    await office.hear(one, other)
    (entity,) = set((await office.entity_of(one, other)).values())
    assert "Gwenhwyfar" in await everything(office)
    steward = viewer("steward")
    answer = await erase(office, steward, entities=[entity])
    assert answer.json() | {"erasure": ""} == {"erasure": "", "records": 2, "entities": [str(entity)]}
    kept = await everything(office)
    assert not [text for text in ("Gwenhwyfar", "gwenhwyfar", "9434765919", "Heol Fawr") if text in kept]
    assert not await office.entity_of(one, other)
    (said,) = [one for one in await office.changes(entity) if one.change is Change.ERASED]
    assert (set(said.before), set(said.gone), said.after) == ({one.id, other.id}, {one.id, other.id}, [])
    async with office.client(viewer("steward")) as client:
        assert (await client.get(f"/linkage/api/entities/{entity}")).status_code == 410
        page = await client.get(f"/linkage/entities/{entity}", headers={"Accept": "text/html"})
        assert page.status_code == 410
        assert "is erased" in page.text
        assert (await client.get(f"/linkage/api/entities/{uuid4()}")).status_code == 404
    assert (await erase(office, steward, entities=[entity])).json()["records"] == 0
    entries = [e for e in await office.entries(steward) if e.action is Action.ERASURE]
    assert (entries[0].subject, entries[0].outcome) == (entity, Outcome.ALLOWED)
    assert entries[0].reference == f"erasure:objection: {REASON}"
    assert entries[0].agreement == "hospital,schools"


async def test_an_entity_falls_apart_when_the_record_that_held_it_together_is_erased(office: Office) -> None:
    old = {"email": "teg@v.example", "reference": "1007689"}
    new = {"mobile": "+447700900111", "nino": "AB123456C", "postcode": "AW9 7QT", "address": "12 Mill Lane"}
    one = record("schools", given="Tegwen", **KNOWN | old)
    other = record("police", given="Tegwen", family="Rees", **new)
    bridge = record("housing", given="Tegwen", birth_family="Vaughan-Probert", **KNOWN | old | new | {"family": "Rees"})
    await office.hear(one, other, bridge)
    (entity,) = set((await office.entity_of(one, other, bridge)).values())
    assert (await erase(office, viewer("auditor"), records=[bridge.id])).json()["records"] == 1
    first, second = (await office.entity_of(one, other)).values()
    assert first != second
    assert entity in (first, second), "the id stays with what is left"
    told = [change for change in await office.changes(first, second) if bridge.id not in change.after]
    assert {change.change for change in told} == {Change.SHRANK, Change.CREATED}
    (shrank,) = [change for change in told if change.change is Change.SHRANK]
    assert (shrank.entity, shrank.gone) == (entity, [bridge.id])
    async with connected(office.databases.owner_dsn) as owner:
        rows = await owner.fetch("SELECT row FROM identities WHERE id = ANY ($1)", [one.id, other.id])
    assert {row["row"] for row in rows} == {b""}, "no edge to it is left"


async def test_what_a_wanted_model_says_of_an_erased_record_goes_with_it(office: Office) -> None:
    one = she("schools", "Branwen")
    await office.hear(one)
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute(
            "INSERT INTO models (version, kind, json, state, by) VALUES ('wanted', 'person', '{}', 'retired', 'b')"
        )
        beside = "INSERT INTO relinked SELECT $1, number, 'edges', $1, 1 FROM models WHERE version = 'wanted'"
        await owner.execute(beside, one.id)
        await erase(office, viewer("steward"), records=[one.id])
        assert not await owner.fetchval("SELECT count(*) FROM relinked")


async def test_decisions_about_an_erased_record_go_with_it(office: Office) -> None:
    one, other = she("schools", "Angharad"), record("police", given="Owain", family="Rees", birth_date="1990-05-06")
    await office.hear(one, other)
    steward = viewer("steward")
    async with office.client(steward) as client:
        body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": "I called Owain"}
        assert (await client.post("/linkage/api/decisions", json=body)).status_code == 204
        assert len(set((await office.entity_of(one, other)).values())) == 1
        await erase(office, steward, records=[one.id])
        cases = (await client.get("/linkage/api/decisions?limit=100")).json()["cases"]
    assert str(one.id) not in str(cases)
    undone = [e for e in await office.entries(steward) if e.reference.startswith("undo:")]
    assert len(undone) == 1, "that it is taken back is not silent"
    assert "I called Owain" not in await everything(office)
    assert (await office.entity_of(other)).keys() == {other.id}


@pytest.mark.parametrize("ground", GROUNDS)
async def test_what_is_heard_later_of_an_erased_record_is_dropped_or_begins_it_anew(
    office: Office, ground: str
) -> None:
    one = she("schools", f"Nest-{ground}", email="old@v.example")
    await office.hear(one)
    await erase(office, viewer("steward"), ground, records=[one.id])
    assert not await heard_again(office, one), "an event from before the erasure"
    newer = replace(one, identity={**one.identity, "email": "new@v.example"}, seen=datetime.now(UTC))
    assert await heard_again(office, newer) == GROUNDS[ground].returns
    if GROUNDS[ground].returns:
        assert await heard_again(office, one)
        async with office.database.transaction() as connection:
            identity = await connection.fetchval("SELECT identity FROM identities WHERE id = $1", one.id)
        assert identity == newer.identity, "nothing from before comes back with it"


def test_only_a_ground_that_new_dealings_can_outlive_lets_a_record_return() -> None:
    later, earlier = NOON + timedelta(seconds=1), NOON - timedelta(seconds=1)
    assert [ground for ground in GROUNDS if Suppression(ground, NOON).admits(later)] == ["no_longer_necessary"]
    assert not any(Suppression(ground, NOON).admits(moment) for ground in GROUNDS for moment in (NOON, earlier))


async def test_only_stewards_and_information_governance_erase_and_that_others_asked_is_kept(office: Office) -> None:
    one = she("schools", "Lowri")
    await office.hear(one)
    youth = viewer("youth-worker")
    assert (await erase(office, youth, records=[one.id])).status_code == 403
    assert [(e.action, e.outcome) for e in await office.entries(youth)] == [(Action.ERASURE, Outcome.REFUSED)]
    steward = viewer("steward")
    assert (await erase(office, steward, records=[uuid4()])).status_code == 404
    assert (await erase(office, steward)).status_code == 404
    assert (await erase(office, steward, "because", records=[one.id])).status_code == 422
    assert one.id in await office.entity_of(one)


async def test_the_log_is_told_of_whom_nothing_is_left_under_each_of_their_ids(office: Office) -> None:
    one = record("schools", given="Lleucu", family="Quarrell", birth_date="1983-11-12", postcode="AW8 8ZX")
    other = record("police", given="Ithel", family="Xanthopoulos", birth_date="1949-09-30", postcode="AW2 2YJ")
    await office.hear(one, other)
    old, steward = set((await office.entity_of(one, other)).values()), viewer("steward")
    async with office.client(steward) as client:
        body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": REASON}
        assert (await client.post("/linkage/api/decisions", json=body)).status_code == 204
    assert len(old) == 2

    async def told(**asked: Sequence[UUID]) -> tuple[set[str], list[tuple[UUID | None, bool]]]:
        officer = viewer("auditor")
        said = (await erase(office, officer, **asked)).json()["entities"]
        entries = [e for e in await office.entries(officer) if e.action is Action.ERASURE]
        return set(said), [(entry.subject, entry.leaves_nothing) for entry in entries]

    assert await told(records=[one.id]) == (set(), [(min(old), False)]), "behind this id somebody lives"
    for _ in range(2):
        said, entries = await told(entities=[min(old)])
        assert said == {str(id) for id in old}
        assert sorted(entries) == [(id, True) for id in sorted(old)], "again too: what came since goes by it"
    assert await told(records=[one.id]) == (set(), [(None, False)])


async def test_an_erasure_that_names_an_unknown_id_is_written_down_of_each_id_and_erases_nothing(
    office: Office,
) -> None:
    one, other = she("schools", "Non"), she("hospital", "Morfydd", birth_date="1960-01-02")
    await office.hear(one, other)
    entity_of = await office.entity_of(one, other)
    steward, unknown = viewer("steward"), [uuid4(), uuid4()]
    answer = await erase(office, steward, entities=[entity_of[one.id], unknown[0]], records=[other.id, unknown[1]])
    assert answer.status_code == 404
    assert {entry.outcome for entry in await office.entries(steward)} == {Outcome.EMPTY}
    asked = [entry.subject for entry in await office.entries(steward)]
    assert sorted(map(str, asked)) == sorted(map(str, [*entity_of.values(), *unknown]))
    assert await office.entity_of(one, other) == entity_of
    nobody = viewer("steward")
    assert (await erase(office, nobody)).status_code == 404
    assert [(e.subject, e.outcome) for e in await office.entries(nobody)] == [(None, Outcome.EMPTY)]


async def test_an_erasure_that_cannot_be_written_down_erases_nothing(office: Office) -> None:
    one, other = she("schools", "Heledd"), she("hospital", "Heledd")
    await office.hear(one, other)
    before = await office.entity_of(one, other)
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("REVOKE INSERT ON outbox FROM linkage")
        try:
            assert (await erase(office, viewer("steward"), records=[one.id])).status_code == 500
        finally:
            await owner.execute("GRANT INSERT ON outbox TO linkage")
    third = she("police", "Heledd")
    await office.hear(third)
    assert await office.entity_of(one, other) == before, "nor has the index kept what was not committed"
    assert len(set((await office.entity_of(one, other, third)).values())) == 1


async def test_overflowing_block_keys_are_listed_by_kind_and_size_and_nobody_is_named(office: Office) -> None:
    crowd = [
        record("housing", given=f"Given{n}", family=f"Family{n}", postcode="AW1 1AA", phone="+441597960001")
        for n in range(70)
    ]
    await office.hear(*crowd)
    async with office.client(viewer("steward")) as client:
        answer: dict[str, Any] = (await client.get("/linkage/api/blocks")).json()
    blocks = {one["kind"]: one for one in answer["blocks"]}
    assert blocks["phone"]["largest"] >= 70
    assert {"phone", "postcode"} <= blocks.keys()
    assert "Given" not in str(answer)
    async with office.client(viewer("youth-worker")) as client:
        assert (await client.get("/linkage/api/blocks")).status_code == 403


async def test_the_command_erases_as_whoever_runs_it_and_says_why_not(office: Office) -> None:
    one = she("schools", "Mabli")
    await office.hear(one)
    port = free_port()
    async with served(office, port) as address:

        def command(*records: UUID) -> dict[str, Any]:
            return erase_by_command(address, KEY, [], records, "unlawful", REASON)

        with pytest.raises(StackError, match="nothing was erased"):
            await asyncio.to_thread(command, uuid4())
        assert (await asyncio.to_thread(command, one.id))["records"] == 1
    assert not await office.entity_of(one)
    await office.entries(viewer("steward"))
    (entry,) = [e for e in office.heard if e.action is Action.ERASURE and e.actor.startswith("operator:")]
    assert entry.role == "auditor"


def test_the_command_knows_the_grounds_that_linkage_knows() -> None:
    assert {ground.value for ground in Ground} == GROUNDS.keys()
