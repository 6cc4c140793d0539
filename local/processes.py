"""The processes in front of the parts: sign-in, mailbox, five services, console. Started, watched, stopped, read."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from local import daemon
from local.daemon import Running
from local.home import Home, StackError
from local.parts.issuer import Issuer
from local.parts.kafka import Kafka
from local.parts.mail import Mail
from local.parts.part import Part
from local.parts.postgres import Postgres
from local.parts.valkey import Valkey
from local.parts.web import WebPart, status_of
from local.proxy import Console
from local.stack import Parts, environment
from shared.contracts import SERVICES

__all__ = ["AROUND", "Service", "Status", "start_services", "status", "stop_services", "tail"]

AROUND: tuple[type[WebPart], ...] = (Console, Issuer, Mail)
"""What stands around the services. The console is first: its port settles the address that all others are told."""
PARTS: tuple[type[Part], ...] = (Kafka, Postgres, Valkey)
MIGRATIONS_ONLY = "JIGSAW_OWNER_DATABASE"
LINES = 200


class Service(WebPart):
    """One of our services, ``services.<name>.main``, with its environment; answers at ``/health/ready`` when ready."""

    name: str  # type: ignore[misc]  # one class for all five, so it is the instance's
    patience = 90  # five start at once on two cores, and linkage reads its index first

    def __init__(self, home: Home, name: str, env: Mapping[str, str], module: str = "") -> None:
        super().__init__(home)
        self.name, self._env, self._module = name, env, module or f"services.{name}.main"

    @property
    def module(self) -> str:
        return self._module

    def variables(self, port: int) -> Mapping[str, str]:
        return {name: value for name, value in self._env.items() if name != MIGRATIONS_ONLY}


@dataclass(frozen=True)
class Status:
    """One process, for people. ``answer``: its version or "ready", else what is wrong; ``pss_mb``: megabytes of it and
    its children, pages that they share counted once."""

    name: str
    pid: int
    up: str
    pss_mb: float
    answer: str
    address: str


def start_services(
    home: Home, parts: Parts, *, names: Sequence[str] = SERVICES, around: Sequence[type[WebPart]] = AROUND
) -> dict[str, str]:
    """Addresses by name of what was asked for, once each answers; databases and topics must be there.

    What runs already and was told the same is left alone, what was told something else is restarted. Raises
    ``StackError`` for the first that does not come up, the others left running.
    """
    before = [part(home) for part in around]
    if before and isinstance(before[0], Console):
        before[0].start()
    services = [Service(home, name, environment(home, parts, name)) for name in names]
    together: list[WebPart] = [*before, *services]
    with ThreadPoolExecutor(max(len(together), 1)) as threads:
        addresses = list(threads.map(lambda each: each.start(), together))
    return {each.name: address for each, address in zip(together, addresses, strict=True)}


def stop_services(home: Home) -> None:
    """No new requests first, then the services, each within its grace (then killed), then sign-in and mailbox."""
    if not home.exists:
        return
    Console(home).stop()
    with ThreadPoolExecutor(len(SERVICES)) as threads:
        list(threads.map(lambda name: Service(home, name, {}).stop(), SERVICES))
    Issuer(home).stop()
    Mail(home).stop()


def status(home: Home) -> list[Status]:
    """Every process that runs, and every one that ended unasked; parts first."""
    if not home.exists:
        return []
    order = [part.name for part in PARTS] + list(SERVICES) + [part.name for part in AROUND]
    known = sorted(daemon.remembered(home), key=lambda one: order.index(one.name) if one.name in order else len(order))
    return [_status(home, running) for running in known]


def tail(home: Home, name: str, *, follow: bool = False) -> Iterator[str]:
    """The last lines of a process's log, and with ``follow`` those to come. Raises ``StackError`` for no such log."""
    log = home.log(name)
    if not log.exists():
        written = sorted(file.stem for file in (home.path / "logs").glob("*.log"))
        raise StackError(f"{name!r} has written no log here; these have: {', '.join(written) or 'none'}")
    return _lines(home, name, follow)


def _lines(home: Home, name: str, follow: bool) -> Iterator[str]:
    with home.log(name).open(errors="replace") as file:
        yield from file.readlines()[-LINES:]
        while follow:
            if line := file.readline():
                yield line
            else:
                time.sleep(0.2)


def _status(home: Home, running: Running) -> Status:
    address = f"127.0.0.1:{running.port}"
    if not daemon.alive(running):
        words = f"ended unasked: jigsaw logs {running.name}"
        return Status(running.name, running.pid, "–", 0.0, words, address)
    process = psutil.Process(running.pid)
    up = _duration(time.time() - running.create_time)
    return Status(running.name, running.pid, up, _memory(process), _answer(home, running), address)


def _answer(home: Home, running: Running) -> str:
    part = next((part(home) for part in PARTS if part.name == running.name), None)
    if part is not None:
        return part.ask(running.port) or "does not answer"
    found = status_of(running.port)
    return {200: "ready", 503: "not ready", None: "does not answer"}.get(found, f"answers {found}")


def _memory(process: psutil.Process) -> float:
    """Proportional set size, or what is resident where the system does not tell."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            told = each.memory_full_info()
            total += getattr(told, "pss", told.rss)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            total += each.memory_info().rss
    return total / 1e6


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {minutes % 60} min" if hours else (
        f"{minutes} min" if minutes else f"{seconds:.0f} s"
    )  # fmt: skip
