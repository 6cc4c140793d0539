"""What scoring keeps: membership, counts, said scores, receipts, models. One short method a statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import numpy as np

from services.scoring.domain import (
    Addition,
    Assessed,
    Claim,
    Departure,
    Ending,
    Known,
    Place,
    Receipt,
    Said,
    Share,
    Standing,
    known_of,
)
from services.scoring.features import TILE_BYTES, State
from shared.db import Connection, queries, read_whole
from shared.initiatives import Thresholds

Q = queries(Path(__file__).parent / "queries.sql")
NUMBER = np.dtype("<f4")
RECORDS, ENTITIES = 1, 2
MOST_LOCKS = 2_000
"""Taken one by one: PostgreSQL has room for some twelve thousand, as it is set up by itself."""
LONG = 96 * TILE_BYTES


class Saying(NamedTuple):
    """A score to be said, of an entity or of a part of ``whole``: the receipt, and what is needed to judge the next."""

    receipt: Receipt
    assessed: Assessed | None
    whole: UUID
    into: UUID | None = None


class HeldOf(NamedTuple):
    """Rows about somebody: claims on records, what is counted of them, said scores, receipts."""

    members: Sequence[asyncpg.Record]
    states: Sequence[asyncpg.Record]
    scores: Sequence[asyncpg.Record]
    receipts: Sequence[Receipt]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many entities are scored, at or above the upper threshold, and between the two."""

    scored: int
    above: int
    between: int


