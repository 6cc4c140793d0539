"""What every part of the stack has in common: started once, reused while it answers, found again after a crash."""

import asyncio
import importlib.util
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from local import daemon
from local.daemon import Command, Running
from local.home import Home, StackError, free

Answer = TypeVar("Answer")
ATTEMPTS = 3
"""Starts before giving up when somebody else takes the port between our look and the part's own bind."""


class Part(ABC):
    """One background process of the stack. Subclasses say what to run and how to ask whether it is ready."""

    name: ClassVar[str]
    version: str = ""
    patience: float = 60
    """Seconds until an answer is overdue; a healthy start takes a tenth of it on two busy cores."""
    grace: float = 30
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    preferred_port: ClassVar[int | None] = None

    def __init__(self, home: Home) -> None:
        self.home = home

    @abstractmethod
    def command(self, port: int) -> Command:
        """What to run on that port of 127.0.0.1, its files and folders made ready."""

    @abstractmethod
    def ask(self, port: int) -> str | None:
        """The version it answers with; None when it is not ready yet."""

    @abstractmethod
    def address(self, port: int) -> str:
        """How clients reach it."""

    def tidy(self) -> None:  # noqa: B027 - most parts leave nothing behind
        """Remove what a crash left in the way of a new start."""

    def stale(self, running: Running) -> bool:
        """Whether the living process was started with something else than it would be told now."""
        return False

    @property
    def holds_data(self) -> bool:
        """Whether this home has data of it, which a part from elsewhere would not see."""
        return False

    @property
    def running(self) -> Running | None:
        """The living process; None when there is none."""
        return daemon.find(self.home, self.name)

    @property
    def pid(self) -> int | None:
        """The process to be killed in tests of crashes; None when it is not running."""
        return self.running.pid if self.running else None

    def start(self) -> str:
        """Its address, once it answers; what already runs and answers is reused. Raises ``StackError``."""
        with self.home.lock(self.name):
            running = self._reusable() or self._started()
        self.version = running.version
        return self.address(running.port)

    def stop(self) -> None:
        """Ask it to end, and kill it when it does not within ``grace`` seconds; harmless when it is not running."""
        with self.home.lock(self.name):
            if running := self.running:
                daemon.stop(self.home, running, self.grace, self.stop_signal)

    def kill(self) -> None:
        """``kill -9``: what a test of crashes does."""
        if running := self.running:
            daemon.kill(self.home, running)

    def restart(self) -> str:
        """Stop and start; the port stays, so clients find it again."""
        self.stop()
        return self.start()

    def _reusable(self) -> Running | None:
        running = self.running
        if running is None:
            return None
        if self.stale(running):
            daemon.stop(self.home, running, self.grace, self.stop_signal)
            return None
        deadline = time.monotonic() + self.patience / 4  # its starter may have died while it was coming up
        while time.monotonic() < deadline and daemon.alive(running):
            if version := self.ask(running.port):
                return daemon.versioned(self.home, running, version)
            time.sleep(daemon.POLL)
        daemon.kill(self.home, running)
        return None

    def _started(self) -> Running:
        self.tidy()
        for attempt in range(1, ATTEMPTS + 1):
            port = self.home.port(self.name, self.preferred_port)
            running = daemon.start(self.home, self.name, self.command(port), port)
            try:
                version = daemon.await_answer(self.home, running, partial(self.ask, port), self.patience)
                return daemon.versioned(self.home, running, version)
            except StackError:
                lost_the_port = not daemon.alive(running) and not free(port)
                daemon.kill(self.home, running)
                if not lost_the_port or attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")


def package_folder(package: str) -> Path:
    """Where an installed package lies, without importing it. Raises ``StackError`` when it is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise StackError(f"the Python package {package!r} is not installed: pip install 'jigsaw[local]'")
    return Path(found.submodule_search_locations[0])


def answer(question: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine, also for a caller that runs in an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, question).result()


def listens(port: int) -> bool:
    """Whether anybody accepts connections there: asked before a client library, which would log each refusal."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
