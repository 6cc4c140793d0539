"""Linkage as it answers: the real app on a real broker and database, its tables filled through its own store."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI
from pydantic import SecretStr

from local.stack import Parts
from services.linkage.main import service
from services.linkage.records import Kept, Published, fold
from services.linkage.settings import LinkageSettings
from services.linkage.store import LinkageStore
from shared.contracts import Access, Accesses, Change, EntityChanged, Kind, Record, RecordsAccepted, Topic, record_id
from shared.contracts.envelope import attributes, first, to_headers
from shared.db import Database
from shared.kafka import client
from shared.web import Viewer, service_token
from shared.web.csrf import token_of
from shared.web.keys import Keys
from shared.web.session import USE, begin
from shared.work import Worker
from tests.parts import Databases

KEY = "a session key of thirty-two characters"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECONDS = 20
serial = count(1)


def viewer(role: str, locale: str = "en") -> Viewer:
    """Somebody new of this role, so that what they caused in the log is theirs alone."""
    subject = f"{role}-{uuid4().hex[:8]}"
    return Viewer(subject, f"Some {role}", f"{subject}@example.org", role, "team", locale)


def record(partner: str, *, agreement: str = "", kind: Kind = Kind.PERSON, days: float = 0, **identity: str) -> Kept:
    """A partner's record whose identity was published ``days`` before noon."""
    id = record_id(partner, kind, str(next(serial)))
    said = Published(id, kind, partner, agreement or partner, identity, NOON - timedelta(days=days))
    return fold([said], None)


def signed_in(person: Viewer) -> tuple[str, str]:
    """A session's cookie, and the token its forms carry."""
    session, keys = begin(person, "", time.time()), Keys(KEY)
    return keys.close(USE, asdict(session)), token_of(keys, session)


