"""Signing in on one machine: the code flow with PKCE, what it refuses, and our own client against it."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from local.addresses import console_address
from local.home import Home
from local.parts.issuer import Client, Issuer, Provider
from local.parts.people import Person, people
from shared.web import oidc

ADDRESS, CONSOLE = "http://issuer.test", "http://console.test"
BACK = f"{CONSOLE}/alerts/signed-in"
VERIFIER = "v" * 64
CARYS = Person("carys", "Carys Morgan", "youth-worker", "youth-east", "cy", "right password")
KEY = RSAKey.generate_key(2048, {"kid": "k"})


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def browser(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    provider = Provider(ADDRESS, Client.at(CONSOLE, "client secret"), KEY, [CARYS], clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(provider.app()), base_url=ADDRESS) as client:
        yield client


def asked(**changes: str) -> dict[str, str]:
    challenge = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    usual = {
        "response_type": "code", "client_id": "jigsaw", "redirect_uri": BACK, "scope": "openid", "state": "st",
        "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return {name: value for name, value in (usual | changes).items() if value}


async def sign_in(browser: httpx.AsyncClient, password: str = CARYS.password, **changes: str) -> httpx.Response:
    form = {"username": "carys", "password": password}
    return await browser.post("/authorize", params=asked(**changes), data=form)


async def code(browser: httpx.AsyncClient) -> str:
    answer = await sign_in(browser)
    assert answer.status_code == 303
    return answer_of(answer)["code"]


def answer_of(response: httpx.Response) -> dict[str, str]:
    assert response.headers["location"].startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


async def redeem(
    browser: httpx.AsyncClient, issued: str, secret: str = "client secret", **changes: str
) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": issued, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return await browser.post("/token", data=form | changes, auth=("jigsaw", secret))


async def test_our_own_client_believes_the_real_process(own_home: Home) -> None:
    client = oidc.Issuer(Issuer(own_home).start(), "jigsaw", own_home.secret("oidc_client_secret"))
    attempt, back = oidc.Attempt.new("/alerts/"), f"{console_address(own_home)}/alerts/signed-in"
    tomos = next(person for person in people(own_home) if person.username == "tomos")
    async with httpx.AsyncClient() as browser:
        page = await client.sign_in_address(attempt, back, "cy")
        assert "Mewngofnodi" in (await browser.get(page)).text
        answer = await browser.post(page, data={"username": "tomos", "password": tomos.password})
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (returned["state"], returned["iss"]) == ([attempt.state], [client.address])
    _, claims = await client.redeem(returned["code"][0], attempt, back)
    assert {name: claims[name] for name in ("sub", "name", "role", "team", "locale")} == {
        "sub": "tomos", "name": "Tomos Rees", "role": "steward", "team": "identity", "locale": "cy",
    }  # fmt: skip


async def test_a_code_becomes_tokens_and_the_access_token_tells_who(browser: httpx.AsyncClient) -> None:
    tokens = (await redeem(browser, await code(browser))).json()
    told = await browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.json() == CARYS.claims
    assert (await browser.get("/userinfo", headers={"Authorization": "Bearer guess"})).status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"code_verifier": "w" * 64}, "code_verifier"),
        ({"code_verifier": ""}, "code_verifier"),
        ({"redirect_uri": f"{CONSOLE}/audit/signed-in"}, "redirect_uri"),
        ({"code": "guess"}, "unknown"),
    ],
)
async def test_a_code_is_worth_nothing_to_anybody_else(
    browser: httpx.AsyncClient, change: dict[str, str], why: str
) -> None:
    honest = await code(browser)
    refused = await redeem(browser, honest, **change)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert why in refused.json()["error_description"]


async def test_a_failed_try_spends_the_code(browser: httpx.AsyncClient) -> None:
    once = await code(browser)
    await redeem(browser, once, code_verifier="w" * 64)
    assert (await redeem(browser, once)).json()["error"] == "invalid_grant"


async def test_a_code_used_twice_takes_back_the_first_token(browser: httpx.AsyncClient) -> None:
    once = await code(browser)
    tokens = (await redeem(browser, once)).json()
    assert (await redeem(browser, once)).json()["error"] == "invalid_grant"
    told = await browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.status_code == 401


async def test_a_code_lives_a_minute(browser: httpx.AsyncClient, clock: Clock) -> None:
    late = await code(browser)
    clock.now += 61
    assert (await redeem(browser, late)).json()["error"] == "invalid_grant"


async def test_the_client_needs_its_secret(browser: httpx.AsyncClient) -> None:
    refused = await redeem(browser, await code(browser), secret="guess")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://elsewhere.example/"},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": f"{BACK}?x=1"},
        {"redirect_uri": ""},
        {"client_id": "another"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_the_consoles(
    browser: httpx.AsyncClient, change: dict[str, str]
) -> None:
    for response in (await browser.get("/authorize", params=asked(**change)), await sign_in(browser, **change)):
        assert response.status_code == 400
        assert "location" not in response.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_other_faults_go_back_to_the_client_with_its_state(
    browser: httpx.AsyncClient, change: dict[str, str], error: str
) -> None:
    for response in (await browser.get("/authorize", params=asked(**change)), await sign_in(browser, **change)):
        answer = answer_of(response)
        assert (answer["error"], answer["state"], "code" in answer) == (error, "st", False)


async def test_five_wrong_passwords_lock_the_name_for_five_minutes(browser: httpx.AsyncClient, clock: Clock) -> None:
    assert [(await sign_in(browser, "wrong")).status_code for _ in range(5)] == [403] * 5
    locked = await sign_in(browser)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "300")
    clock.now += 301
    assert (await sign_in(browser)).status_code == 303


async def test_wrong_names_and_wrong_passwords_look_the_same(browser: httpx.AsyncClient) -> None:
    wrong = await sign_in(browser, "wrong")
    nobody = await browser.post("/authorize", params=asked(), data={"username": "nobody", "password": "wrong"})
    assert wrong.text.replace("carys", "nobody") == nobody.text


async def test_the_page_says_what_is_missing_and_repeats_no_password(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/authorize", params=asked(ui_locales="cy"), data={"username": "", "password": "hush"})
    assert answer.status_code == 400
    assert "Rhowch eich enw defnyddiwr" in answer.text
    assert "hush" not in answer.text
    assert '<html lang="cy"' in answer.text


async def test_what_a_stranger_types_is_text_and_not_markup(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/authorize", params=asked(state='"><script>'), data={"username": "<b>x", "password": "y"}
    )
    assert "<script>" not in answer.text
    assert "<b>x" not in answer.text


async def test_signing_out_leads_only_to_the_console(browser: httpx.AsyncClient) -> None:
    after = {"post_logout_redirect_uri": f"{CONSOLE}/alerts/signed-out", "state": "x"}
    back = await browser.get("/end-session", params=after)
    assert back.headers["location"] == f"{CONSOLE}/alerts/signed-out?state=x"
    stays = await browser.get("/end-session", params={"post_logout_redirect_uri": "https://elsewhere.example/"})
    assert (stays.status_code, "location" in stays.headers) == (200, False)
