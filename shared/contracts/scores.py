"""``scoring.scores``: how much an entity needs attention, and why."""

from datetime import datetime
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.records import Kind


class Reason(Contract):
    """A feature's part in the score. The sentence is the initiative's (reasons.yaml); ``contribution`` in log-odds."""

    feature: str
    value: float
    contribution: float


class ScoreChanged(Contract):
    """The newest score of one entity for one initiative; of two, the higher ``version`` holds.

    ``score`` is a probability in 0–1, or ``None`` when the entity is no more (merged into ``into``, or erased).
    ``receipt`` names the row in scoring that can replay it. ``area`` is what alerts routes by.
    """

    initiative: str
    entity: UUID
    kind: Kind
    version: int
    score: float | None
    reasons: list[Reason]
    model: str
    receipt: UUID
    as_of: datetime
    area: str | None = None
    into: UUID | None = None