@dataclass
class Office:
    """The running app and what it has said."""

    app: FastAPI
    database: Database
    parts: Parts
    databases: Databases
    worker: Worker[LinkageStore]
    heard: list[Access] = field(default_factory=list)
    consumer: AIOKafkaConsumer | None = None
    address: str = ""

    async def keep(self, *entities: Sequence[Kept]) -> list[UUID]:
        """Each group of records as one entity; their ids."""
        ids = [uuid4() for _ in entities]
        async with self.database.transaction() as connection:
            store = LinkageStore(connection)
            version = await store.lock_index() + 1
            places = {one.id: (id, version) for id, group in zip(ids, entities, strict=True) for one in group}
            changes = [
                EntityChanged(
                    entity=id, kind=group[0].kind, version=version, change=Change.CREATED, before=[],
                    after=[one.id for one in group],
                )
                for id, group in zip(ids, entities, strict=True)
            ]  # fmt: skip
            await store.keep([one for group in entities for one in group], places, {}, changes, version)
        return ids

    async def hear(self, *records: Kept) -> None:
        """The records as ingest says them; returns when they are linked."""
        await self.publish(*records)
        async with asyncio.timeout(SECONDS):
            while len(await self.entity_of(*records)) < len({one.id for one in records}):  # noqa: ASYNC110 (the stream does it)
                await asyncio.sleep(0.02)

    async def publish(self, *records: Kept) -> None:
        """The records as ingest says them, keyed so that they are heard in this order, and after those before."""
        producer = AIOKafkaProducer(**client(self.parts.kafka))
        await producer.start()
        for one in records:
            body = RecordsAccepted(
                partner=one.partner, agreement=one.agreement, type="x.y.v1", occurred=one.seen, purposes=["identity"],
                records=[Record(id=one.id, kind=one.kind, identity=dict(one.identity))], facts={},
            )  # fmt: skip
            event = first("/partners/x", "x", body, NOON)
            headers = to_headers(attributes(event))
            value = body.model_dump_json().encode()
            await producer.send(Topic.RECORDS.spec.name, value, key=event.key.encode(), headers=headers)
        await producer.stop()

    async def entity_of(self, *records: Kept) -> dict[UUID, UUID]:
        """The entity of each record that is linked."""
        async with self.database.transaction() as connection:
            known = await LinkageStore(connection).known([one.id for one in records])
        return {id: one.entity for id, one in known.items()}

    async def members(self, one: Kept) -> Sequence[UUID]:
        """The records of a record's entity."""
        entity = (await self.entity_of(one))[one.id]
        async with self.database.transaction() as connection:
            return (await LinkageStore(connection).resolve([entity]))[entity].members

    async def merge(self, gone: UUID, into: UUID) -> None:
        """One entity becomes part of another; its id redirects."""
        async with self.database.transaction() as connection:
            store = LinkageStore(connection)
            version = await store.lock_index() + 1
            found = await store.resolve([gone, into])
            before, after = found[gone], found[into]
            changes = [
                EntityChanged(
                    entity=gone, kind=before.kind, version=version, change=Change.MERGED, before=list(before.members),
                    after=[], into=after.entity,
                ),
                EntityChanged(
                    entity=after.entity, kind=after.kind, version=version, change=Change.GREW,
                    before=list(after.members), after=[*after.members, *before.members],
                ),
            ]  # fmt: skip
            await store.keep((), {}, {}, changes, version)

    async def golden(
        self, person: Viewer | None, purpose: str, entities: Sequence[UUID], *, token_purpose: str | None = None
    ) -> httpx.Response:
        """As alerts asks."""
        named = purpose if token_purpose is None else token_purpose
        token = service_token(KEY, "linkage", person, caller="alerts", purpose=named)
        body = {"entities": [str(id) for id in entities], "purpose": purpose}
        async with self.client(None) as client:
            return await client.post("/linkage/golden", json=body, headers={"Authorization": f"Bearer {token}"})

    def client(self, person: Viewer | None, **headers: str) -> httpx.AsyncClient:
        """A browser or program of this person's, signed in."""
        cookies: Mapping[str, str] = {}
        if person is not None:
            cookie, token = signed_in(person)
            cookies, headers = {"jigsaw": cookie}, {"X-CSRF-Token": token, **headers}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080", cookies=dict(cookies), headers=headers
        )

    async def entries(self, person: Viewer) -> list[Access]:
        """All that this person caused in the log. A service's entries keep their order, so a last one marks the end."""
        marker = viewer("nobody-in-particular")
        assert (await self.golden(marker, "identity", [uuid4()])).status_code == 200
        async with asyncio.timeout(SECONDS):
            while not any(entry.actor == marker.subject for entry in self.heard):
                await self._hear()
        return [entry for entry in self.heard if entry.actor == person.subject]

    async def changes(self, *ids: UUID) -> list[EntityChanged]:
        """What was said of these entities, in the order of versions."""
        consumer = AIOKafkaConsumer(Topic.ENTITIES.spec.name, **client(self.parts.kafka), auto_offset_reset="earliest")
        await consumer.start()
        try:
            found: list[EntityChanged] = []
            while batch := await consumer.getmany(timeout_ms=500):
                found += [EntityChanged.model_validate_json(m.value) for some in batch.values() for m in some]
        finally:
            await consumer.stop()
        return sorted((one for one in found if one.entity in ids), key=lambda one: one.version)

    async def _hear(self) -> None:
        assert self.consumer is not None
        for messages in (await self.consumer.getmany(timeout_ms=200)).values():
            for message in messages:
                self.heard += Accesses.model_validate_json(message.value).entries


def settings_of(parts: Parts, databases: Databases, **more: Any) -> LinkageSettings:
    return LinkageSettings(
        kafka=parts.kafka, database=SecretStr(databases.dsn), redis=parts.redis, sealing_key=SecretStr("00" * 32),
        session_key=SecretStr(KEY), log_level="WARNING", **more,
    )  # fmt: skip


@asynccontextmanager
async def served(office: Office, port: int) -> AsyncIterator[str]:
    """The running app, for browsers: its address."""
    server = uvicorn.Server(uvicorn.Config(office.app, port=port, lifespan="off", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(SECONDS):
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def opened(parts: Parts, databases: Databases, **more: Any) -> AsyncIterator[Office]:
    """The app, started."""
    made = service(settings_of(parts, databases, **more))
    async with made.app.router.lifespan_context(made.app):
        consumer = AIOKafkaConsumer(
            Topic.ACCESSES.spec.name, **client(parts.kafka), auto_offset_reset="earliest",
            enable_auto_commit=False,
        )  # fmt: skip
        await consumer.start()
        try:
            yield Office(made.app, made.database, parts, databases, made.worker, consumer=consumer)
        finally:
            await consumer.stop()
