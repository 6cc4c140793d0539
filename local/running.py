"""Bringing everything up in order: parts, databases, topics, services, the console's address; and down again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.addresses import console_address, service_addresses
from local.home import Home
from local.processes import start_services, stop_services
from local.stack import Parts, running_parts, start_parts, stop_parts, wipe, words_of
from shared.contracts import SERVICES
from shared.prepare import Passwords
from shared.prepare import prepare as databases_and_topics

Say = Callable[[str], None]


@dataclass(frozen=True)
class Up:
    """What runs: the parts, the services' own addresses, and the one address for people and partners."""

    parts: Parts
    services: Mapping[str, str]
    console: str


async def bring_up(home: Home, say: Say) -> Up:
    """Idempotent: what runs and answers is left alone. Raises ``StackError`` that says what did not come up and why."""
    say("Starting Kafka, PostgreSQL and Valkey")
    parts = start_parts(home)
    for part in parts.described:
        say(f"  {part.name} {part.version} at {part.address} ({part.kind})")
    say("Preparing databases and topics")
    await prepare(home, parts)
    say("Starting ingest, linkage, scoring, alerts and audit")
    start_services(home, parts)
    return running(home)


def running(home: Home) -> Up:
    """What ``bring_up`` brought up. Raises ``StackError`` when a part does not run."""
    return Up(running_parts(home), service_addresses(home), console_address(home))


async def prepare(home: Home, parts: Parts) -> None:
    """Databases, roles and migrations of each service; topics and users of Kafka."""
    passwords = {name: Passwords(home.secret(f"{name}_owner"), home.secret(name)) for name in SERVICES}
    await databases_and_topics(parts.postgres, parts.kafka, passwords, words_of(home, parts))


def bring_down(home: Home, *, remove: bool) -> None:
    """Services first, so that they finish what they hold; then the parts; the data only if told so."""
    stop_services(home)
    stop_parts(home)
    if remove:
        wipe(home)
