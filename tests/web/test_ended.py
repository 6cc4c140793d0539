"""A session that is over is over: its cookie, wherever it was copied to, opens nothing. Only who may end one does."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from shared.contracts import SessionsEnded
from shared.errors import Unavailable
from shared.web.ended import Ended
from shared.web.oidc import login_of
from shared.web.session import LONGEST, begin
from tests.web.issuer import NOT_A_LOGOUT
from tests.web.test_session import NOW, PERSON
from tests.web.test_signin import csrf_of


@pytest.fixture
def thief(signed_in: httpx.Client, console: str) -> Iterator[Callable[[], int]]:
    """What somebody with a copy of the cookie is answered."""
    stolen = {"jigsaw": signed_in.cookies["jigsaw"]}
    with httpx.Client(base_url=console, cookies=stolen, headers={"Accept": "application/json"}) as client:
        yield lambda: client.get("/example/").status_code


def told_of_logout(console: str, issuer: str, **token: str) -> httpx.Response:
    sent = {"logout_token": httpx.get(f"{issuer}/logout-token", params=token).json()}
    return httpx.post(f"{console}/example/signed-out-elsewhere", data=sent)


def sign_in(browser: httpx.Client) -> str:
    """The issuer's name for the session: it calls it by the state it was asked with."""
    went = browser.get("/example/signin", follow_redirects=False).headers["location"]
    assert browser.get(went).is_success
    return parse_qs(urlsplit(went).query)["state"][0]


def test_a_copied_cookie_ends_with_the_session(signed_in: httpx.Client, thief: Callable[[], int]) -> None:
    page = signed_in.get("/example/")
    assert thief() == 200
    signed_in.post("/example/sign-out", data={"csrf": csrf_of(page)})
    assert thief() == 401


def test_whom_the_issuer_signs_out_is_out_in_every_browser(
    signed_in: httpx.Client, thief: Callable[[], int], console: str, issuer: str
) -> None:
    answer = told_of_logout(console, issuer, sub="mair")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert thief() == 401


def test_a_token_that_is_sent_again_ends_no_session_that_began_after_it(
    thief: Callable[[], int], console: str, issuer: str
) -> None:
    assert told_of_logout(console, issuer, sub="mair", ago="3600").status_code == 200
    assert thief() == 200


def test_one_session_of_the_issuers_is_ended_and_no_other(
    browser: httpx.Client, thief: Callable[[], int], console: str, issuer: str
) -> None:
    browser.cookies.clear()
    login = sign_in(browser)
    assert told_of_logout(console, issuer, sub="mair", sid="of another browser").status_code == 200
    assert browser.get("/example/", headers={"Accept": "application/json"}).status_code == 200
    assert told_of_logout(console, issuer, sub="mair", sid=login).status_code == 200
    assert browser.get("/example/", headers={"Accept": "application/json"}).status_code == 401
    assert thief() == 200, "the cookie of the sign-in before is another session's"


@pytest.mark.parametrize("lie", [*NOT_A_LOGOUT, "signature", "mac"])
def test_a_token_that_cannot_be_believed_ends_nothing(
    thief: Callable[[], int], console: str, issuer: str, lie: str
) -> None:
    assert told_of_logout(console, issuer, sub="mair", lie=lie).status_code == 400
    assert thief() == 200


CRITICAL = urlsafe_b64encode(b'{"alg": "RS256", "crit": 5}').decode().rstrip("=")


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 5000, f"{CRITICAL}.e30.AAAA", f"{CRITICAL}.e30."])
def test_what_is_no_token_is_refused(console: str, token: str) -> None:
    answer = httpx.post(f"{console}/example/signed-out-elsewhere", data={"logout_token": token})
    assert answer.status_code == 400


@pytest.mark.parametrize("sent", [{}, {"token": "x"}])
def test_what_has_no_token_is_refused(console: str, sent: dict[str, str]) -> None:
    assert httpx.post(f"{console}/example/signed-out-elsewhere", data=sent).status_code == 400


async def test_what_is_remembered_is_forgotten_when_no_session_can_be_that_old() -> None:
    now = [float(NOW)]
    ended = Ended(lambda: now[0])
    session = begin(PERSON, "", NOW)
    await ended.end(PERSON.subject, session.id)
    await ended.end("somebody else")
    assert ended.is_over(session)
    assert not ended.is_over(begin(PERSON, "", NOW)), "it was one session that was ended"
    now[0] += LONGEST + 1
    await ended.end("a third")
    assert (len(ended._sessions), len(ended._people)) == (0, 1)


async def test_who_signs_in_after_being_signed_out_is_in_and_an_older_message_changes_nothing() -> None:
    said: list[SessionsEnded] = []
    ended = Ended(lambda: NOW + 10.5)

    async def say(one: SessionsEnded) -> None:
        said.append(one)

    ended.say = say
    await ended.end(PERSON.subject)
    before, after = begin(PERSON, "", NOW + 10), begin(PERSON, "", NOW + 11)
    assert (ended.is_over(before), ended.is_over(after)) == (True, False)
    ended.hear(said[0].model_copy(update={"until": said[0].until.replace(year=2020)}))
    assert (ended.is_over(before), ended.is_over(after)) == (True, False)


async def test_whoever_asks_is_told_when_the_others_could_not_be() -> None:
    ended = Ended(lambda: NOW)

    async def say(_: SessionsEnded) -> None:
        raise Unavailable("PostgreSQL")

    ended.say = say
    assert not await ended.end(PERSON.subject)
    assert ended.is_over(begin(PERSON, "", NOW)), "here it is over all the same"


def test_nobody_is_locked_out_by_a_moment_that_is_yet_to_come() -> None:
    now = [float(NOW)]
    ended = Ended(lambda: now[0])
    ended.hear(SessionsEnded(subject=PERSON.subject, session="", until=datetime(9000, 1, 1, tzinfo=UTC)))
    now[0] += 1
    assert not ended.is_over(begin(PERSON, "", now[0]))


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00", "2026-11-28T12:00:00"])
def test_a_moment_without_its_zone_cannot_be_said(said: str) -> None:
    with pytest.raises(ValidationError):
        SessionsEnded.model_validate({"subject": "mair", "session": "", "until": said})


@pytest.mark.parametrize(("sid", "login"), [("a", "a"), (None, ""), ("", ""), ("x" * 200, "x" * 128)])
def test_the_issuers_name_for_a_session_is_read_alike_in_both_tokens(sid: str | None, login: str) -> None:
    assert login_of({"sid": sid}) == login
    assert login_of({}) == ""
