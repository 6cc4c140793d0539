"""Whichever engine takes the first records in, the tables are those of a stream."""

import importlib.util
import os
import shutil
from collections import defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage.engines.duck import DuckDB
from services.linkage.engines.spark import Spark
from services.linkage.index.changes import Upsert
from services.linkage.index.engine import Engine, EngineError
from services.linkage.index.index import Index
from shared.contracts import Kind
from tests.linkage.linking import Linkage, Told, linkage, region_events
from tests.linkage.people import model
from tests.parts import fresh_database


@pytest.fixture(scope="module")
def spark() -> Spark:
    """Spark on two processors of this machine."""
    has_java = os.environ.get("JAVA_HOME") or shutil.which("java")
    if not (has_java and importlib.util.find_spec("pyspark")):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Spark: make spark installs it, or says what to do")
    return Spark("local[2]")


async def kept(replica: Linkage) -> dict[str, Any]:
    """What the tables say, and the index that is read from them."""
    async with replica.worker.work() as work:
        together = [await work.store.memberships(kind) for kind in Kind]
        records = await work.store.members({id for entity_of in together for id in entity_of})
    return {
        "records": {one.id: (one.agreement, one.identity, one.confirmed, one.digest) for one in records},
        "entities": [_groups(entity_of) for entity_of in together],
        "edges": await replica.edges(),
    }  # fmt: skip


def _groups(entity_of: dict[Any, Any]) -> set[frozenset[Any]]:
    members = defaultdict[Any, set[Any]](set)
    for record, entity in entity_of.items():
        members[entity].add(record)
    return {frozenset(some) for some in members.values()}


async def loaded_by(engine: Engine, parts: Parts, events: list[Told], rest: list[Told]) -> dict[str, Any]:
    """What is kept after a load by an engine, and a stream of the rest."""
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        assert (await replica.load_by(engine, events)).changed > 2000
        await replica.hear(rest)
        return await kept(replica)


async def test_a_load_by_any_engine_keeps_what_a_stream_keeps(parts: Parts, topics: None, spark: Spark) -> None:
    told = list(region_events(people=3000))
    events, rest = told[:-300], told[-300:]
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        await replica.hear(told)
        streamed = await kept(replica)
    assert sum(map(len, streamed["edges"].values())) > 1000
    for engine in (DuckDB(processes=1), DuckDB(processes=2), spark):
        found = await loaded_by(engine, parts, events, rest)
        for table in streamed:
            assert found[table] == streamed[table], f"{table} by {engine}"


def test_without_java_spark_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match=r"Java 17|make spark"):
        filled_by(Spark())


def test_what_spark_finds_wrong_is_a_sentence(spark: Spark) -> None:
    with pytest.raises(EngineError, match=r"^Spark \(nowhere\) gave up: .+"):
        filled_by(replace(spark, master="nowhere"))


def filled_by(engine: Engine) -> Index:
    """One person's index."""
    index = Index(model(), engine)
    index.fill([[Upsert(UUID(int=1), {"given": "Erin", "family": "Rees", "birth_date": "1984-05-01"})]], [])
    return index
