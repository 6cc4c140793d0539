"""``alerts.alerts``: a warning opened, changed or closed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.scores import Reason


class State(StrEnum):
    """Where an alert is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    LAPSED = "lapsed"
    JOINED = "joined"
    ERASED = "erased"


class AlertChanged(Contract):
    """One alert after a change. ``score`` is ``None`` when there is nothing left to score."""

    alert: UUID
    initiative: str
    entity: UUID
    team: str
    state: State
    score: float | None
    reasons: list[Reason]
    changed: datetime
    version: int
