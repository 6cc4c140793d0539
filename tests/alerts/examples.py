"""What the tests of alerts are about: one initiative, some entities, scores in few words."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from services.alerts.domain import Rule
from services.alerts.standing import Score, Thresholds
from shared.contracts import Reason

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NEET = Rule("neet", Thresholds(raise_at=0.6, lower_at=0.45), {"north": "youth-north", "south": "youth-south"}, "youth")
RULES = {"neet": NEET}


def entity(number: int) -> UUID:
    """The same id for the same number."""
    return UUID(int=number)


def score(version: int, value: float | None, *, of: UUID | None = None, area: str | None = "north") -> Score:
    """A score whose receipt follows from whom it is of, and its version."""
    reasons = (Reason(feature="absence_28d", value=0.31, contribution=1.2),) if value else ()
    receipt = uuid5(of or entity(0), str(version))
    return Score(version, value, area, reasons, receipt, NOW)
