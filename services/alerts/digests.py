"""Which team must be mailed, when, and about how many alerts; who about an override. No I/O, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from services.alerts.domain import Alert
from services.alerts.overrides import Override

MAILS_OF = UUID("0d1f3c68-5a51-5e0c-9f5e-6a7d2b8c4e19")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A team that has alerts nobody mailed it about; ``last``: when it was mailed before."""

    team: str
    since: datetime
    first: UUID
    last: datetime | None

    @property
    def mail(self) -> UUID:
        """The mail's id: of two processes that gather at once, both mean the same mail."""
        return uuid5(MAILS_OF, f"{self.team}/{self.first}")

    def due(self, now: datetime, wait: timedelta, interval: timedelta) -> bool:
        return now >= self.since + wait and (self.last is None or now >= self.last + interval)


@dataclass(frozen=True, slots=True)
class Digest:
    """A mail to be sent; ``numbers``: new alerts by initiative. Or about an ``override``: then to the team whose
    ``alert`` it opened, or (``None``) to those who review."""

    id: UUID
    address: str
    made_at: datetime
    numbers: Mapping[str, int]
    override: UUID | None = None
    alert: UUID | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail about an override, which waits for no others; ``team`` is empty for those who review."""

    id: UUID
    team: str
    address: str
    alert: UUID | None


def letters(override: Override, alerts: Iterable[Alert], team_address: str, reviewers: str) -> list[Letter]:
    """To those who review, and to each team of ``alerts``: to one of its own, best the one it was opened by."""
    first = {alert.team: alert.id for alert in sorted(alerts, key=lambda alert: alert.id == override.alert)}
    teams = [Letter(_about(override, t), t, team_address.format(team=t), alert) for t, alert in first.items()]
    return [Letter(_about(override, ""), "", reviewers, None), *teams]


def _about(override: Override, team: str) -> UUID:
    return uuid5(MAILS_OF, f"{override.id}/{team}")
