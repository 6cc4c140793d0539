"""What ingest keeps: receipts, counts, partners' keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from services.ingest.domain import Judgement
from services.ingest.verdicts import Tally
from shared.db import Connection, queries

Q = queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an event; ``reason`` is "" for an accepted one."""

    id: UUID
    event_id: str
    type: str
    reason: str
    field: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """So many events of a type had this verdict, or this finding (``verdict`` "finding")."""

    type: str
    verdict: str
    reason: str
    field: str
    events: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What a partner has sent since a day."""

    partner: str
    last_heard: datetime | None
    accepted: int
    rejected: int
    duplicate: int


@dataclass(frozen=True, slots=True)
class Key:
    """A partner's key as an operator sees it: its last characters, never itself."""

    id: UUID
    partner: str
    hint: str
    issued_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class IngestStore:
    """One short method a statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def receive(self, judged: Mapping[UUID, tuple[str, Judgement]], at: datetime) -> set[UUID]:
        """Take in (partner, judgement) by receipt; which of them were new. In the order of their ids, so that two
        transactions that take in the same events cannot wait for each other."""
        ids = sorted(judged)
        partners, judgements = [judged[id][0] for id in ids], [judged[id][1] for id in ids]
        rows = await self._connection.fetch(
            Q["receive"], ids, partners, [j.id for j in judgements], [j.type for j in judgements],
            [j.reason for j in judgements], [j.field for j in judgements], at,
        )  # fmt: skip
        return {row["id"] for row in rows}

    async def accepted_before(self, ids: Sequence[UUID]) -> set[UUID]:
        return {row["id"] for row in await self._connection.fetch(Q["accepted_before"], ids)}

    async def count(self, tallies: Mapping[Tally, int], at: datetime) -> None:
        keys = sorted(tallies)
        columns = [[key[i] for key in keys] for i in range(5)]
        await self._connection.write(Q["tally"], at.date(), *columns, [tallies[key] for key in keys], at)

    async def listed(
        self, partner: str, after: tuple[datetime, UUID], accepted: bool | None, limit: int
    ) -> list[Receipt]:
        rows = await self._connection.fetch(Q["listed"], partner, *after, accepted, limit)
        return [Receipt(*row.values()) for row in rows]

    async def receipts(self, ids: Sequence[UUID]) -> list[Receipt]:
        return [Receipt(*row.values()) for row in await self._connection.fetch(Q["receipts_by_id"], ids)]

    async def counted(self, partner: str, since: date) -> list[Count]:
        return [Count(*row.values()) for row in await self._connection.fetch(Q["counted"], partner, since)]

    async def overview(self, partners: Sequence[str], since: date) -> dict[str, Heard]:
        rows = await self._connection.fetch(Q["overview"], partners, since)
        return {row["partner"]: Heard(*row.values()) for row in rows}

    async def use_key(self, digest: bytes, at: datetime) -> tuple[str, bytes] | None:
        """The partner of a key that is not revoked, and the digest as it is kept."""
        row = await self._connection.fetchrow(Q["use_key"], digest, at)
        return (row["partner"], row["digest"]) if row else None

    async def add_key(self, id: UUID, partner: str, digest: bytes, hint: str, by: str, at: datetime) -> None:
        await self._connection.execute(Q["add_key"], id, partner, digest, hint, by, at)

    async def revoke_key(self, id: UUID, partner: str, at: datetime) -> bool:
        """Whether it was this partner's key, and was in use."""
        return await self._connection.fetchval(Q["revoke_key"], id, partner, at) is not None

    async def keys_of(self, partner: str) -> list[Key]:
        return [Key(*row.values()) for row in await self._connection.fetch(Q["keys_of"], partner)]
