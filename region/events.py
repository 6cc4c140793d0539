"""What goes over the wire, and what must become of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from region.vocabulary import PARTNERS

Verdict = Literal["accepted", "duplicate", "rejected"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a partner sends it. ``""`` and ``None`` stand for what a faulty event leaves out.

    ``time`` is text as sent; ``sent`` is when it is sent, which may be long after what it tells of. ``source`` is only
    set where it is not the partner's own.
    """

    partner: str
    id: str
    type: str
    time: str
    sent: datetime
    data: object
    specversion: str = "1.0"
    source: str = ""

    def cloudevent(self) -> dict[str, object]:
        """The CloudEvents 1.0 JSON form."""
        attributes = {
            "specversion": self.specversion,
            "id": self.id,
            "source": self.source or PARTNERS[self.partner].source,
            "type": self.type,
            "time": self.time,
            "data": self.data,
        }
        return {name: value for name, value in attributes.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class Expected:
    """What ingest must answer: the verdict, the reason of a rejection, and the parts that it must drop.

    A duplicate is told from the first event of its source and id by order of sending.
    """

    verdict: Verdict
    reason: str = ""
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody sends. Keys are (partner, local id), or (partner, event id) where the partner gives no local id."""

    people: Mapping[tuple[str, str], str]
    places: Mapping[tuple[str, str], str]
    organisations: Mapping[tuple[str, str], str]
    households: Mapping[str, str]
