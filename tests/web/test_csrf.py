"""No other site, and no form of another session, may act for a signed-in person."""

import httpx
import pytest

from tests.web.test_signin import csrf_of

FORM = {"name": "Siân Gruffydd"}


def acknowledge(browser: httpx.Client, token: str, **headers: str) -> httpx.Response:
    """Send the example's form."""
    return browser.post("/example/acknowledge", data=FORM | {"csrf": token}, headers=headers)


def test_our_own_form_is_taken_and_the_next_page_says_so_once(signed_in: httpx.Client, console: str) -> None:
    page = acknowledge(signed_in, csrf_of(signed_in.get("/example/")), Origin=console)
    assert page.status_code == 200
    assert "You acknowledged the alert about Siân Gruffydd." in page.text
    assert "You acknowledged" not in signed_in.get("/example/").text


@pytest.mark.parametrize("token", ["", "0" * 64, "é" * 64])
def test_a_form_without_our_token_changes_nothing(signed_in: httpx.Client, token: str) -> None:
    page = acknowledge(signed_in, token)
    assert page.status_code == 403
    assert "nothing was changed" in page.text


def test_the_token_of_another_session_is_refused(signed_in: httpx.Client, console: str) -> None:
    with httpx.Client(base_url=console, headers=signed_in.headers, follow_redirects=True) as other:
        token = csrf_of(other.get("/example/"))
    assert acknowledge(signed_in, token).status_code == 403


@pytest.mark.parametrize(
    "header", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_on_another_site_is_refused_even_with_the_token(signed_in: httpx.Client, header: dict[str, str]) -> None:
    page = acknowledge(signed_in, csrf_of(signed_in.get("/example/")), **header)
    assert page.status_code == 403
    assert "another site" in page.text


def test_a_script_of_ours_may_send_the_token_in_a_header(signed_in: httpx.Client) -> None:
    token = csrf_of(signed_in.get("/example/"))
    answer = signed_in.post("/example/acknowledge", headers={"X-CSRF-Token": token}, follow_redirects=False)
    assert answer.status_code == 303


def test_a_form_sent_after_the_session_ended_leads_to_the_first_page(browser: httpx.Client, console: str) -> None:
    page = browser.post("/example/acknowledge", data=FORM)
    assert str(page.url) == f"{console}/example/"
