"""Signing in and out against a real provider in a process of its own, and everything a liar may try."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.web.example.main import make_app
from tests.web.issuer import SECRET
from tests.web.processes import KEY, Settings, free_port

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def csrf_of(page: httpx.Response) -> str:
    """The token in the page's forms."""
    found = TOKEN.search(page.text)
    assert found, "no form with a token"
    return found[1]


def test_signing_in_leads_back_to_the_page_that_was_asked_for(browser: httpx.Client) -> None:
    page = browser.get("/example/?sort=new&page=2")
    assert page.status_code == 200
    assert str(page.url).endswith("/example/?sort=new&page=2")
    assert "Mair Hughes" in page.text
    assert "Youth worker" in page.text


def test_the_cookie_hides_who_it_is_about_and_is_out_of_reach_of_scripts(browser: httpx.Client) -> None:
    page = browser.get("/example/")
    setting = next(
        line
        for answer in [*page.history, page]
        for line in answer.headers.get_list("set-cookie")
        if line.startswith("jigsaw=")
    )
    assert "HttpOnly" in setting
    assert "SameSite=lax" in setting
    assert "Path=/" in setting
    assert "Mair" not in setting


def test_a_program_is_answered_401_and_not_sent_to_sign_in(console: str) -> None:
    answer = httpx.get(f"{console}/example/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_event_stream_is_answered_401_too(console: str) -> None:
    assert httpx.get(f"{console}/example/stream", headers={"Accept": "text/event-stream"}).status_code == 401


@pytest.mark.parametrize("change", ["first", "last", "cut", "other"])
def test_a_changed_cookie_is_no_session(signed_in: httpx.Client, console: str, change: str) -> None:
    sealed = signed_in.cookies["jigsaw"]
    forged = {
        "first": ("B" if sealed[0] == "A" else "A") + sealed[1:],
        "last": sealed[:-4] + ("BBBB" if sealed.endswith("AAAA") else "AAAA"),
        "cut": sealed[:-8],
        "other": "not sealed at all",
    }[change]
    answer = httpx.get(f"{console}/example/", cookies={"jigsaw": forged}, headers={"Accept": "application/json"})
    assert answer.status_code == 401


def test_a_value_sealed_for_another_use_is_no_session(browser: httpx.Client, console: str) -> None:
    browser.get("/example/signin", follow_redirects=False)
    attempt = next(value for name, value in browser.cookies.items() if name.startswith("jigsaw-signin-"))
    answer = httpx.get(f"{console}/example/", cookies={"jigsaw": attempt}, headers={"Accept": "application/json"})
    assert answer.status_code == 401


LIES = ["nonce", "audience", "issuer", "party", "expired", "signature", "unsigned", "mac", "iss", "refuses"]


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_cannot_be_believed_signs_nobody_in(
    browser: httpx.Client, tell: Callable[..., None], lie: str
) -> None:
    tell(lie=lie)
    page = browser.get("/example/")
    assert page.status_code == 403
    assert "You could not be signed in" in page.text
    assert "jigsaw" not in browser.cookies


def test_a_state_that_this_browser_did_not_send_is_refused(browser: httpx.Client, tell: Callable[..., None]) -> None:
    tell(lie="state")
    page = browser.get("/example/")
    assert page.status_code == 400
    assert "begun in another browser" in page.text
    assert "jigsaw" not in browser.cookies


def test_a_code_stolen_from_another_browser_signs_nobody_in(browser: httpx.Client, console: str) -> None:
    went = browser.get("/example/signin", follow_redirects=False)
    back = browser.get(went.headers["location"], follow_redirects=False)
    thief = httpx.get(back.headers["location"], headers={"Accept": "text/html"})
    assert thief.status_code == 400
    assert "jigsaw" not in thief.cookies


def test_two_tabs_can_sign_in_at_once(browser: httpx.Client) -> None:
    first = browser.get("/example/signin", params={"to": "/example/?tab=1"}, follow_redirects=False)
    second = browser.get("/example/signin", params={"to": "/example/?tab=2"}, follow_redirects=False)
    assert str(browser.get(second.headers["location"]).url).endswith("?tab=2")
    assert str(browser.get(first.headers["location"]).url).endswith("?tab=1")


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "evil",
]


@pytest.mark.parametrize("to", ELSEWHERE)
def test_no_redirect_leads_away_from_the_console(browser: httpx.Client, console: str, to: str) -> None:
    assert str(browser.get("/example/signin", params={"to": to}).url) == f"{console}/example/"
    spoken = browser.get("/example/language", params={"to": "cy", "back": to}, follow_redirects=False)
    assert spoken.headers["location"] == "/example/"


def test_a_person_without_a_role_is_told_so(browser: httpx.Client, tell: Callable[..., None]) -> None:
    tell(person="huw")
    page = browser.get("/example/")
    assert page.status_code == 403
    assert "Your account has no role in Jigsaw" in page.text


def test_of_several_roles_the_one_jigsaw_knows_counts(browser: httpx.Client, tell: Callable[..., None]) -> None:
    tell(person="nest")
    assert "Data steward" in browser.get("/example/").text


def test_a_page_for_another_role_is_refused_in_the_viewers_language(signed_in: httpx.Client) -> None:
    page = signed_in.get("/example/audit")
    assert page.status_code == 403
    assert "Your role does not include this page" in page.text
    assert "Nid yw&#39;ch rôl yn cynnwys" in signed_in.get("/example/audit", headers={"Accept-Language": "cy"}).text


def test_the_right_role_is_let_in(browser: httpx.Client, tell: Callable[..., None]) -> None:
    tell(person="owen")
    assert browser.get("/example/audit").json() == {"log": "intact"}


def test_signing_out_forgets_the_session_here_and_at_the_issuer(signed_in: httpx.Client, issuer: str) -> None:
    before = httpx.get(f"{issuer}/state").json()["signed_out"]
    page = signed_in.post("/example/sign-out", data={"csrf": csrf_of(signed_in.get("/example/"))})
    assert str(page.url).endswith("/example/signed-out")
    assert "You are signed out" in page.text
    assert httpx.get(f"{issuer}/state").json()["signed_out"] == before + 1
    assert signed_in.get("/example/", headers={"Accept": "application/json"}).status_code == 401


def test_nobody_is_signed_out_by_a_link(signed_in: httpx.Client) -> None:
    assert signed_in.get("/example/sign-out").status_code == 405


async def test_while_the_issuer_is_away_a_page_says_so() -> None:
    app = make_app(Settings(console="http://here.example", oidc_issuer=f"http://127.0.0.1:{free_port()}"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.example") as visitor:
        page = await visitor.get("/example/signin", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "The sign-in service does not answer" in page.text


def test_no_page_shows_a_secret(signed_in: httpx.Client) -> None:
    page = signed_in.get("/example/")
    assert KEY not in page.text
    assert SECRET not in page.text
