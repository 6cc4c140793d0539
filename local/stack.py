"""The parts of one machine's stack and where each comes from: the environment, else a Docker engine, else embedded.

parts = start_parts(Home())      parts.kafka, parts.postgres, parts.redis
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from local import daemon
from local.addresses import CLIENT_ID, console_address, issuer_address, service_addresses, smtp_address
from local.home import Home, StackError
from local.parts import postgres, valkey
from local.parts.containers import Container, engine
from local.parts.kafka import Kafka, has_brokers
from local.parts.part import Part, answer
from shared.contracts import SERVICES
from shared.kafka import read, without_user

__all__ = [
    "Home", "PartInfo", "Parts", "environment", "running_parts", "start_parts", "stop_parts", "wipe", "words_of",
]  # fmt: skip

Kind = Literal["environment", "container", "embedded"]


@dataclass(frozen=True)
class PartInfo:
    """What runs, for people. ``address``: host:port without a password; ``version``: empty when it does not tell."""

    name: str
    version: str
    address: str
    kind: Kind


@dataclass(frozen=True)
class Parts:
    """Where the parts answer: ``kafka`` and ``postgres`` as the administrator's addresses, ``redis`` as a URL."""

    kafka: str
    postgres: str
    redis: str
    described: list[PartInfo]


@dataclass(frozen=True)
class _Source:
    """``ask``: the version at an address, "" when it answers without telling one, None when it does not answer."""

    title: str
    variable: str
    part: type[Part]
    ask: Callable[[str], str | None]


SOURCES = (
    _Source("Apache Kafka", "JIGSAW_KAFKA", Kafka, lambda address: "" if answer(has_brokers(address)) else None),
    _Source("PostgreSQL", "JIGSAW_POSTGRES", postgres.Postgres, lambda address: answer(postgres.version(address))),
    _Source("Valkey", "JIGSAW_REDIS", valkey.Valkey, valkey.version),
)


def start_parts(home: Home) -> Parts:
    """Every part, once it answers; what already runs is reused. Raises ``StackError``, the other parts left running."""
    home.make()
    client = engine() if any(_may_be_container(home, source) for source in SOURCES) else None
    with ThreadPoolExecutor(len(SOURCES)) as threads:
        return _gathered(list(threads.map(lambda source: _start(home, source, client), SOURCES)))


def running_parts(home: Home) -> Parts:
    """The parts as they run now; nothing is started. Raises ``StackError`` when one does not run."""
    client = engine() if any(_may_be_container(home, source) for source in SOURCES) else None
    return _gathered([_running(home, source, client) for source in SOURCES])


def stop_parts(home: Home) -> None:
    """Stop what this home started; parts of the environment are not ours to stop."""
    if not home.exists:
        return
    for part in (source.part(home) for source in reversed(SOURCES)):
        part.stop()
    for container in _containers(home):
        container.stop()


def wipe(home: Home) -> None:
    """Stop everything and remove the data. Raises ``StackError`` for a folder that is not ours, untouched."""
    if not home.exists:
        raise StackError(f"{home.path} is not a data folder of Jigsaw's: nothing was removed")
    for running in daemon.everyone(home):
        daemon.stop(home, running, grace=30)
    stop_parts(home)
    for container in _containers(home):
        container.remove()
    home.remove()


def words_of(home: Home, parts: Parts) -> dict[str, str]:
    """The services' passwords at Kafka; none where an administrator need not sign in."""
    guarded = bool(read(parts.kafka).user)
    return {service: home.secret(f"kafka_{service}") for service in SERVICES} if guarded else {}


