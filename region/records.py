"""A partner's records: what it holds of each person, place and business, as it wrote it down.

A record's errors are drawn once, from a seed of its own; when somebody moves or marries, the partner hears of it some
time later and only the fields concerned change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from region.clerk import Clerk, Fields
from region.people import Person
from region.places import Place
from region.styles import STYLES, Style
from region.world import Organisation, World

NEVER = 100_000


@dataclass(slots=True)
class Record:
    """What one partner calls one person, and when it hears of their moves and of their new name."""

    local_id: str
    move_delay: int
    name_delay: int
    written: dict[tuple[int, int], Fields]


class Ledger:
    """The records of one partner. Local ids are given in the order in which the partner first meets a subject."""

    def __init__(self, partner: str, world: World) -> None:
        self.partner, self._world = partner, world
        self._style: Style = STYLES[partner]
        self._rng = world.rng("records", partner)
        self._clerk = Clerk(partner, world)
        self._people: dict[str, list[Record]] = {}
        self._subjects: dict[str, tuple[str, Fields]] = {}

    def copy(self) -> "Ledger":
        """One that goes on from here by itself."""
        other = Ledger(self.partner, self._world)
        other._rng.setstate(self._rng.getstate())
        other._people, other._subjects = dict(self._people), dict(self._subjects)
        return other

    def person(self, person: Person, day: int, event_id: str) -> tuple[str, Fields]:
        """The local id ("" when the partner gives none) and the fields of a person as held on a day."""
        if self._style.anonymous and self._rng.random() < self._style.anonymous:
            _, place = self._world.history.home(person, day)
            return "", self._clerk.person(person, place, f"{self.partner}/{event_id}")
        records = self._people.get(person.id) or self._open(person)
        record = records[0] if len(records) == 1 or self._rng.random() < 0.6 else records[1]
        moved, place = self._world.history.home(person, day - record.move_delay)
        renamed, named = self._world.history.name(person, day - record.name_delay)
        if (moved, renamed) not in record.written:
            key = f"{self.partner}/{record.local_id}"
            record.written[moved, renamed] = self._clerk.person(named, place, key)
        return record.local_id, record.written[moved, renamed]

    def place(self, place: Place) -> tuple[str, Fields]:
        """The local id and the fields of a place."""
        return self._subject(place.uprn, "A", lambda rng: self._clerk.place(place, rng))

    def organisation(self, organisation: Organisation) -> tuple[str, Fields]:
        """The local id and the fields of a business."""
        return self._subject(organisation.id, "B", lambda rng: self._clerk.organisation(organisation, rng))

    def _open(self, person: Person) -> list[Record]:
        copies = 2 if self._rng.random() < self._style.doubled else 1
        records = self._people[person.id] = [self._record(copy) for copy in range(copies)]
        return records

    def _record(self, copy: int) -> Record:
        rng, number = self._rng, len(self._people) + 1
        local_id = f"{self._style.prefix}{number:06d}" if copy == 0 else f"{self._style.prefix}9{number:05d}"
        move_delay = NEVER if rng.random() < 0.06 else round(rng.expovariate(1 / self._style.hears))
        name_delay = NEVER if rng.random() < 0.25 else round(rng.expovariate(1 / (2 * self._style.hears)))
        return Record(local_id, move_delay, name_delay, {})

    def _subject(self, true_id: str, letter: str, write: Callable[[Random], Fields]) -> tuple[str, Fields]:
        if true_id not in self._subjects:
            local_id = f"{self._style.prefix}{letter}{len(self._subjects) + 1:05d}"
            self._subjects[true_id] = local_id, write(self._world.rng("subject", self.partner, true_id))
        return self._subjects[true_id]
