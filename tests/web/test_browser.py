"""The pages in a real browser: no axe violation in either language, by keyboard, without scripts, growing lists."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
PAGES = [
    "/example/",
    "/example/?wrong=1",
    "/example/docs",
    "/example/accessibility",
    "/example/privacy",
    "/example/signed-out",
    "/example/gone",
    "/example/audit",
    "/example/signed-in?state=unknown",
]
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where CI has none the tests fail and are not skipped in silence."""
    path = shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium: run .ci/browser as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cookies(chromium: Browser, console: str) -> StorageState:
    """What a browser keeps after signing in."""
    context = chromium.new_context(base_url=console)
    context.new_page().goto("/example/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def window(chromium: Browser, console: str, cookies: StorageState) -> Iterator[Callable[..., Page]]:
    """Opens a page of the console, signed in."""
    contexts: list[BrowserContext] = []

    def open_window(path: str, locale: str = "en-GB", **options: object) -> Page:
        context = chromium.new_context(
            base_url=console, locale=locale, storage_state=cookies, **({"viewport": WIDE} | options)
        )  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_window
    for context in contexts:
        context.close()


@pytest.mark.parametrize("locale", ["en-GB", "cy-GB"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_violation(window: Callable[..., Page], path: str, locale: str) -> None:
    page = window(path, locale)
    assert page.locator("html").get_attribute("lang") == locale[:2]
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", ["/example/", "/example/docs", "/example/accessibility"])
def test_a_narrow_window_loses_nothing_and_has_no_violation(window: Callable[..., Page], path: str) -> None:
    page = window(path, "cy-GB", viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], (
        "WCAG 1.4.10: no scrolling sideways at 320 px"
    )
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def test_axe_would_find_one(window: Callable[..., Page]) -> None:
    page = window("/example/privacy")
    page.evaluate("document.querySelector('main').innerHTML += '<img src=x><input>'")
    assert {violation["id"] for violation in Axe().run(page, options=WCAG).response["violations"]} >= {
        "image-alt",
        "label",
    }


def test_the_browser_has_nothing_to_complain_about(window: Callable[..., Page]) -> None:
    page = window("/example/accessibility")
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/example/")
    expect(page.get_by_text("New entries appear here as they arrive.")).to_be_visible()
    assert complaints == []
    assert not [address for address in asked if "/example/" not in address]


def test_new_entries_arrive_on_the_open_page_and_are_announced(window: Callable[..., Page]) -> None:
    page = window("/example/")
    titles = page.locator("[data-live-list] h2 a")
    expect(titles).to_have_text(["Nia 5", "Nia 4", "Siân Gruffydd", "Tomos ap Rhys"])
    expect(page.get_by_role("status")).to_have_text("New entries: 2")


def test_entries_that_arrive_while_somebody_reads_further_down_wait_behind_a_button(
    window: Callable[..., Page],
) -> None:
    page = window("/example/privacy")
    page.route("**/example/stream", lambda route: route.abort())
    page.goto("/example/")
    page.get_by_role("link", name="Siân Gruffydd").focus()
    page.unroute("**/example/stream")
    more = page.get_by_role("button", name="Show new entries: 2")
    expect(more).to_be_visible(timeout=10_000)
    expect(page.locator("[data-live-list] > li")).to_have_count(2)
    more.click()
    expect(page.locator("[data-live-list] > li")).to_have_count(4)
    expect(page.get_by_role("link", name="Nia 5")).to_be_focused()


def test_everything_works_without_scripts(window: Callable[..., Page]) -> None:
    page = window("/example/", java_script_enabled=False)
    expect(page.get_by_text("New entries appear when you reload the page.")).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("You acknowledged the alert about Siân Gruffydd.")).to_be_visible()
    page.get_by_role("link", name="Cymraeg").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rhybuddion")
    page.get_by_role("button", name="Allgofnodi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rydych wedi allgofnodi")


def test_a_form_is_sent_once_however_fast_one_clicks(window: Callable[..., Page]) -> None:
    page = window("/example/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Acknowledge").dblclick()
    expect(page.get_by_role("alert")).to_have_text("You acknowledged the alert about Siân Gruffydd.")
    assert len(sent) == 1


def test_the_keyboard_reaches_the_content_first_and_shows_where_it_is(window: Callable[..., Page]) -> None:
    page = window("/example/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["height"] > 20  # type: ignore[index]
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_signing_out_works_under_the_content_security_policy(window: Callable[..., Page]) -> None:
    page = window("/example/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.get_by_role("button", name="Sign in again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alerts")
