"""Starting the example service, the provider and ours, each a process of its own with a port of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field

import httpx
from pydantic import SecretStr

from shared.web import Viewer
from shared.web.csrf import token_of
from shared.web.keys import Keys
from shared.web.session import USE, begin
from tests.web.issuer import CLIENT, SECRET

KEY = "a key of thirty-two characters, or more"
PATIENCE = 40.0


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


def answering(module: str, port: int, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    """A process of the module that answers on its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(port), *arguments], env=os.environ | {"PYTHONUNBUFFERED": "1"} | variables
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{module} ended with {process.returncode}"
        with socket.socket() as visitor:
            if visitor.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise TimeoutError(f"{module} does not answer on port {port}")


def ready(service: str, variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A process of one of our services, once it is ready on its JIGSAW_HTTP_PORT."""
    port = variables["JIGSAW_HTTP_PORT"]
    process = subprocess.Popen([sys.executable, "-m", f"services.{service}.main"], env=os.environ | dict(variables))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{service} ended with {process.returncode}"
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                return process
        time.sleep(0.05)
    process.kill()
    raise TimeoutError(f"{service} is not ready on port {port}")


def signed_in(viewer: Viewer) -> tuple[str, str]:
    """A session's cookie, and the token its forms carry."""
    keys = Keys(KEY)
    session = begin(viewer, "", time.time())
    return keys.close(USE, asdict(session)), token_of(keys, session)
