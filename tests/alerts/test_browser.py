"""The queue in a real browser: two open pages, no script at all, both languages, no axe violation."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.alerts.serving import HELEN, MAIR, OWEN, Served, folder, linkage, mailbox, served
from tests.alerts.test_service import alerts, emptied, rows
from tests.alerts.test_store import scored
from tests.web.processes import signed_in
from tests.web.test_browser import FLAGS, NARROW, WCAG, WIDE

__all__ = ["emptied", "folder", "linkage", "mailbox", "served"]

Window = Callable[..., Awaitable[Page]]


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
async def window(chromium: Browser, served: Served) -> AsyncIterator[Window]:
    """Opens a page as a person who is signed in."""
    contexts = []

    async def opened(path: str, viewer: Any = MAIR, locale: str = "en-GB", **options: Any) -> Page:
        context = await chromium.new_context(base_url=served.address, locale=locale, **({"viewport": WIDE} | options))
        contexts.append(context)
        await context.add_cookies([{"name": "jigsaw", "value": signed_in(viewer)[0], "url": served.address}])
        page = await context.new_page()
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        await context.close()


async def test_an_alert_arrives_on_every_open_page_of_the_team(served: Served, window: Window) -> None:
    pages = [await window("/alerts/"), await window("/alerts/", HELEN)]
    for page in pages:
        await expect(page.get_by_text("New entries appear here as they arrive.")).to_be_visible()
        await expect(page.get_by_text("Nobody new.")).to_be_visible()
    await served.say([scored(1, 1, 0.9)])
    for page in pages:
        await expect(page.get_by_role("link", name="Rhys Morgan")).to_be_visible()
        await expect(page.get_by_text("Nobody new.")).to_be_hidden()
        announced = page.locator("[data-live-announce]")
        await expect(announced).to_have_text("New alert: Rhys Morgan. Very high.")


async def test_a_hidden_tab_still_hears(served: Served, window: Window) -> None:
    page = await window("/alerts/")
    await expect(page.get_by_text("New entries appear here as they arrive.")).to_be_visible()
    front = await page.context.new_page()
    await front.bring_to_front()
    await served.say([scored(2, 1, 0.7)])
    await expect(page.get_by_role("link", name="Siân Gruffydd")).to_be_attached()


async def test_a_colleague_sees_at_once_that_somebody_has_been_taken_on(served: Served, window: Window) -> None:
    await served.say([scored(1, 1, 0.9), scored(2, 2, 0.7)])
    await alerts(served, 2)
    mine, theirs = await window("/alerts/"), await window("/alerts/", HELEN)
    await expect(theirs.get_by_text("New entries appear here as they arrive.")).to_be_visible()
    await mine.get_by_role("button", name="Take on Rhys Morgan").click()
    await expect(mine.get_by_role("alert")).to_contain_text("You have taken on the alert about Rhys Morgan.")
    await expect(mine.get_by_role("link", name="Rhys Morgan")).to_be_hidden()
    await expect(theirs.get_by_text("Mair Hughes is looking into it")).to_be_visible()


async def test_taking_on_and_closing_need_no_script(served: Served, window: Window) -> None:
    await served.say([scored(1, 1, 0.9)])
    await alerts(served, 1)
    page = await window("/alerts/", java_script_enabled=False)
    await page.get_by_role("link", name="Rhys Morgan").click()
    await page.get_by_label("What you will do").fill("I will call on Monday")
    await page.get_by_role("button", name="Take on").click()
    await expect(page.get_by_text("“I will call on Monday”")).to_be_visible()
    await page.get_by_role("button", name="Close the alert").click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    await page.get_by_label("Support was agreed").check()
    await page.get_by_role("button", name="Close the alert").click()
    await expect(page.get_by_text("You have closed the alert about Rhys Morgan.")).to_be_visible()
    await page.get_by_role("link", name="Ended 1").click()
    await expect(page.get_by_role("link", name="Rhys Morgan")).to_be_visible()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("locale", ["en-GB", "cy-GB"])
async def test_axe_finds_no_violation(served: Served, window: Window, locale: str, viewport: dict[str, int]) -> None:
    await served.say([scored(who, who, value) for who, value in ((1, 0.93), (2, 0.71), (3, 0.62), (9, 0.85))])
    ids = await alerts(served, 4)
    page = await window("/alerts/", locale=locale, viewport=viewport)
    for path in ("/alerts/", "/alerts/?state=ended", f"/alerts/{ids[0]}", "/alerts/docs"):
        await page.goto(path)
        assert await page.locator("html").get_attribute("lang") == locale[:2]
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


async def test_the_page_is_welsh_where_welsh_is_asked_for(served: Served, window: Window) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    page = await window("/alerts/", locale="cy-GB")
    await expect(page.get_by_role("heading", name="Pobl sydd angen sylw")).to_be_visible()
    await expect(page.get_by_text("Collodd 31% o wersi")).to_be_visible()
    await page.goto(f"/alerts/{id}")
    await expect(page.get_by_role("button", name="Cymryd yr achos")).to_be_visible()


WORDS = {
    "en-GB": ("Why you need to see it now", "Open the case", "You have opened this case in an emergency",
              "Review them", "What you found", "Justified", "Your verdict has been kept."),
    "cy-GB": ("Pam mae angen i chi ei weld nawr", "Agor yr achos", "Rydych wedi agor yr achos hwn mewn argyfwng",
              "Eu hadolygu", "Beth a welsoch", "Cyfiawn", "Mae eich dyfarniad wedi'i gadw."),
}  # fmt: skip


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
@pytest.mark.parametrize("locale", WORDS)
async def test_break_glass_from_the_wall_to_the_verdict(
    served: Served, window: Window, locale: str, script: bool
) -> None:
    """Another team's page, the form, the case with its banner, the supervisor's queue: each without a violation."""
    why, opens, banner, leads, note, justified, kept = WORDS[locale]
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    owen = await window(f"/alerts/{id}", OWEN, locale=locale, viewport=NARROW, java_script_enabled=script)
    await sound(owen, script)
    await expect(owen.get_by_text("Rhys Morgan")).to_have_count(0)
    await owen.get_by_role("button", name=opens).click()
    await expect(owen.locator("#reason-error")).to_be_visible()
    await sound(owen, script)
    await owen.get_by_label(why).fill("Mae yma / is here")
    await owen.get_by_role("button", name=opens).click()
    await expect(owen.get_by_role("heading", name="Rhys Morgan")).to_be_visible()
    await expect(owen.get_by_text(banner)).to_be_visible()
    await expect(owen.locator("main form")).to_have_count(0)
    await sound(owen, script)
    helen = await window("/alerts/", HELEN, locale=locale, viewport=NARROW, java_script_enabled=script)
    await sound(helen, script)
    await helen.get_by_role("link", name=leads).click()
    await sound(helen, script)
    await helen.get_by_role("button", name=justified, exact=True).click()
    await expect(helen.locator(".govuk-error-message")).to_be_visible()
    await sound(helen, script)
    await helen.get_by_label(note).fill("Ffoniais / I called")
    await helen.get_by_role("button", name=justified, exact=True).click()
    await expect(helen.get_by_text(kept)).to_be_visible()
    await expect(helen.get_by_text("“Ffoniais / I called”")).to_be_visible()
    await sound(helen, script)


async def sound(page: Page, script: bool) -> None:
    """No violation (which only a script can find), and nothing beyond a narrow window's edge."""
    if not script:
        return
    found = await Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


async def test_a_page_that_is_gone_back_to_opens_nothing_anew(served: Served, window: Window) -> None:
    await served.say([scored(1, 1, 0.9)])
    (id,) = await alerts(served, 1)
    page = await window(f"/alerts/{id}", OWEN)
    await page.get_by_label("Why you need to see it now").fill("She is here")
    await page.get_by_role("button", name="Open the case").dblclick()
    await expect(page.get_by_text("You have opened this case in an emergency")).to_be_visible()
    await rows(
        served, "UPDATE overrides SET given_at = given_at - interval '1 hour', until = until - interval '1 hour'"
    )
    await page.reload()
    await expect(page.get_by_text("Rhys Morgan")).to_have_count(0)
    await page.get_by_label("Why you need to see it now").fill("She is here")
    await page.get_by_role("button", name="Open the case").click()
    await expect(page.locator("#reason-error")).to_contain_text("with these words before")
    assert len(await rows(served, "SELECT FROM overrides")) == 1
