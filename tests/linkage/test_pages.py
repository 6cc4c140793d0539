"""Linkage's pages: in a real browser, in both languages, without scripts; nothing that names anybody in an address."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from local.stack import Parts
from services.linkage.models.relinking import Progress, Relinking
from services.linkage.records import Kept
from shared.contracts import Outcome
from shared.web import Viewer
from tests.linkage.answering import Office, opened, record, served, signed_in, viewer
from tests.linkage.people import model
from tests.parts import fresh_database
from tests.web.processes import free_port
from tests.web.test_browser import FLAGS, NARROW, WCAG, WIDE

HTML = {"Accept": "text/html"}
NAMES = re.compile("gruffydd|griffith|siân|si%C3%A2n|3-14", re.IGNORECASE)
SIAN = {"sex": "F", "birth_date": "2010-03-14", "address": "3 Heol y Bont", "town": "Aberwern", "postcode": "AW5 3PT"}
SCHOOL = record("schools", given="Siân", middle="Elen", family="Gruffydd", reference="1007689", days=12, **SIAN)
HOSPITAL = record("hospital", given="Sian", family="Gruffydd", nhs_number="9434765919", days=3, **SIAN)
POLICE = record("police", given="Siân", family="Griffiths", mobile="+447700900123", days=1, **SIAN)
OTHER = record("schools", given="Owain", family="Rees", birth_date="2009-05-06", postcode="AW1 1AA")
Window = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    port = free_port()
    async with (
        opened(parts, await fresh_database(parts, "linkage"), console=f"http://127.0.0.1:{port}") as office,
        served(office, port),
    ):
        office.address = f"http://127.0.0.1:{port}"
        await office.hear(SCHOOL, HOSPITAL, POLICE, OTHER)
        yield office


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; where CI has none the tests fail and are not skipped in silence."""
    path = shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium: run .ci/browser as root")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def window(chromium: Browser, office: Office) -> AsyncIterator[Window]:
    """Opens a page as a person who is signed in."""
    contexts = []

    async def opens(path: str, person: Viewer | None = None, locale: str = "en-GB", **options: Any) -> Page:
        context = await chromium.new_context(base_url=office.address, locale=locale, **({"viewport": WIDE} | options))
        contexts.append(context)
        cookie, _ = signed_in(person or viewer("steward"))
        await context.add_cookies([{"name": "jigsaw", "value": cookie, "url": office.address}])
        page = await context.new_page()
        await page.goto(path)
        return page

    yield opens
    for context in contexts:
        await context.close()


async def entity(office: Office, one: Kept = SCHOOL) -> str:
    return str((await office.entity_of(one))[one.id])