def environment(home: Home, parts: Parts, service: str) -> dict[str, str]:
    """Every JIGSAW_ variable for a service of this home; those of the caller's that we do not set stay as they are."""
    told = {name: value for name, value in os.environ.items() if name.startswith("JIGSAW_")}
    for administrators in ("JIGSAW_POSTGRES", "JIGSAW_KAFKA_ADMIN"):  # no service may hold them
        told.pop(administrators, None)
    services = service_addresses(home)
    ours = {
        "HOME": str(home.path),
        "KAFKA": without_user(parts.kafka),
        "KAFKA_PASSWORD": words_of(home, parts).get(service, ""),
        "DATABASE": _dsn(parts, service, home.secret(service), service),
        "OWNER_DATABASE": _dsn(parts, f"{service}_owner", home.secret(f"{service}_owner"), service),
        "REDIS": parts.redis,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": services[service].rpartition(":")[2],
        "CONSOLE": console_address(home),
        "OIDC_ISSUER": issuer_address(home),
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": home.secret("oidc_client_secret"),
        "SESSION_KEY": home.secret("session_key"),
        "SEALING_KEY": home.secret("sealing_key"),
        "SMTP": smtp_address(home),
        "WITNESS": str(home.path / "witness"),
        "LINKAGE_URL": services["linkage"],
        **({"CHECKPOINT_KEY": home.secret("checkpoint_key")} if service == "audit" else {}),
    }
    return told | {f"JIGSAW_{name}": value for name, value in ours.items()}


def dsns(home: Home, parts: Parts) -> dict[str, str]:
    """Each service's database, by its own role."""
    return {service: environment(home, parts, service)["JIGSAW_DATABASE"] for service in SERVICES}


def _start(home: Home, source: _Source, client: Any | None) -> tuple[str, PartInfo]:
    if address := os.environ.get(source.variable):
        return address, _of_environment(source, address)
    part = source.part(home)
    kind: Kind = "container" if client is not None and _may_be_container(home, source) else "embedded"
    address = Container(part, client).start() if kind == "container" else part.start()
    return address, PartInfo(source.title, part.version, _shown(address), kind)


def _running(home: Home, source: _Source, client: Any | None) -> tuple[str, PartInfo]:
    if address := os.environ.get(source.variable):
        return address, _of_environment(source, address)
    part = source.part(home)
    if running := part.running:
        address = part.address(running.port)
        return address, PartInfo(source.title, running.version, _shown(address), "embedded")
    if client is None or not _may_be_container(home, source):
        raise StackError(f"{source.title} is not running: `jigsaw up` starts it")
    address = part.address(Container(part, client).port)
    return address, PartInfo(source.title, source.ask(address) or "", _shown(address), "container")


def _of_environment(source: _Source, address: str) -> PartInfo:
    version = source.ask(address)
    if version is None:
        raise StackError(
            f"{source.title} does not answer at {_shown(address)}, where {source.variable} says it is:"
            " start it, mend the variable, or unset it to have an embedded one"
        )
    return PartInfo(source.title, version, _shown(address), "environment")


def _may_be_container(home: Home, source: _Source) -> bool:
    """A home that has embedded data or a running embedded part stays embedded: its data would be missed."""
    part = source.part(home)
    return not os.environ.get(source.variable) and not part.holds_data and part.running is None


def _containers(home: Home) -> list[Container]:
    sources = [source for source in SOURCES if _may_be_container(home, source)]
    client = engine() if sources else None
    return [Container(source.part(home), client) for source in sources] if client is not None else []


def _gathered(found: list[tuple[str, PartInfo]]) -> Parts:
    (kafka, _), (database, _), (redis, _) = found
    return Parts(kafka, database, redis, [info for _, info in found])


def _dsn(parts: Parts, role: str, password: str, service: str) -> str:
    host = _shown(parts.postgres)
    query = urlsplit(parts.postgres).query
    return f"postgresql://{role}:{quote(password)}@{host}/jigsaw_{service}" + (f"?{query}" if query else "")


def _shown(address: str) -> str:
    """host:port of an address, without what may be secret in it."""
    return urlsplit(address).netloc.rpartition("@")[2] if "://" in address else address
