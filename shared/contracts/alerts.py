"""``alerts.alerts``: a warning opened, changed or closed."""

from datetime import datetime
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.scores import Reason


class AlertChanged(Contract):
    """One alert after a change. ``state`` is a state of services/alerts/domain.py's life cycle."""

    alert: UUID
    initiative: str
    entity: UUID
    team: str
    state: str
    score: float
    reasons: list[Reason]
    changed: datetime
    version: int
