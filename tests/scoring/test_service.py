"""Scoring as it runs, on real Kafka and PostgreSQL: facts in, scores out, and what people and programs are answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from local.stack import Parts
from services.scoring.main import service
from services.scoring.store import ScoringStore
from shared.contracts import (
    Accesses,
    Change,
    EntityChanged,
    Event,
    FactLinked,
    Kind,
    LinkedSubject,
    Part,
    ScoreChanged,
    Topic,
)
from shared.contracts.envelope import attributes, first, to_headers
from shared.kafka import client
from shared.service import Service
from shared.settings import Settings
from tests.parts import Databases, connected
from tests.scoring.initiative import ATTENDANCE, EXCLUSION, write

KEY = "session-" * 8
NOW = datetime.now(UTC).replace(microsecond=0)
PATIENCE = 60


def settings_of(parts: Parts, databases: Databases, initiatives: Path) -> Settings:
    return Settings.model_validate(
        {
            "kafka": parts.kafka, "database": SecretStr(databases.dsn), "redis": parts.redis,
            "initiatives": initiatives, "sealing_key": SecretStr("07" * 32), "session_key": SecretStr(KEY), "console": "http://scoring",
        }
    )  # fmt: skip


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Service[ScoringStore]]:
    """A replica of the service: everything but the socket."""
    replica = service(settings)
    async with replica.app.router.lifespan_context(replica.app):
        yield replica


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("initiatives"))


@pytest.fixture(scope="module")
async def scoring(
    parts: Parts, topics: None, databases: Databases, folder: Path
) -> AsyncIterator[Service[ScoringStore]]:
    async with working(settings_of(parts, databases, folder)) as replica:
        yield replica


@pytest.fixture(scope="module")
async def said(parts: Parts, topics: None) -> AsyncIterator["Heard"]:
    consumer = AIOKafkaConsumer(
        Topic.SCORES.spec.name, Topic.ACCESSES.spec.name, **client(parts.kafka), auto_offset_reset="earliest"
    )
    await consumer.start()
    yield Heard(consumer)
    await consumer.stop()


class Heard:
    """What scoring has said on the bus."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.scores: list[ScoreChanged] = []
        self.accesses: list[Any] = []

    async def until(self, condition: Callable[["Heard"], Any]) -> Any:
        """The first true answer of the condition."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition(self)):
                for messages in (await self._consumer.getmany(timeout_ms=200)).values():
                    for message in messages:
                        if message.topic == Topic.SCORES.spec.name:
                            self.scores.append(ScoreChanged.model_validate_json(message.value))
                        else:
                            self.accesses += Accesses.model_validate_json(message.value).entries
        return found

    async def score(self, entity: UUID, least: int = 0) -> ScoreChanged:
        def newest(heard: Heard) -> ScoreChanged | None:
            about = [score for score in heard.scores if score.entity == entity and score.version > least]
            return max(about, key=lambda score: score.version, default=None)

        found: ScoreChanged = await self.until(newest)
        return found

    async def entry(self, outcome: str, subject: UUID | None, actor: str) -> Any:
        return await self.until(
            lambda heard: next(
                (e for e in heard.accesses if (e.outcome, e.subject, e.actor) == (outcome, subject, actor)), None
            )
        )


async def publish(parts: Parts, *events: Event[Any]) -> None:
    async with AIOKafkaProducer(**client(parts.kafka), acks="all") as producer:
        for event in events:
            headers = to_headers(attributes(event))
            topic = Topic.of(type(event.body)).spec.name
            value = event.body.model_dump_json().encode()
            await producer.send_and_wait(topic, value, event.key.encode(), headers=headers)


def fact(
    entity: UUID, record: UUID, type: str = ATTENDANCE, purposes: tuple[str, ...] = ("neet",), key: UUID | None = None,
    **facts: Any,
) -> Event[FactLinked]:  # fmt: skip
    """What linkage says of one record; facts of one ``key`` are heard in their order."""
    body = FactLinked(
        partner="schools", agreement="schools", type=type, occurred=NOW - timedelta(days=3), purposes=list(purposes),
        subjects=[LinkedSubject(kind=Kind.PERSON, record=record, entity=entity, version=1)],
        facts=facts or {"sessions_missed": 9, "sessions_possible": 10, "area": "north"},
    )  # fmt: skip
    return first("/services/linkage", str(key or record), body, NOW)


@pytest.fixture(scope="module")
async def absent(parts: Parts, scoring: Service[ScoringStore], said: Heard) -> ScoreChanged:
    """The score of somebody who misses nearly every lesson."""
    entity, record = uuid4(), uuid4()
    await publish(parts, fact(entity, record))
    return await said.score(entity)


async def test_a_fact_becomes_a_score_with_reasons_and_a_decision_in_audit(absent: ScoreChanged, said: Heard) -> None:
    assert absent.score is not None
    assert absent.score > 0.9
    assert absent.reasons[0].feature == "absence_28d"
    assert absent.reasons[0].value == pytest.approx(0.9)
    assert (absent.area, absent.initiative, absent.kind) == ("north", "neet", Kind.PERSON)
    entry = await said.entry("allowed", absent.entity, "service:scoring")
    assert (entry.action, entry.purpose, entry.agreement) == ("decision", "neet", "schools")
    assert entry.reference == f"receipt:{absent.receipt}"


async def test_a_fact_for_another_purpose_is_not_read(
    parts: Parts, scoring: Service[ScoringStore], said: Heard
) -> None:
    other, read, key = uuid4(), uuid4(), uuid4()
    await publish(parts, fact(other, uuid4(), purposes=("identity", "hmo"), key=key), fact(read, uuid4(), key=key))
    await said.score(read)
    async with scoring.worker.work() as work:
        assert await work.store.said(other, "neet") is None


async def test_a_merge_takes_one_score_back_and_raises_the_other(
    parts: Parts, scoring: Service[ScoringStore], said: Heard
) -> None:
    kept, gone, records = uuid4(), uuid4(), [uuid4(), uuid4()]
    mild = {"sessions_missed": 2, "sessions_possible": 10}
    await publish(parts, fact(kept, records[0], **mild), fact(gone, records[1], EXCLUSION, days=3))
    before, other = await said.score(kept), await said.score(gone)
    merged = EntityChanged(
        entity=gone, kind=Kind.PERSON, version=7, change=Change.MERGED, before=[records[1]], after=[], into=kept
    )
    grown = EntityChanged(
        entity=kept, kind=Kind.PERSON, version=8, change=Change.GREW, before=records[:1], after=records
    )
    await publish(parts, *(first("/services/linkage", str(c.entity), c, NOW) for c in (merged, grown)))
    ended = await said.score(gone, other.version)
    assert (ended.score, ended.into) == (None, kept)
    both = await said.until(
        lambda heard: next((s for s in heard.scores if s.entity == kept and s.score > before.score), None)
    )
    assert both.version > ended.version
    assert {reason.feature for reason in both.reasons} >= {"exclusions_90d", "absence_28d"}


async def test_an_erasure_forgets_the_counts_and_the_receipts(
    parts: Parts, scoring: Service[ScoringStore], said: Heard, databases: Databases
) -> None:
    entity, record = uuid4(), uuid4()
    await publish(parts, fact(entity, record))
    score = await said.score(entity)
    erased = EntityChanged(
        entity=entity, kind=Kind.PERSON, version=9, change=Change.ERASED, before=[record], after=[], into=None
    )
    await publish(parts, first("/services/linkage", str(entity), erased, NOW))
    ended = await said.score(entity, score.version)
    assert (ended.score, ended.into) == (None, None)
    other = uuid4()
    await publish(parts, fact(entity, record), fact(other, uuid4(), key=record))
    await said.score(other)
    async with connected(databases.dsn) as connection:
        assert not await connection.fetchval("SELECT count(*) FROM states WHERE record = $1", record)
        assert not await connection.fetchval("SELECT count(*) FROM receipts WHERE id = $1", score.receipt)


async def test_a_record_that_leaves_an_entity_that_lives_on_is_forgotten_there(
    parts: Parts, scoring: Service[ScoringStore], said: Heard, databases: Databases
) -> None:
    entity, stays, goes = uuid4(), uuid4(), uuid4()
    await publish(parts, fact(entity, stays), fact(entity, goes, EXCLUSION, days=3))
    both = await said.until(
        lambda heard: next((s for s in heard.scores if s.entity == entity and len(s.reasons) > 3), None)
    )
    shrank = EntityChanged(
        entity=entity, kind=Kind.PERSON, version=9, change=Change.SHRANK, before=[stays, goes], after=[stays],
        gone=[goes],
    )  # fmt: skip
    await publish(parts, first("/services/linkage", str(entity), shrank, NOW))
    less = await said.score(entity, both.version)
    assert less.score < both.score
    async with connected(databases.dsn) as connection:
        states = await connection.fetch("SELECT record FROM states WHERE record = ANY ($1)", [stays, goes])
        receipts = await connection.fetch("SELECT id, members FROM receipts WHERE entity = $1", entity)
    assert {row["record"] for row in states} == {stays}
    assert all(goes not in row["members"] for row in receipts)
    assert less.receipt in {row["id"] for row in receipts}


async def test_what_a_purpose_sees_as_two_has_two_scores(
    parts: Parts, scoring: Service[ScoringStore], said: Heard
) -> None:
    entity, part, mine, other = uuid4(), uuid4(), uuid4(), uuid4()
    await publish(parts, fact(entity, mine), fact(entity, other, EXCLUSION, days=3))
    both = await said.until(
        lambda heard: next((s for s in heard.scores if s.entity == entity and len(s.reasons) > 3), None)
    )
    seen = [Part(entity=entity, records=[mine]), Part(entity=part, records=[other])]
    apart = EntityChanged(
        entity=entity, kind=Kind.PERSON, version=9, change=Change.CHANGED, before=[mine, other], after=[mine, other],
        parts={"neet": seen, "hmo": [Part(entity=entity, records=[mine, other])]},
    )  # fmt: skip
    await publish(parts, first("/services/linkage", str(entity), apart, NOW))
    whose = await said.score(part)
    assert {reason.feature for reason in whose.reasons} == {"exclusions_90d"}
    assert (await said.score(entity, both.version)).score < both.score
    together = apart.model_copy(update={"version": 10, "parts": {}})
    await publish(parts, first("/services/linkage", str(entity), together, NOW))
    over = await said.score(part, whose.version)
    assert (over.score, over.into) == (None, None)
