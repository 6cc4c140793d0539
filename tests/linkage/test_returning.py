"""A record that was erased, and that new dealings bring back: without anything from before."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from local.stack import Parts
from services.linkage.live import keep
from services.linkage.purposes.erasure import Erasure
from shared.contracts import Kind, Record, RecordsAccepted
from shared.contracts.envelope import first
from tests.linkage.linking import NOON, Told, linkage
from tests.parts import fresh_database

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
ERASURE = Erasure(uuid4(), NOON, "b", "no_longer_necessary", "Request 118.")


def named(id: UUID, hours: int) -> Told:
    """An event about a record that does not describe it, some hours after the erasure."""
    body = RecordsAccepted(
        partner="schools", agreement="schools", type="x.y.v1", occurred=NOON + timedelta(hours=hours),
        purposes=["identity"], records=[Record(id=id, kind=Kind.PERSON, identity={})], facts={},
    )  # fmt: skip
    return first("/partners/x", "x", body, NOON)


async def test_nothing_from_before_an_erasure_is_said_of_a_record_that_nobody_has_described_since(
    parts: Parts, topics: None
) -> None:
    id = uuid4()
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        async with replica.worker.work() as work:
            await work.store.suppress([id], ERASURE)
        await replica.hear([named(id, 1)])
        assert replica.facts == 1
        await replica.hear([named(id, -1)])
        assert replica.facts == 1


async def test_an_erasure_that_commits_while_a_batch_waits_for_its_turn_is_heeded(parts: Parts, topics: None) -> None:
    id = uuid4()
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        async with replica.worker.work() as erasing:
            version = await replica.live.catch_up(erasing.store) + 1
            hearing = asyncio.create_task(replica.hear([named(id, -1)]))
            while not await erasing.connection.fetchval(WAITING):  # noqa: ASYNC110 (the database does it)
                await asyncio.sleep(0.01)
            linked = replica.live.remove({}, [], version)
            await erasing.store.suppress([id], ERASURE)
            await keep(linked, erasing.store, version)
        await hearing
        assert replica.facts == 0
