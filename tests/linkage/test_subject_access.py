"""What linkage tells of one person: also what is kept under seal, never what is another's; on the real service."""

from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from local.stack import Parts
from shared.contracts import Action, Outcome
from shared.errors import Unavailable
from shared.web import Viewer
from tests.linkage.answering import Office, opened, record, viewer
from tests.linkage.test_erasing import erase
from tests.linkage.test_leaving import bridged, ending, leaving, noon
from tests.parts import connected, fresh_database

LAST = date(2026, 12, 31)


@pytest.fixture
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


async def ask(office: Office, ids: Collection[UUID], person: Viewer | None = None) -> httpx.Response:
    async with office.client(person or viewer("auditor")) as client:
        body = {"ids": [*map(str, ids)], "reference": "2026/118"}
        return await client.post("/linkage/subject-access", json=body)


def rows(answer: httpx.Response, section: str) -> list[dict[str, Any]]:
    return [row for one in answer.json()["sections"] if one["name"] == section for row in one["rows"]]


async def test_what_is_kept_under_seal_is_told_until_it_is_erased_with_the_person(office: Office) -> None:
    (one, other, bridge), entity = await bridged(office, "housing")
    loop = leaving(office, ending("housing", last=LAST), noon(LAST + timedelta(days=1)))
    left = 0
    while not left:
        with suppress(Unavailable):  # as the loop itself does: the service may just be seeding its model
            left = await loop.round()
    answer = await ask(office, [entity])
    sealed = {row["field"]: row["value"] for row in rows(answer, "withheld")}
    assert sealed == bridge.identity
    assert "housing" in {row["agreement"] for row in rows(answer, "agreements")}
    assert str(bridge.id) in answer.json()["ids"]
    place = await office.entity_of(one, other)
    await erase(office, viewer("steward"), entities=[*set(place.values())])
    answer = await ask(office, [entity])
    assert answer.json()["erased"]
    assert answer.json()["sections"] == []
    async with connected(office.databases.owner_dsn) as owner:
        assert not await owner.fetchval("SELECT count(*) FROM withheld")


async def test_an_old_reference_leads_to_all_and_every_reference_is_told(office: Office) -> None:
    mine = [[record("schools", given="Mabli", family="Vaughan")], [record("police", given="Mabli", family="Vaughan")]]
    gone, living = await office.keep(*mine)
    await office.merge(gone, living)
    for id in (gone, living):
        answer = await ask(office, [id])
        assert {row["reference"]: row["leads_to"] for row in rows(answer, "references")} == {
            str(gone): str(living), str(living): None,
        }  # fmt: skip
        assert {row["record"] for row in rows(answer, "records")} == {str(one.id) for group in mine for one in group}


async def test_a_part_that_ended_is_told_to_whom_its_reference_leads_and_names_nobody_else(office: Office) -> None:
    left, own = record("police", given="Nest", family="Pugh"), uuid4()
    entity, other = await office.keep([record("schools", given="Mabli", family="Vaughan")], [left])
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("INSERT INTO parts VALUES ($1, 'neet', $1, $2, false)", entity, [left.id])
        await owner.execute("INSERT INTO parts VALUES ($1, 'neet', $2, $3, false)", own, entity, [left.id])
    first, second = await ask(office, [entity]), await ask(office, [other])
    assert [(part["part"], part["records"]) for part in rows(first, "parts")] == [(str(entity), [])]
    assert [(part["part"], part["records"]) for part in rows(second, "parts")] == [(str(own), [str(left.id)])]
    assert str(own) not in first.text
    assert str(entity) not in second.text


async def test_two_people_at_once_are_nobodys_answer(office: Office) -> None:
    ids = await office.keep([record("schools", given="Nest")], [record("schools", given="Gwen")])
    auditor = viewer("auditor")
    assert (await ask(office, ids, auditor)).status_code == 422
    entries = await office.entries(auditor)
    assert {(e.subject, e.action, e.outcome) for e in entries} == {
        (id, Action.DISCLOSURE, Outcome.REFUSED) for id in ids
    }


async def test_a_reference_of_a_request_names_nobody(office: Office) -> None:
    (id,) = await office.keep([record("schools", given="Nest")])
    auditor = viewer("auditor")
    async with office.client(auditor) as client:
        for reference in ("", "Siân's request", "x" * 81, "a:b"):
            body = {"ids": [str(id)], "reference": reference}
            assert (await client.post("/linkage/subject-access", json=body)).status_code == 422
    assert not await office.entries(auditor)
