"""Nothing lost, nothing done twice: what partners hold receipts for, held against what every service has done.

Ids make it exact, not a comparison of counts: an accepted event's receipt, its message, the fact that linkage makes of
it and each service's inbox row all derive from one id (shared/contracts/envelope.py: ``causes(…, id=…)``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts import Topic
from shared.contracts.asyncapi import HEARD_BY
from shared.ids import apart_from_time, id_of
from shared.kafka import client

Ends = Mapping[Topic, Mapping[TopicPartition, int]]
ACCEPTED = "SELECT id FROM receipts WHERE reason = ''"
INBOX = "SELECT id FROM inbox"
UNSENT = "SELECT count(*) FROM outbox"
DEAD = "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL"
MISPLACED = """SELECT count(*) FROM records r LEFT JOIN entities e ON e.id = r.entity
WHERE e.id IS NULL OR e.into_entity IS NOT NULL OR NOT r.id = ANY (e.members)"""
CLAIMED_TWICE = """SELECT (SELECT coalesce(sum(cardinality(members)), 0) FROM entities WHERE into_entity IS NULL)
    - (SELECT count(*) FROM records)"""
TWICE_ALERTED = """SELECT count(*) FROM (SELECT FROM alerts WHERE state IN ('open', 'acknowledged')
    GROUP BY initiative, entity HAVING count(*) > 1) AS twice"""


@dataclass(frozen=True)
class Reconciliation:
    """All but ``accepted`` ought to be 0 when nothing moves any more.

    ``unsent``: transactions whose messages the broker has not; ``unheard``: messages waiting for a service;
    ``not_linked`` and ``not_scored``: accepted events that linkage or scoring have not done; ``dead``: put aside, not
    replayed; ``misplaced``: records whose entity does not know them; ``claimed_twice``: records in two entities;
    ``twice_alerted``: people with two live alerts for one initiative; ``not_received``: accepted by the partner's
    receipts and unknown to ingest.
    """

    accepted: int
    unsent: int
    unheard: int
    not_received: int
    not_linked: int
    not_scored: int
    dead: int
    misplaced: int
    claimed_twice: int
    twice_alerted: int

    @property
    def is_whole(self) -> bool:
        return self.is_settled(dead=0)

    def is_settled(self, dead: int) -> bool:
        """Whole, but for so many messages that were put aside as they should be."""
        faults = [getattr(self, field.name) for field in fields(self) if field.name not in ("accepted", "dead")]
        return not any(faults) and self.dead == dead


async def reconcile(dsns: Mapping[str, str], address: str, held: int | None = None) -> Reconciliation:
    """``dsns``: each service's database; ``address``: the broker's; ``held``: how many acceptances partners hold."""
    accepted = await _ids(dsns["ingest"], ACCEPTED)
    linked, scored = await _done(dsns["linkage"]), await _done(dsns["scoring"])
    async with AIOKafkaConsumer(**client(address)) as consumer:
        ends = await _ends(consumer)
        unheard = await _waiting(address, ends)
        unsent = sum([await _number(dsn, UNSENT) for dsn in dsns.values()])
        unheard += _said(await _ends(consumer)) - _said(ends)  # by whoever finished in between
    return Reconciliation(
        accepted=len(accepted),
        unsent=unsent,
        unheard=unheard,
        not_received=max(0, (held or 0) - len(accepted)),
        not_linked=len(_messages("/services/ingest", accepted) - linked),
        not_scored=len(_messages("/services/linkage", accepted) - scored),
        dead=sum([await _number(dsn, DEAD) for dsn in dsns.values()]),
        misplaced=await _number(dsns["linkage"], MISPLACED),
        claimed_twice=abs(await _number(dsns["linkage"], CLAIMED_TWICE)),
        twice_alerted=await _number(dsns["alerts"], TWICE_ALERTED),
    )


async def _ends(consumer: AIOKafkaConsumer) -> Ends:
    """How far each topic that a service hears goes, by partition."""
    return {
        topic: await consumer.end_offsets(
            [TopicPartition(topic.spec.name, number) for number in range(topic.spec.partitions)]
        )
        for topic in HEARD_BY
    }


def _said(ends: Ends) -> int:
    return sum(sum(partitions.values()) for partitions in ends.values())


async def _waiting(address: str, ends: Ends) -> int:
    """Messages on the bus that a service which hears them has not finished, by the offsets it committed."""
    admin = AIOKafkaAdminClient(**client(address))
    await admin.start()
    try:
        waiting = 0
        for topic, partitions in ends.items():
            for ear in HEARD_BY[topic]:
                done = await admin.list_consumer_group_offsets(ear, partitions=list(partitions))
                waiting += sum(end - max(0, done[p].offset) for p, end in partitions.items())
        return waiting
    finally:
        await admin.close()


def _messages(source: str, events: Iterable[UUID]) -> set[bytes]:
    """What a service that hears of these events has in its inbox, but for the time."""
    return {apart_from_time(id_of(source, id.hex)) for id in events}


async def _done(dsn: str) -> set[bytes]:
    return {apart_from_time(id) for id in await _ids(dsn, INBOX)}


async def _ids(dsn: str, statement: str) -> set[UUID]:
    connection = await asyncpg.connect(dsn)
    try:
        return {row["id"] for row in await connection.fetch(statement)}
    finally:
        await connection.close()


async def _number(dsn: str, statement: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()
