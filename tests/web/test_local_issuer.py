"""The one machine's own issuer and a service's pages, together: what `jigsaw up` gives to the people in people.yaml."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import SecretStr

from local.addresses import CLIENT_ID
from local.home import Home
from local.parts.people import people
from shared.web import Viewer, Web, viewer
from tests.web.processes import Settings, answering, free_port
from tests.web.test_signin import csrf_of

CONSOLE = "http://console.example"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A data folder of its own."""
    return Home(tmp_path_factory.mktemp("home") / "jigsaw")


@pytest.fixture(scope="module")
def local_issuer(home: Home) -> Iterator[str]:
    """The issuer's address."""
    port = free_port()
    told = {"JIGSAW_HOME": str(home.path), "JIGSAW_CONSOLE": CONSOLE, "JIGSAW_HTTP_PORT": str(port)}
    process = answering("local.parts.issuer", port, **told)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


@pytest.fixture
def alerts(home: Home, local_issuer: str) -> FastAPI:
    """A service that says who looks at it."""
    secret = SecretStr(home.secret("oidc_client_secret"))
    app = FastAPI()
    Web(
        "alerts", Settings(CONSOLE, local_issuer, oidc_client_id=CLIENT_ID, oidc_client_secret=secret), Path(os.devnull)
    ).mount(app)

    @app.get("/alerts/")
    async def me(person: Viewer = Depends(viewer)) -> Viewer:
        return person

    return app


@pytest.mark.parametrize("username", ["carys", "helen", "ruth"])
async def test_a_person_of_the_machine_signs_in_with_a_password_and_out_again(
    alerts: FastAPI, home: Home, username: str
) -> None:
    person = next(person for person in people(home) if person.username == username)
    transport = httpx.ASGITransport(alerts)
    headers = {"Accept": "text/html"}
    async with (
        httpx.AsyncClient(transport=transport, base_url=CONSOLE, headers=headers) as console,
        httpx.AsyncClient() as elsewhere,
    ):
        begun = await console.get("/alerts/signin")
        form = {"username": username, "password": person.password}
        answer = await elsewhere.post(begun.headers["location"], data=form)
        signed_in = await console.get(answer.headers["location"])
        assert signed_in.headers["location"] == "/alerts/"
        seen = Viewer(**(await console.get("/alerts/")).json())
        assert (seen.subject, seen.name, seen.role, seen.team) == (username, person.name, person.role, person.team)
        token = csrf_of(await console.get("/alerts/privacy"))
        out = await console.post("/alerts/sign-out", data={"csrf": token})
        back = await elsewhere.get(out.headers["location"])
        assert back.headers["location"] == f"{CONSOLE}/alerts/signed-out"
        assert (await console.get("/alerts/", headers={"Accept": "*/*"})).status_code == 401


async def test_a_wrong_password_signs_nobody_in(alerts: FastAPI) -> None:
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(alerts), base_url=CONSOLE) as console,
        httpx.AsyncClient() as elsewhere,
    ):
        begun = await console.get("/alerts/signin")
        answer = await elsewhere.post(begun.headers["location"], data={"username": "carys", "password": "guess"})
    assert answer.status_code == 403
    assert "location" not in answer.headers