async def test_from_a_name_to_why_two_records_are_one_without_a_script(office: Office, window: Window) -> None:
    person = viewer("youth-worker")
    page = await window("/linkage/", person, java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await expect(page.get_by_label("NHS number")).to_have_count(0)
    await page.get_by_label("Full name").fill("Sian Gruffydd")
    await page.get_by_label("Date of birth").fill("14 3 2010")
    await page.get_by_role("button", name="Search").click()
    hit = page.locator(".card").first
    await expect(hit.get_by_text("14 March 2010")).to_be_visible()
    await hit.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Gruffydd")
    golden = page.get_by_role("region", name="Golden record")
    await expect(golden.get_by_role("row", name="Last name")).to_contain_text("Gruffydd")
    await expect(page.get_by_text("9434765919")).to_have_count(0)
    await page.locator(".pairs a").first.click()
    await expect(page.get_by_role("table", name="What each field says")).to_be_visible()
    await expect(page.get_by_role("link", name="Decide about this pair")).to_have_count(0)
    assert not [address for address in asked if NAMES.search(address)]
    assert {e.outcome for e in await office.entries(person)} == {Outcome.ALLOWED}


async def test_a_steward_decides_splits_off_and_takes_back(office: Office, window: Window) -> None:
    page = await window(f"/linkage/review/{SCHOOL.id}/{OTHER.id}", java_script_enabled=False)
    await page.get_by_role("button", name="Decide").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose whether they are one or two")
    await page.get_by_label("One person").check()
    await page.get_by_label("Why").fill("I asked the school")
    await page.get_by_role("button", name="Decide").click()
    await expect(page.get_by_role("alert")).to_contain_text("of one. It holds whatever arrives.")
    assert await entity(office) == await entity(office, OTHER)
    await page.get_by_role("link", name="Decided").click()
    await expect(page.get_by_text("I asked the school")).to_be_visible()
    await page.get_by_role("link", name="and").first.click()
    await page.get_by_label("Take the decision back").check()
    await page.get_by_label("Why").fill("It was another Owain")
    await page.get_by_role("button", name="Decide").click()
    assert await entity(office) != await entity(office, OTHER)
    await page.goto(f"/linkage/entities/{await entity(office)}")
    together = len(await office.members(SCHOOL))
    await page.get_by_role("link", name="Split off Police").click()
    await page.get_by_label("Why").fill("Her sister")
    await page.get_by_role("button", name="Split off").click()
    await expect(page.get_by_role("alert")).to_contain_text("The record was split off.")
    assert len(await office.members(SCHOOL)) == together - 1


async def test_a_steward_reads_what_another_model_would_change(office: Office, window: Window) -> None:
    cautious = replace(model(), name="cautious", thresholds=replace(model().thresholds, link=17_900))
    await Relinking(office.database, "an operator", Progress()).shadow(cautious)
    person = viewer("steward")
    page = await window("/linkage/review", person, java_script_enabled=False)
    await page.get_by_role("link", name="Models").click()
    await expect(page.get_by_role("row", name=cautious.version)).to_contain_text("Being tried")
    await expect(page.get_by_role("row", name=model().version)).to_contain_text("Active")
    await expect(page.locator(".card").first).to_contain_text("Gruffydd")
    await expect(page.locator(".card").first).to_contain_text("Would be parted")
    shown = {e.subject for e in await office.entries(person) if e.outcome is Outcome.ALLOWED}
    assert await entity(office) in {str(one) for one in shown}
    async with office.client(viewer("steward")) as client:
        said = (await client.get("/linkage/api/models")).json()
        assert [one["state"] for one in said["models"]] == ["shadow", "active"]
        assert said["differences"]["parted"] == len(said["sample"]) > 0
        assert said["sample"][0]["case"]["pair"]["model"] == cautious.version
        why = (await client.get(f"/linkage/api/why/{SCHOOL.id}/{HOSPITAL.id}")).json()
        assert why["pairs"][0]["model"] == model().version
    async with office.client(viewer("youth-worker")) as client:
        assert (await client.get("/linkage/api/models")).status_code == 403


async def test_a_record_is_erased_without_a_script_and_its_reference_says_so(office: Office, window: Window) -> None:
    gone = record("schools", given="Myfanwy", family="Jenkins", birth_date="2008-02-01", postcode="AW7 7AA")
    await office.hear(gone)
    id = await entity(office, gone)
    page = await window(f"/linkage/entities/{id}", java_script_enabled=False)
    await page.get_by_role("button", name="Erase records").click()
    await page.get_by_role("button", name="Erase for ever").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose on which ground")
    assert await office.entity_of(gone), "nothing is erased by half a form"
    await page.get_by_label("The person objected").check()
    await page.get_by_label("Why").fill("Request 2026/118")
    await page.get_by_role("button", name="Erase for ever").click()
    await expect(page.get_by_role("alert")).to_contain_text("Erased.")
    assert not await office.entity_of(gone)
    answer = await page.goto(f"/linkage/entities/{id}")
    assert answer is not None
    assert answer.status == 410
    await expect(page.get_by_text("All that was known under this reference is erased")).to_be_visible()


async def test_crowded_keys_are_listed_in_words(office: Office, window: Window) -> None:
    crowd = [record("housing", given=f"Given{n}", family=f"Family{n}", phone="+441597960001") for n in range(70)]
    await office.hear(*crowd)
    page = await window("/linkage/review/blocks", locale="cy-GB")
    row = page.get_by_role("row", name="Ffôn", exact=False).first
    await expect(row).to_contain_text("70")
    assert "597960001" not in await page.content()


@pytest.mark.parametrize("locale", ["en-GB", "cy-GB"])
async def test_axe_finds_no_violation(office: Office, window: Window, locale: str) -> None:
    id = await entity(office)
    for path in (
        "/linkage/", f"/linkage/entities/{id}", f"/linkage/why/{SCHOOL.id}/{HOSPITAL.id}", "/linkage/review",
        f"/linkage/review/{SCHOOL.id}/{OTHER.id}", "/linkage/review/decided",
        f"/linkage/review/split/{id}/{SCHOOL.id}", "/linkage/review/models", "/linkage/review/blocks",
        f"/linkage/erase/{id}",
    ):  # fmt: skip
        page = await window(path, locale=locale)
        assert await page.locator("html").get_attribute("lang") == locale[:2]
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        await page.set_viewport_size(NARROW)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"], f"{path} scrolls sideways at 320 px (WCAG 1.4.10)"


async def test_axe_finds_no_violation_in_an_answer_or_an_error(window: Window) -> None:
    page = await window("/linkage/", viewer("supervisor"), locale="cy-GB")
    await page.get_by_label("Diben").select_option("neet")
    await page.get_by_label("Enw llawn").fill("Siân Gruffydd")
    await page.get_by_role("button", name="Chwilio").click()
    await expect(page.locator(".card").first).to_contain_text("14 Mawrth 2010")
    assert (await Axe().run(page, options=WCAG)).violations_count == 0
    await page.get_by_label("Dyddiad geni").fill("ddoe")
    await page.get_by_role("button", name="Chwilio").click()
    await expect(page.get_by_role("alert")).to_contain_text("Dyddiad geni")
    assert (await Axe().run(page, options=WCAG)).violations_count == 0


async def test_a_search_belongs_to_who_made_it(office: Office) -> None:
    async with office.client(viewer("steward"), **HTML) as mine, office.client(viewer("steward"), **HTML) as theirs:
        form = {"name": "Siân Gruffydd", "purpose": "identity"}
        sealed = (await mine.post("/linkage/", data=form)).headers["location"]
        assert not NAMES.search(sealed)
        assert "Gruffydd" in (await mine.get(sealed)).text
        assert "Gruffydd" not in (await theirs.get(sealed)).text, "an address that was passed on opens nothing"
        assert "Gruffydd" not in (await mine.get(sealed[:-8] + "AAAAAAAA")).text


async def test_who_may_not_search_is_told_so(office: Office) -> None:
    for role, path in (("analyst", "/linkage/"), ("operator", "/linkage/"), ("youth-worker", "/linkage/review")):
        async with office.client(viewer(role), **HTML) as client:
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "That you asked was recorded." in answer.text


async def test_an_old_reference_says_where_it_leads(office: Office) -> None:
    one, two = await office.keep(
        [record("schools", given="Ifan", family="Bowen")], [record("hospital", given="Ifan", family="Bowen")]
    )
    await office.merge(one, two)
    async with office.client(viewer("steward"), **HTML) as client:
        page = (await client.get(f"/linkage/entities/{one}")).text
        assert "Old references lead here for ever." in page
        assert str(two) in page
        assert "Old references" not in (await client.get(f"/linkage/entities/{two}")).text
