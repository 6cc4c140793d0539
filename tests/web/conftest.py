"""The example service, an OpenID provider, and browsers that visit them."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.web.processes import answering, free_port


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """The provider's address."""
    port = free_port()
    process = answering("tests.web.issuer", port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def console(issuer: str) -> Iterator[str]:
    """The example service's address."""
    port = free_port()
    process = answering("tests.web.serve", port, issuer)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def tell(issuer: str) -> Iterator[Callable[..., None]]:
    """Tell the provider whom to sign in, and how to lie; it is honest again afterwards."""

    def say(**told: str) -> None:
        httpx.post(f"{issuer}/lie", json=told).raise_for_status()

    yield say
    say(lie="", person="mair")


@pytest.fixture
def browser(console: str) -> Iterator[httpx.Client]:
    """A browser without scripts: keeps cookies, follows redirects, prefers English."""
    headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en-GB,en;q=0.9"}
    with httpx.Client(base_url=console, headers=headers, follow_redirects=True) as client:
        yield client


@pytest.fixture
def signed_in(browser: httpx.Client) -> httpx.Client:
    """A browser after the whole flow, as Mair Hughes, caseworker."""
    assert browser.get("/example/").status_code == 200
    return browser
