"""The example service and an OpenID provider, each a process of its own with a port of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr

from tests.web.issuer import CLIENT, SECRET

KEY = "a key of thirty-two characters, or more"


@dataclass(frozen=True)
class Settings:
    """What shared.web needs of the settings."""

    console: str
    oidc_issuer: str
    session_key: SecretStr = field(default_factory=lambda: SecretStr(KEY))
    oidc_client_id: str = CLIENT
    oidc_client_secret: SecretStr = field(default_factory=lambda: SecretStr(SECRET))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answering(module: str, port: int, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of the module that answers on its port."""
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments], env=os.environ | {"PYTHONUNBUFFERED": "1"})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{module} ended with {process.returncode}"
        with socket.socket() as visitor:
            if visitor.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise TimeoutError(f"{module} does not answer on port {port}")


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