class ScoringStore:
    """Never opens or ends a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock_records(self, records: Iterable[UUID]) -> None:
        """Until the transaction ends, nobody else decides about these records."""
        await self._lock(RECORDS, _lock_keys(records))

    async def lock_entities(self, entities: Iterable[UUID]) -> None:
        """As lock_records, and once a transaction; after it. ``lock_standings`` does the same on its way."""
        await self._lock(ENTITIES, _lock_keys(entities))

    async def _lock(self, sort: int, keys: Sequence[int]) -> None:
        if len(keys) > MOST_LOCKS:
            await self._connection.execute(Q["lock_all"], sort)
        else:
            await self._connection.execute(Q["lock"], sort, [-1, *keys])

    async def lock_standings(self, records: Collection[UUID], entities: Iterable[UUID]) -> dict[UUID, Standing]:
        """Where locked records stand. Until the transaction ends, nobody else decides about the entities that these are
        in, nor about ``entities``."""
        keys = _lock_keys(entities)
        few = len(keys) + len(records) <= MOST_LOCKS
        if not few:
            await self._connection.execute(Q["lock_all"], ENTITIES)
        rows = await self._connection.fetch(Q["lock_standings"], list(records), [-1, *keys] if few else None)
        return {
            record: Standing(Claim(record, entity, version, parts), erased)
            for record, entity, version, parts, erased in rows
        }

    async def claim(self, claims: Iterable[Claim]) -> None:
        rows = ((c.record, c.entity, c.version, c.parts) for c in claims)
        await self._connection.execute(Q["claim"], *_columns(rows, 4))

    async def depart(self, departures: Iterable[Departure]) -> None:
        rows = [(d.entity, d.version, list(d.remaining), d.ended, d.into) for d in departures]
        await self._connection.executemany(Q["depart"], rows)

    async def erase(self, entity: UUID, records: Sequence[UUID], version: int, *, ended: bool) -> set[UUID]:
        """Forget records that left an entity, and what was said that rests on them; when it ``ended``, all that was
        said of it. Returns those whose receipts went."""
        await self._connection.execute(Q["erase_records"], records, entity, version)
        await self._connection.execute(Q["erase_states"], records, version)
        return {row[0] for row in await self._connection.fetch(Q["erase_receipts"], entity, records, ended)}

    async def append(self, additions: Mapping[Place, Addition]) -> dict[Place, State]:
        """Add to what is counted of records. Returns the states that have grown longer than ``LONG`` bytes."""
        rows = (
            (*place, one.tiles, one.newest.timestamp(), one.version, one.area, one.area_at.timestamp(), one.agreements)
            for place, one in additions.items()
        )
        grown = await self._connection.fetch(Q["append"], *_columns(rows, 8), LONG)
        return {(record, initiative): tiles for record, initiative, tiles in grown}

    async def shorten(self, states: Mapping[Place, State]) -> None:
        await self._connection.execute(Q["shorten"], *_columns(((*place, tiles) for place, tiles in states.items()), 3))

    async def scored(
        self, entities: Iterable[UUID], purposes: Mapping[str, str], if_scored: Iterable[UUID] = ()
    ) -> tuple[dict[Place, Known], dict[Place, Said], dict[Place, int]]:
        """What is counted of the entities and of their parts, what was last said of them, and the version of what is
        said next. Three maps by place; a place is missing from a map that has nothing for it. ``purposes``: each
        initiative's; ``if_scored``: entities that are wanted only when something was ever said of them."""
        shares, said, versions = dict[Place, list[Share]](), dict[Place, Said](), dict[Place, int]()
        asked = list(entities), list(purposes), list(purposes.values()), list(if_scored)
        for entity, initiative, version, *row in await self._connection.fetch(Q["scored"], *asked):
            place = entity, initiative
            versions[place] = version
            if row[0] is None:
                said[place] = Said._make(row[8:])
            else:
                shares.setdefault(place, []).append(Share._make(row[:8]))
        return {place: known_of(some) for place, some in shares.items()}, said, versions

    async def endings(self, entities: Iterable[UUID]) -> dict[UUID, Ending]:
        rows = await self._connection.fetch(Q["endings"], list(entities))
        return {entity: Ending(version, into) for entity, version, into in rows}

    async def said(self, entity: UUID, initiative: str) -> Said | None:
        row = await self._connection.fetchrow(Q["said"], entity, initiative)
        return Said(*row) if row else None

    async def keep(self, sayings: Sequence[Saying]) -> None:
        """The said scores, and a receipt for each."""
        await self._connection.write(Q["keep"], *_columns(map(_kept, sayings), 21))

    async def postpone(self, places: Mapping[Place, tuple[date | None, date | None]]) -> None:
        """``swept`` and ``due`` of scores that are not said anew."""
        await self._connection.write(Q["postpone"], *_columns(((*p, *days) for p, days in places.items()), 4))

    async def due(self, day: date, most: int) -> list[UUID]:
        rows = await self._connection.fetch(Q["due"], day, most)
        return list(dict.fromkeys(row[0] for row in rows))

    async def outdate(self, initiative: str, model: str) -> None:
        await self._connection.execute(Q["outdate"], initiative, model)

    async def newest(self) -> datetime | None:
        newest: datetime | None = await self._connection.fetchval(Q["newest"])
        return newest

    async def register(
        self,
        initiative: str,
        model: str,
        features: Sequence[str],
        content: bytes,
        card: Mapping[str, Any],
        at: datetime,
    ) -> None:
        await self._connection.execute(Q["register"], initiative, model, list(features), content, card, at)

    async def model(self, initiative: str, sha256: str) -> tuple[list[str], bytes] | None:
        row = await self._connection.fetchrow(Q["model"], initiative, sha256)
        return (row["features"], row["content"]) if row else None

    async def receipt(self, id: UUID) -> Receipt | None:
        row = await self._connection.fetchrow(Q["receipt"], id)
        return _receipt(dict(row)) if row else None

    async def one_with(self, ids: Iterable[UUID]) -> list[UUID]:
        """These ids, and all that are of one with them by merges."""
        return [row[0] for row in await self._connection.fetch(Q["one_with"], list(ids))]

    async def ended(self, entities: Iterable[UUID]) -> list[UUID]:
        """Those that were erased."""
        return [row[0] for row in await self._connection.fetch(Q["ended"], list(entities))]

    async def held_of(self, entities: Collection[UUID]) -> HeldOf:
        """All that is kept of entities."""
        members = await self._connection.fetch(Q["members_of"], entities)
        states = await self._connection.fetch(Q["states_of"], [row["record"] for row in members])
        scores = await self._connection.fetch(Q["scores_of"], entities)
        receipts = await self._connection.fetch(Q["receipts_of"], entities)
        return HeldOf(members, states, scores, [_receipt(dict(row)) for row in receipts])

    async def cards(self, models: Iterable[tuple[str, str]]) -> list[asyncpg.Record]:
        """What the registry says of models, by initiative and hash."""
        return await self._connection.fetch(Q["cards"], *_columns(models, 2))

    async def distribution(self, initiative: str) -> dict[int, int]:
        """How many entities are in each twentieth (1–20) of 0–1."""
        await read_whole(self._connection)
        return {row[0]: row[1] for row in await self._connection.fetch(Q["distribution"], initiative)}

    async def counts(self, initiative: str, thresholds: Thresholds) -> Counts:
        await read_whole(self._connection)
        row = await self._connection.fetchrow(Q["counts"], initiative, thresholds.raise_at, thresholds.lower_at)
        assert row is not None, "an aggregate has a row"
        return Counts(*row)


def _lock_keys(ids: Iterable[UUID]) -> list[int]:
    """31 bits of each id: two that share them wait for each other, which harms nothing."""
    return sorted({id.int & 0x7FFFFFFF for id in ids})


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [[] for _ in range(width)]


def _kept(saying: Saying) -> tuple[object, ...]:
    receipt, now = saying.receipt, saying.assessed
    return (
        receipt.entity, receipt.initiative, receipt.version, receipt.score, receipt.membership, receipt.model,
        receipt.id, receipt.as_of, now.reasons if now else "", now.area if now else None, saying.into,
        now.swept if now else None, now.due if now else None, saying.whole, receipt.at,
        receipt.vector.astype(NUMBER).tobytes(), receipt.contributions.astype(NUMBER).tobytes(),
        f"{{{','.join(map(str, receipt.members))}}}", receipt.raise_at, receipt.lower_at, receipt.agreements,
    )  # fmt: skip


def _receipt(row: Mapping[str, Any]) -> Receipt:
    numbers = {name: np.frombuffer(row[name], NUMBER) for name in ("vector", "contributions")}
    return Receipt(**{**row, **numbers, "members": tuple(row["members"])})
