"""How long a session lives, who can open it, and what the services tell each other."""

from dataclasses import replace

import httpx
import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared.web.keys import Keys
from shared.web.session import HINT_LIMIT, IDLE, LONGEST, REFRESH, Session, SessionCookie, begin
from shared.web.tokens import TokenRefused, service_token, verify_service_token
from shared.web.viewer import Viewer
from tests.web.example.main import make_app
from tests.web.processes import KEY, Settings

PERSON = Viewer("7", "Siân Gruffydd", "sian@example.org", "caseworker", "North", "cy")
NOW = 1_800_000_000
COOKIE = SessionCookie(Keys(KEY), secure=False)


def carried(session: Session, cookie: SessionCookie = COOKIE) -> HTTPConnection:
    """The next request of a browser that was given the session."""
    response = Response()
    cookie.write(response, session)
    value = response.headers["set-cookie"].split(";")[0]
    return HTTPConnection({"type": "http", "headers": [(b"cookie", value.encode())]})


def test_a_session_is_read_as_it_was_written() -> None:
    session = begin(PERSON, "token", NOW)
    assert COOKIE.read(carried(session), NOW + 5) == session


def test_a_session_ends_after_an_hour_without_use() -> None:
    request = carried(begin(PERSON, "", NOW))
    assert COOKIE.read(request, NOW + IDLE - 1)
    assert COOKIE.read(request, NOW + IDLE) is None


def test_use_keeps_a_session_but_never_beyond_eight_hours() -> None:
    session = begin(PERSON, "", NOW)
    for now in range(NOW, NOW + LONGEST, IDLE // 2):
        found = COOKIE.read(carried(session), now)
        assert found
        session = COOKIE.refreshed(found, now) or found
    assert COOKIE.read(carried(replace(session, seen=NOW + LONGEST - 1)), NOW + LONGEST) is None


@pytest.mark.parametrize(("accept", "renewed"), [("text/html", True), ("text/event-stream", False)])
async def test_a_person_keeps_a_session_alive_and_an_open_page_does_not(accept: str, renewed: bool) -> None:
    app = make_app(Settings(console="http://here.example", oidc_issuer=""), clock=lambda: NOW + IDLE / 2)
    headers = {"Accept": accept, "Cookie": carried(begin(PERSON, "", NOW)).headers["cookie"]}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.example") as visitor:
        answer = await visitor.get("/example/gone", headers=headers)
    assert ("set-cookie" in answer.headers) is renewed


def test_a_session_says_how_long_it_has_left() -> None:
    session = begin(PERSON, "", NOW)
    assert session.left(NOW + 60) == IDLE - 60
    assert replace(session, seen=NOW + LONGEST - 60).left(NOW + LONGEST - 50) == 50


def test_the_cookie_is_not_written_with_every_answer() -> None:
    session = begin(PERSON, "", NOW)
    assert COOKIE.refreshed(session, NOW + REFRESH - 1) is None
    assert COOKIE.refreshed(session, NOW + REFRESH)


def test_another_key_opens_nothing() -> None:
    assert SessionCookie(Keys(KEY + "!"), secure=False).read(carried(begin(PERSON, "", NOW)), NOW) is None


def test_a_session_of_a_release_with_other_fields_means_signing_in_again() -> None:
    closed = Keys(KEY).close("session", {"id": "1", "viewer": {"subject": "7"}, "started": NOW, "seen": NOW})
    assert (
        COOKIE.read(HTTPConnection({"type": "http", "headers": [(b"cookie", f"jigsaw={closed}".encode())]}), NOW)
        is None
    )


def test_over_https_the_cookie_is_for_this_host_alone() -> None:
    cookie, response = SessionCookie(Keys(KEY), secure=True), Response()
    cookie.write(response, begin(PERSON, "", NOW))
    setting = response.headers["set-cookie"]
    assert setting.startswith("__Host-jigsaw=")
    assert "; Secure" in setting
    assert "Domain" not in setting


def test_the_longest_session_fits_a_cookie() -> None:
    person = replace(PERSON, name="Ŵ" * 60, team="ŵ" * 60)
    response = Response()
    COOKIE.write(response, begin(person, "x" * HINT_LIMIT, NOW))
    assert len(response.headers["set-cookie"]) < 4096


def test_a_long_id_token_is_left_out() -> None:
    assert begin(PERSON, "x" * (HINT_LIMIT + 1), NOW).hint == ""


def test_a_weak_key_stops_the_start() -> None:
    with pytest.raises(ValueError, match="JIGSAW_SESSION_KEY has 6 characters"):
        Keys("secret")


def test_a_service_speaks_for_a_viewer_with_a_purpose() -> None:
    call = verify_service_token(KEY, "linkage", service_token(KEY, "linkage", PERSON, caller="alerts", purpose="neet"))
    assert (call.caller, call.viewer, call.purpose) == ("alerts", PERSON, "neet")


def test_a_service_may_speak_for_itself() -> None:
    assert verify_service_token(KEY, "linkage", service_token(KEY, "linkage", None, caller="scoring")).viewer is None


@pytest.mark.parametrize(
    ("key", "service", "now"),
    [(KEY + "!", "linkage", NOW), (KEY, "audit", NOW), (KEY, "linkage", NOW + 66), (KEY, "linkage", NOW - 60)],
)
def test_a_note_of_another_key_for_another_service_or_time_is_refused(key: str, service: str, now: int) -> None:
    token = service_token(KEY, "linkage", PERSON, caller="alerts", now=NOW)
    assert verify_service_token(KEY, "linkage", token, now=NOW + 60)
    with pytest.raises(TokenRefused, match=service):
        verify_service_token(key, service, token, now=now)


@pytest.mark.parametrize("token", ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        verify_service_token(KEY, "linkage", token)
