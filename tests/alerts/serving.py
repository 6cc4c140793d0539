"""The service itself, as a process: real Kafka, PostgreSQL and Valkey behind it, an SMTP server beside it."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler

from local.stack import Parts
from shared.contracts import Event, Topic
from shared.contracts.envelope import attributes, to_headers
from shared.kafka import client
from shared.web import Viewer
from tests.alerts.initiative import write
from tests.parts import Databases, fresh_database
from tests.web.processes import KEY, PATIENCE, answering, free_port, ready, signed_in

Told = AsyncIterator[tuple[str, str]]
"""Events as (id, data)."""
MAIR = Viewer("mair", "Mair Hughes", "mair@example.org", "youth-worker", "youth-north", "en")
OWEN = Viewer("owen", "Owen Carter", "owen@example.org", "youth-worker", "youth-south", "en")
HELEN = Viewer("helen", "Helen Griffiths", "helen@example.org", "supervisor", "youth-north", "en")
ADRIFT = Viewer("adrift", "Nia Lloyd", "nia@example.org", "youth-worker", "", "en")
"""Whose issuer sends no team."""
RUTH = Viewer("ruth", "Ruth Adler", "ruth@example.org", "auditor", "governance", "en")


class Mailbox(Handler):
    """Keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.letters.append(message)


@dataclass
class Served:
    """A running service and how to reach what is around it."""

    address: str
    parts: Parts
    databases: Databases
    mailbox: Mailbox
    variables: Mapping[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    async def say(self, events: Iterable[Event[Any]]) -> None:
        """As scoring and linkage would: on their topics, in order."""
        producer = AIOKafkaProducer(**client(self.parts.kafka))
        await producer.start()
        try:
            for event in events:
                topic = Topic.of(type(event.body)).spec.name
                headers = to_headers(attributes(event))
                body = event.body.model_dump_json().encode()
                await producer.send_and_wait(topic, body, key=event.key.encode(), headers=headers)
        finally:
            await producer.stop()

    def client(self, viewer: Viewer, **headers: str) -> httpx.AsyncClient:
        cookie, token = signed_in(viewer)
        return httpx.AsyncClient(
            base_url=self.address,
            cookies={"jigsaw": cookie},
            headers={"X-CSRF-Token": token, **headers},
            timeout=PATIENCE,
        )

    def replica(self, **variables: str) -> str:
        """One more process of the service; its address."""
        port = free_port()
        self.processes.append(ready("alerts", {**self.variables, "JIGSAW_HTTP_PORT": str(port), **variables}))
        return f"http://127.0.0.1:{port}"

    def stop(self, first: int = 0) -> None:
        """End the processes, from this one on; ``stop(1)`` ends the replicas."""
        for process in self.processes[first:]:
            process.terminate()
        for process in self.processes[first:]:
            process.wait(PATIENCE)
        del self.processes[first:]


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture(scope="session")
def linkage() -> Iterator[str]:
    port = free_port()
    process = answering("tests.alerts.linkage", port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("initiatives"))


@pytest.fixture(scope="module")
async def served(
    parts: Parts, topics: None, linkage: str, mailbox: tuple[Mailbox, int], folder: Path
) -> AsyncIterator[Served]:
    """It runs what is in ``folder``."""
    box, smtp = mailbox
    databases = await fresh_database(parts, "alerts")
    port = free_port()
    variables = {
        "JIGSAW_KAFKA": parts.kafka, "JIGSAW_DATABASE": databases.dsn, "JIGSAW_REDIS": parts.redis,
        "JIGSAW_SEALING_KEY": "00" * 32, "JIGSAW_SESSION_KEY": KEY, "JIGSAW_HTTP_PORT": str(port),
        "JIGSAW_CONSOLE": f"http://127.0.0.1:{port}", "JIGSAW_SMTP": f"smtp://127.0.0.1:{smtp}",
        "JIGSAW_MAIL_FROM": "jigsaw@region.example", "JIGSAW_MAIL_TO": "{team}@region.example",
        "JIGSAW_MAIL_REVIEW": "supervisors@region.example",
        "JIGSAW_MAIL_WAIT": "1", "JIGSAW_MAIL_INTERVAL": "1", "JIGSAW_LINKAGE_URL": linkage,
        "JIGSAW_INITIATIVES": str(folder), "JIGSAW_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    served = Served(f"http://127.0.0.1:{port}", parts, databases, box, variables)
    served.processes.append(ready("alerts", variables))
    yield served
    served.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for something that happens by itself."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 (it happens in another process)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, path: str, last: str = ""
) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
    """The events of a stream as (id, data), heartbeats left out."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> Told:
    id, data = "", list[str]()
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            id = value
        elif name == "data":
            data.append(value)
        elif not line and data:
            yield id, "\n".join(data)
            data = []
