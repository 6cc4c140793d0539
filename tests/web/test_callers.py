"""Who asks: every service reads a request, and refuses it, in the same way."""

from collections.abc import Callable

import pytest
from fastapi import HTTPException, Request

from shared.web import Caller, Callers, Viewer, service_token
from shared.web.session import begin
from tests.web.processes import KEY
from tests.web.test_session import NOW, PERSON

CALLERS = Callers(KEY, "linkage")


def token(service: str = "linkage", person: Viewer | None = PERSON, now: float | None = None) -> str:
    """Made when it is used: it is good for a minute."""
    return service_token(KEY, service, person, caller="alerts", purpose="neet", now=now)


def request(authorization: str = "", *, signed_in: bool = False) -> Request:
    state = {"session": begin(PERSON, "", NOW) if signed_in else None}
    headers = [(b"authorization", authorization.encode())] if authorization else []
    return Request({"type": "http", "method": "GET", "headers": headers, "state": state})


async def test_a_person_at_the_screen_asks_for_themselves() -> None:
    assert await CALLERS.asking(request(signed_in=True)) == Caller(PERSON)


async def test_a_service_asks_for_a_person_and_a_purpose() -> None:
    assert await CALLERS.asking(request(f"bearer {token()}")) == Caller(PERSON, "neet", "alerts")


def test_a_session_is_no_service() -> None:
    with pytest.raises(HTTPException) as refused:
        CALLERS.calling(request(signed_in=True))
    assert refused.value.status_code == 401


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (lambda: "", 401),
        (lambda: f"Basic {token()}", 401),
        (lambda: f"Bearer {token()}x", 401),
        (lambda: f"Bearer {token('alerts')}", 401),
        (lambda: f"Bearer {token(now=1_000_000_000)}", 401),
        (lambda: f"Bearer {token(person=None)}", 403),
    ],
    ids=["nobody", "another scheme", "not ours", "for another service", "too old", "for no person"],
)
async def test_whoever_speaks_for_nobody_is_refused(authorization: Callable[[], str], status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        await CALLERS.asking(request(authorization()))
    assert refused.value.status_code == status
