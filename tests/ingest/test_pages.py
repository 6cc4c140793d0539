"""The pages about partners: who sees what, keys issued and revoked, both languages."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict

import httpx
import pytest

from services.ingest.keys import Keyring
from services.ingest.store import IngestStore
from shared.service import Service
from shared.web import Viewer
from shared.web.csrf import token_of
from shared.web.session import USE, begin
from tests.ingest.events import event

Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
def browser(ingest: Service[IngestStore]) -> Browser:
    """A browser in which somebody with this role (and team) is signed in."""

    def opened(role: str, team: str = "", language: str = "en") -> httpx.AsyncClient:
        keys = ingest.app.state.web.keys
        session = begin(Viewer("sam", "Sam Whitlock", "", role, team, language), "", time.time())
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(ingest.app), base_url="http://ingest",
            cookies={"jigsaw": keys.close(USE, asdict(session))},
            headers={"Accept": "text/html", "Accept-Language": language, "X-CSRF-Token": token_of(keys, session)},
        )  # fmt: skip

    return opened


async def test_an_operator_sees_every_partner_and_what_it_sends(housing: httpx.AsyncClient, browser: Browser) -> None:
    await housing.post("/v1/events", json=event(data={"person": {"family": "Smith", "shoe": 9}}))
    await housing.post("/v1/events", json=event(type="x"))
    async with browser("operator") as operator:
        overview = await operator.get("/ingest/")
        page = (await operator.get("/ingest/partners/housing")).text
    assert overview.status_code == 200
    assert "Marches Trading Standards" in overview.text
    assert "Ended" in overview.text
    assert "Publish only the event types that your agreement names" in page
    assert "The field was dropped: your agreement does not name it." in page
    assert "data.person.*" in page
    assert "housing.arrears.v1" in page


async def test_pages_speak_welsh(browser: Browser) -> None:
    async with browser("operator", language="cy") as operator:
        for path in ("/ingest/", "/ingest/partners/fire"):
            page = (await operator.get(path)).text
            assert 'lang="cy"' in page
            assert "Cytundeb" in page or "Allweddi" in page
            assert "Lawful basis" not in page


async def test_an_operator_issues_a_key_and_revokes_it(ingest: Service[IngestStore], browser: Browser) -> None:
    async with browser("operator") as operator:
        page = (await operator.post("/ingest/partners/schools/issue")).text
        key = re.findall(r"jsk_schools_[A-Za-z0-9_-]{43}", page)[0]
        assert await Keyring(ingest.worker).partner_of(key) == "schools"
        again = (await operator.get("/ingest/partners/schools")).text
        assert key not in again
        id = re.findall(r'name="key" value="([0-9a-f-]{36})"', again)[0]
        another = await operator.post("/ingest/partners/fire/revoke", data={"key": id})
        assert another.status_code == 404
        assert await Keyring(ingest.worker).partner_of(key) == "schools"
        revoked = await operator.post("/ingest/partners/schools/revoke", data={"key": id}, follow_redirects=True)
    assert "The key is revoked." in revoked.text
    assert await Keyring(ingest.worker).partner_of(key) is None


@pytest.mark.parametrize(
    ("role", "team", "path", "status"),
    [
        ("steward", "", "/ingest/", 200),
        ("caseworker", "", "/ingest/", 403),
        ("partner", "housing", "/ingest/", 303),
        ("partner", "housing", "/ingest/partners/housing", 200),
        ("partner", "housing", "/ingest/partners/police", 403),
        ("operator", "", "/ingest/partners/nobody", 404),
    ],
)
async def test_who_sees_which_page(browser: Browser, role: str, team: str, path: str, status: int) -> None:
    async with browser(role, team) as person:
        assert (await person.get(path)).status_code == status


async def test_only_an_operator_touches_keys_and_only_by_our_own_forms(browser: Browser) -> None:
    async with browser("steward") as steward, browser("operator") as operator:
        assert "Issue a new key" not in (await steward.get("/ingest/partners/fire")).text
        assert (await steward.post("/ingest/partners/fire/issue")).status_code == 403
        del operator.headers["X-CSRF-Token"]
        assert (await operator.post("/ingest/partners/fire/issue")).status_code == 403
