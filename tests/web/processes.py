"""Starting the example service and the provider, each a process of its own with a port of its own."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

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
