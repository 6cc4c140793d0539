"""What is read to be shown: entries of the feed, and an alert's past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.alerts.domain import Alert


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the feed: ``team`` must hear of a change of an alert (``left``: it lost it)."""

    seq: int
    team: str
    change: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert as one viewer may see it: so many of its reasons are ``withheld``, because no agreement shows them."""

    alert: Alert
    withheld: int


@dataclass(frozen=True, slots=True)
class Past:
    """One line of an alert's history. ``differences``: field → old and new value, as text."""

    alert: UUID
    at: datetime
    change: str
    differences: Mapping[str, Sequence[str | None]]
    actor: str
    actor_name: str
    note: str
