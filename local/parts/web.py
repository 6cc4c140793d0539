"""A Python process of ours that answers HTTP: asked at ``/health/ready``, restarted when it was told something else."""

import os
import sys
from abc import abstractmethod
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version

import uvicorn
from starlette.types import ASGIApp

from local.daemon import Command, Running
from local.home import PROJECT
from local.parts.part import Part

READY = "/health/ready"
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "COVERAGE_PROCESS_START")
"""What a process keeps of its starter's environment; whatever else it needs is told to it by name."""


class WebPart(Part):
    """``module``: run as ``python -m module``; ``variables``: its environment besides what is inherited."""

    grace = 35  # a service finishes its batch and its open answers within 30

    @property
    @abstractmethod
    def module(self) -> str:
        """Its main module."""

    @abstractmethod
    def variables(self, port: int) -> Mapping[str, str]:
        """What it is told."""

    def command(self, port: int) -> Command:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        told = {**self.variables(port), "JIGSAW_HTTP_PORT": str(port), "PYTHONUNBUFFERED": "1"}
        return Command([sys.executable, "-m", self.module], env=kept | told, cwd=PROJECT)

    def ask(self, port: int) -> str | None:
        return version("jigsaw") if status_of(port) == 200 else None

    def address(self, port: int) -> str:
        return f"http://127.0.0.1:{port}"

    def stale(self, running: Running) -> bool:
        return running.told != self.command(running.port).digest


def status_of(port: int) -> int | None:
    """The status of its readiness; None when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", READY)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def serve(app: ASGIApp, port: int, *, host: str = "127.0.0.1", dated: bool = True) -> None:
    """Answer on that port until SIGTERM; only warnings are logged, never what was asked for.

    ``dated``: add a Date to each answer, which a proxy's answers bring along.
    """
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False, date_header=dated,
        proxy_headers=False,  # nothing stands in front of us: whoever says so is lying
        timeout_graceful_shutdown=5, ws="none",
    )  # fmt: skip
