"""How much a request may bring, before anybody has asked who sends it: on each service, announced and unannounced."""

import re
from collections.abc import AsyncIterator
from importlib import import_module
from typing import get_type_hints

import httpx
import pytest
from fastapi import FastAPI

from shared.contracts import SERVICES
from shared.web.bodies import MOST_BYTES

CHUNK = b" " * 65_536
TOO_MUCH = 3 * 1024 * 1024
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
NOTHING_BEHIND_IT = {
    "kafka": "127.0.0.1:1", "database": "postgresql://127.0.0.1:1/none", "redis": "redis://127.0.0.1:1",
    "sealing_key": "07" * 32, "checkpoint_key": "08" * 32, "session_key": "session-" * 8,
}  # fmt: skip


@pytest.fixture(scope="module", params=SERVICES)
def app(request: pytest.FixtureRequest) -> FastAPI:
    """The service's app. Who is refused at its door needs nothing behind it."""
    main = import_module(f"services.{request.param}.main")
    settings = get_type_hints(main.service)["settings"].model_validate(NOTHING_BEHIND_IT)
    app: FastAPI = main.service(settings).app
    return app


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


def takers(app: FastAPI) -> list[str]:
    """The addresses that programs may post to, and a form's."""
    paths = [path for path, methods in app.openapi()["paths"].items() if "post" in methods]
    return [re.sub(r"{[^}]*}", "1", path) for path in [app.state.web.root + "sign-out", *paths]]


class Endless:
    """A body that never says how long it will be; how much of it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < TOO_MUCH:
            self.read += len(CHUNK)
            yield CHUNK


async def test_what_says_that_it_is_too_large_is_refused(app: FastAPI, stranger: httpx.AsyncClient) -> None:
    for path in takers(app):
        answer = await stranger.post(path, content=b" " * TOO_MUCH, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["connection"]) == (413, "close"), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "A request may bring 2 MiB. Send less at once."


@pytest.mark.parametrize("media_type", TYPES)
async def test_of_what_does_not_say_it_no_more_is_read(
    app: FastAPI, stranger: httpx.AsyncClient, media_type: str
) -> None:
    for path in takers(app):
        body = Endless()
        answer = await stranger.post(path, content=body, headers={"Content-Type": media_type})
        assert body.read <= MOST_BYTES + len(CHUNK), path
        if body.read > MOST_BYTES:
            assert answer.status_code == 413, path


async def test_people_are_told_in_their_language(app: FastAPI, stranger: httpx.AsyncClient) -> None:
    for code, told in (("en", "Send less at once."), ("cy", "Anfonwch lai ar unwaith.")):
        headers = {"Accept": "text/html", "Accept-Language": code}
        page = await stranger.post(takers(app)[0], content=b" " * TOO_MUCH, headers=headers)
        assert page.status_code == 413
        assert told in page.text
        assert "content-security-policy" in page.headers
