"""What a person is answered equals an independent full scan of every database, has nothing of anybody else, and is told
to information governance alone; on the whole stack, of many people."""

import asyncio
import os
import random
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright
from typer.testing import CliRunner

from bench.stack import fresh_stack
from local.cli import app
from local.erasing import erase
from local.home import StackError
from local.subject_access.collecting import Request, collect, write
from shared.contracts import SERVICES
from shared.web.viewer import ROLES
from tests.subject_access.region import KEEPER, MOTHER, STAFF, Lived, live
from tests.subject_access.scan import LEFT_OUT, TOLD, Export, Found, belongings, everything, mentions, missing
from tests.web.test_browser import FLAGS, WCAG

SOME = 12
"""People of whom nothing in particular is known, besides all with an alert, a merge or a part."""
REQUEST = "2026/118"


@pytest.fixture(scope="module")
async def lived() -> AsyncIterator[Lived]:
    async with fresh_stack() as stack:
        yield await live(stack)


@pytest.fixture(scope="module")
async def found(lived: Lived) -> Found:
    return await everything(lived)


@pytest.fixture(scope="module")
async def people(lived: Lived) -> list[UUID]:
    """All of whom there is most to tell, by an id from before a merge where there is one, and some others."""
    special = [row[0] for row in await lived.rows("alerts", "SELECT DISTINCT entity FROM alerts ORDER BY 1")]
    special += [
        row[0]
        for row in await lived.rows(
            "linkage", "SELECT id FROM entities WHERE into_entity IS NOT NULL AND kind = 'person' ORDER BY id"
        )
    ]
    special += [row[0] for row in await lived.rows("linkage", "SELECT DISTINCT entity FROM parts ORDER BY 1")]
    living = await lived.rows(
        "linkage", "SELECT id FROM entities WHERE into_entity IS NULL AND kind = 'person' ORDER BY id"
    )
    return list(dict.fromkeys([*special, *random.Random(3).sample([row[0] for row in living], SOME)]))


async def asked(lived: Lived, person: UUID, folder: Path, language: str = "en", *redact: str) -> tuple[Export, str]:
    """The answer as its two files have it."""
    request = Request(person, REQUEST, language, redact)
    stack = lived.stack
    answer = await asyncio.to_thread(collect, stack.up.services, stack.home.secret("session_key"), request)
    data, page = write(answer, folder)
    return Export.of(data.read_text()), page.read_text()


async def test_every_row_about_a_person_is_in_the_answer_and_nothing_of_anybody_else_is(
    lived: Lived, found: Found, people: list[UUID], tmp_path: Path
) -> None:
    identities = {row["id"]: row for _, row in found.rows["linkage", "identities"]}
    ids_of_all = {id for place in found.rows for id in _ids(found, place)}
    told = 0
    for person in people:
        export, page = await asked(lived, person, tmp_path, "en", MOTHER)
        assert missing(found, export) == []
        told += sum(place in TOLD for place, _ in mentions(found, export))
        others = ids_of_all - export.ids - belongings(found, export)
        assert [id for id in others if id in export.text or id in page] == []
        own = {value for id, row in identities.items() if id in export.ids for value in row["identity"].values()}
        theirs = {v for id, row in identities.items() if id not in export.ids for v in row["identity"].values()} - own
        said = {v for row in export.section("linkage", "values") for v in (row["value"], row["words"])}
        assert not theirs & said
        assert {row["subject"] for row in export.section("audit", "entries")} <= export.ids
        mine = " | ".join(own | said)
        written = export.text + page
        assert [v for v in theirs if len(v) > 9 and v not in mine and v in written] == [], "in no other place either"
        assert [word for word in (*STAFF, MOTHER) if word in export.text or word in page] == []
    assert told > 20 * len(people), "the scan finds what is there"


def _ids(found: Found, place: tuple[str, str]) -> set[str]:
    """The ids by which anybody, any alert or any receipt is known."""
    names = {
        ("linkage", "entities"): "id", ("linkage", "records"): "id", ("linkage", "parts"): "id",
        ("alerts", "alerts"): "id", ("alerts", "overrides"): "override", ("scoring", "receipts"): "id",
        ("scoring", "members"): "record",
    }  # fmt: skip
    return {row[names[place]] for _, row in found.rows[place]} if place in names else set()


async def test_the_people_asked_about_have_all_that_there_is_to_tell(
    lived: Lived, found: Found, people: list[UUID], tmp_path: Path
) -> None:
    """Each table that an answer speaks of is found by the scan for somebody: no rule above was idle."""
    exports = [(await asked(lived, person, tmp_path))[0] for person in people]
    places = {place for export in exports for place, _ in mentions(found, export)}
    assert TOLD.keys() <= places
    assert LEFT_OUT.keys() - places <= {("linkage", "relinked"), ("alerts", "mails")}
    once = [row for export in exports for row in export.section("scoring", "receipts") if row["others"]]
    assert once, "a score rested on the record of somebody who turned out to be another"
    assert not any(row["features"] for row in once), "and is theirs too"
    merged = [export for export in exports if len(export.section("linkage", "references")) > 1]
    assert any(row["alert"] for export in merged for row in export.section("alerts", "alerts"))


async def test_what_was_written_is_told_without_our_people_and_without_whom_the_officer_takes_out(
    lived: Lived, people: list[UUID], tmp_path: Path
) -> None:
    export, _ = await asked(lived, people[0], tmp_path)
    notes = [row["note"] for row in export.section("alerts", "history") if row["note"]]
    assert notes
    assert all(MOTHER in note or "was right" in note for note in notes), "only a person can tell whom a note names"
    assert not any(word in note for note in notes for word in STAFF)
    redacted, page = await asked(lived, people[0], tmp_path, "en", MOTHER)
    assert MOTHER not in redacted.text + page
    decided = export.section("linkage", "decisions")
    assert {row["verdict"] for row in decided} == {"must", "must_not"}
    assert [row["reason"] for row in decided if row["verdict"] == "must_not"] == [None], "it is about another's record"


