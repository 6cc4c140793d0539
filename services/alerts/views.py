"""What is read to be shown: entries of the feed, an alert's past, cases opened in an emergency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.alerts.domain import Alert
from services.alerts.overrides import Override


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the feed: ``team`` must hear of a change of an alert (``left``: it lost it)."""

    seq: int
    team: str
    change: str
    at: datetime
    alert: Alert


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert as one viewer may see it: so many of its reasons are ``withheld``, because no agreement shows them;
    another team's by an ``override``."""

    alert: Alert
    withheld: int
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """An override, and the alert through which it was given as it is now."""

    override: Override
    alert: Alert


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """How many overrides wait for a verdict, and since when the oldest does."""

    number: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Mailed:
    """That a team had to be mailed about an alert, and when it was."""

    alert: UUID
    team: str
    at: datetime
    sent_at: datetime | None


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
