"""Scoring's handlers on a real database, without a bus: batches in, what was said out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.scoring.judging import Running
from services.scoring.store import ScoringStore
from services.scoring.stream import Scorer
from shared.bus import Effects
from shared.contracts import Access, Event, ScoreChanged
from shared.db import Database

TABLES = "members, departures, states, scores, receipts, models"


@dataclass
class Office:
    database: Database
    running: Sequence[Running]
    said: list[ScoreChanged] = field(default_factory=list)
    audited: list[Access] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scorer = Scorer(self.running)

    async def empty(self) -> "Office":
        async with self.database.transaction() as connection:
            for table in TABLES.split(", "):
                await connection.execute(f"DELETE FROM {table}")
        return self

    async def hear(self, batch: Sequence[Event[Any]]) -> None:
        """As the bus does: one transaction."""
        async with self.database.transaction() as connection:
            effects = await self.scorer.hear(batch, ScoringStore(connection), datetime.now(UTC))
        self._keep(effects)

    async def age(self, day: date) -> None:
        while True:
            async with self.database.transaction() as connection:
                store = ScoringStore(connection)
                due = await store.due(day, 50)
                effects = await self.scorer.age(due, day, store, datetime.now(UTC))
            self._keep(effects)
            if not due:
                return

    def newest(self) -> dict[UUID, ScoreChanged]:
        """What somebody who heard everything, in any order, holds for true."""
        found: dict[UUID, ScoreChanged] = {}
        for score in sorted(self.said, key=lambda score: score.version):
            found[score.entity] = score
        return found

    def _keep(self, effects: Effects) -> None:
        bodies = [ScoreChanged.model_validate_json(event.body.model_dump_json()) for event in effects.says]
        self.said += bodies
        self.audited += [Access.model_validate_json(entry.model_dump_json()) for entry in effects.audits]