async def test_a_score_is_explained_in_words_in_both_languages(
    lived: Lived, people: list[UUID], tmp_path: Path
) -> None:
    for language, word in (("en", "school sessions"), ("cy", "sesiwn ysgol")):
        export, page = await asked(lived, people[0], tmp_path, language)
        (logic,) = export.section("scoring", "logic")
        assert {"raise", "lower"} <= export.section("scoring", "receipts")[0].keys()
        assert logic["card"]["kind"]
        assert logic["limits"]
        assert any(word in why for row in export.section("scoring", "receipts") for why in row["why"])
        assert word in page
        assert f'<html lang="{language}">' in page
        assert logic["problem"] in page.replace("&#39;", "'")


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_else_is_told_anything_and_the_refusal_is_kept(
    lived: Lived, people: list[UUID], service: str
) -> None:
    body = {"ids": [str(people[0])], "reference": "2026/refused"}
    assert (await lived.post(None, service, f"/{service}/subject-access", body)).status_code == 401
    for role in (set(ROLES) - {"auditor"}) | {"nobody-in-particular"}:
        person = replace(KEEPER, subject=f"{service}-{role}", role=role)
        answer = await lived.post(person, service, f"/{service}/subject-access", body)
        assert answer.status_code == 403
        assert "sections" not in answer.text
    await lived.settled()
    entries = [row for _, row in (await everything(lived)).rows["audit", "entries"] if row["service"] == service]
    mine = [row for row in entries if row["reference"] == "access-request:2026/refused"]
    assert {row["role"] for row in mine} == (set(ROLES) - {"auditor"}) | {"nobody-in-particular"}
    assert {(row["outcome"], row["action"], row["entity"]) for row in mine} == {
        ("refused", "disclosure", str(people[0]))
    }


async def test_each_service_writes_down_that_it_told_before_it_tells(
    lived: Lived, people: list[UUID], tmp_path: Path
) -> None:
    request = Request(people[1], "2026/kept", "en")
    stack = lived.stack
    answer = await asyncio.to_thread(collect, stack.up.services, stack.home.secret("session_key"), request)
    await lived.settled()
    entries = (await everything(lived)).rows["audit", "entries"]
    mine = [row for _, row in entries if row["reference"] == "access-request:2026/kept"]
    assert {row["service"] for row in mine} == set(SERVICES)
    assert {row["actor"].split(":")[0] for row in mine} == {"operator"}
    ids = {str(id) for id in answer.answers[0].ids}
    for service in set(SERVICES) - {"linkage"}:
        assert {row["entity"] for row in mine if row["service"] == service} == ids
    assert all(row["outcome"] == ("empty" if row["service"] == "ingest" else "allowed") for row in mine), mine


async def test_of_somebody_erased_there_is_that_and_nothing_else(
    lived: Lived, people: list[UUID], tmp_path: Path
) -> None:
    before, _ = await asked(lived, people[2], tmp_path)
    names = {row["value"] for row in before.section("linkage", "values") if len(row["value"]) > 3}
    home, services = lived.stack.home, lived.stack.up.services
    await asyncio.to_thread(
        erase, services["linkage"], home.secret("session_key"), [people[2]], [], "objection", "Request 2026/118"
    )
    await lived.settled()
    export, page = await asked(lived, people[2], tmp_path)
    assert all(answer["sections"] == [] for answer in export.answers.values())
    assert export.answers["linkage"]["erased"]
    assert "audit" not in export.answers
    assert "erased" in page
    assert not [name for name in names if name in export.text or name in page]


@pytest.mark.parametrize("language", ["en", "cy"])
async def test_the_page_is_whole_by_itself_and_axe_finds_no_violation(
    lived: Lived, people: list[UUID], tmp_path: Path, language: str
) -> None:
    path = shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium: run .ci/browser as root")
    _, text = await asked(lived, people[0], tmp_path, language)
    assert "src=" not in text
    assert not re.findall(r'href="(?!#)', text), "nothing from elsewhere"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = await browser.new_page()
        await page.goto((tmp_path / "subject-access-2026-118.html").as_uri())
        found = await Axe().run(page, options=WCAG)
        await browser.close()
    assert found.violations_count == 0, found.generate_report()


async def test_a_reference_of_nobody_and_one_of_a_place_give_no_file(lived: Lived, tmp_path: Path) -> None:
    place = (await lived.rows("linkage", "SELECT id FROM entities WHERE kind = 'place' LIMIT 1"))[0][0]
    for id, why in ((uuid4(), "Nobody is known"), (place, "of no person")):
        with pytest.raises(StackError, match=why):
            await asked(lived, id, tmp_path)
    assert not list(tmp_path.iterdir())


async def test_the_command_writes_two_files_for_its_owners_eyes(
    lived: Lived, people: list[UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIGSAW_HOME", str(lived.stack.home.path))
    arguments = ["subject-access", str(people[0]), "--reference", "2026/119", "--out", str(tmp_path / "new")]
    done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--language", "cy", "--redact", MOTHER])
    assert done.exit_code == 0, done.output
    assert "Read them" in done.output.replace("read", "Read")
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["subject-access-2026-119.html", "subject-access-2026-119.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    refused = await asyncio.to_thread(CliRunner().invoke, app, ["subject-access", str(uuid4()), "--reference", "x"])
    assert refused.exit_code == 1
    assert "Nobody is known" in refused.output
