"""deploy/docker/Caddyfile in a real Caddy: each path reaches its service, as in the one-machine console."""

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread
from time import monotonic, sleep

import pytest

from shared.contracts import SERVICES
from tests.deploy.files import ROOT, tool

CADDYFILE = ROOT / "deploy" / "docker" / "Caddyfile"


class Named(BaseHTTPRequestHandler):
    """Says its name, and what it was asked for."""

    def __init__(self, name: str, *rest: object) -> None:
        self.name = name
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = f"{self.name} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with suppress(BrokenPipeError):
            self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Caddy's port. Behind it answers one server for each name in the Caddyfile."""
    caddy, folder, port = tool("caddy"), tmp_path_factory.mktemp("caddy"), _free_port()
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), partial(Named, name)) for name in (*SERVICES, "mail")}
    text = CADDYFILE.read_text().replace(":8080 {", f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{port} {{")
    for name, server in servers.items():
        Thread(target=server.serve_forever, daemon=True).start()
        inside = f"{name}:{8025 if name == 'mail' else 8000}"
        text = text.replace(f"reverse_proxy {inside}", f"reverse_proxy 127.0.0.1:{server.server_port}")
    (folder / "Caddyfile").write_text(text)
    process = subprocess.Popen(
        [caddy, "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"],
        env={"HOME": str(folder)}, stderr=(folder / "log").open("w"),
    )  # fmt: skip
    try:
        _wait_for(port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait()
        for server in servers.values():
            server.shutdown()


@pytest.mark.parametrize("name", [*SERVICES, "mail"])
def test_each_service_is_under_its_own_path(console: int, name: str) -> None:
    assert _asked(console, f"/{name}/a%20b?c=d") == (200, f"{name} /{name}/a%20b?c=d")


def test_events_go_to_ingest(console: int) -> None:
    assert _asked(console, "/v1/events") == (200, "ingest /v1/events")


def test_the_bare_address_leads_to_the_alerts_and_a_bare_name_to_its_service(console: int) -> None:
    assert _asked(console, "/") == (302, "/alerts/")
    assert _asked(console, "/audit") == (302, "/audit/")


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/auditors", "/v2/events"])
def test_nothing_else_is_answered(console: int, path: str) -> None:
    assert _asked(console, path)[0] == 404


def test_nobody_sends_a_service_more_than_it_would_take(console: int) -> None:
    assert _asked(console, "/linkage/golden", b"x" * 2 * 1024 * 1024)[0] == 200
    status = _asked(console, "/linkage/golden", b"x" * 3 * 1024 * 1024)[0]
    assert status in (413, 502)  # the latter when Caddy hears of the end from the service first


def _asked(port: int, path: str, body: bytes | None = None) -> tuple[int, str]:
    """The status, and what was said or where it leads. A ``body`` is posted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET" if body is None else "POST", path, body)
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Location") or answer.read().decode()


def _wait_for(port: int, log: Path) -> None:
    end = monotonic() + 20
    while monotonic() < end:
        with socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise AssertionError(f"Caddy does not answer: {log.read_text()}")


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
