"""A record that was erased, and that new dealings bring back: without anything from before."""

from datetime import timedelta
from uuid import uuid4

from local.stack import Parts
from services.linkage.purposes.erasure import Erasure
from shared.contracts import Kind, Record, RecordsAccepted
from shared.contracts.envelope import first
from tests.linkage.linking import NOON, Told, linkage
from tests.parts import fresh_database


async def test_nothing_from_before_an_erasure_is_said_of_a_record_that_nobody_has_described_since(
    parts: Parts, topics: None
) -> None:
    id = uuid4()

    def at(hours: int) -> Told:
        body = RecordsAccepted(
            partner="schools", agreement="schools", type="x.y.v1", occurred=NOON + timedelta(hours=hours),
            purposes=["identity"], records=[Record(id=id, kind=Kind.PERSON, identity={})], facts={},
        )  # fmt: skip
        return first("/partners/x", "x", body, NOON)

    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        async with replica.worker.work() as work:
            await work.store.suppress([id], Erasure(uuid4(), NOON, "b", "no_longer_necessary", "Request 118."))
        await replica.hear([at(1)])
        assert replica.facts == 1
        await replica.hear([at(-1)])
        assert replica.facts == 1
