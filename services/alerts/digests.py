"""Which team must be mailed, when, and about how many alerts. No I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

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
    """A mail to be sent; ``numbers``: new alerts by initiative."""

    id: UUID
    address: str
    made_at: datetime
    numbers: Mapping[str, int]
