"""From what happens to what is sent: each partner writes it down its own way, late, twice, or wrongly."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import count
from random import Random

from region import faults
from region.events import Event, Expected
from region.happenings import Happening
from region.records import Ledger
from region.styles import STYLES
from region.vocabulary import EXPIRED, PARTNERS
from region.world import World

_PARTNER_OF = {event.name: partner.name for partner in PARTNERS.values() for event in partner.events}
_ROUND_THE_CLOCK = ("police", "fire", "ambulance", "hospital")
_DAY = 86_400
Sending = tuple[Event, Expected]
Key = tuple[str, str]


class Publisher:
    """All partners at their desks. Keeps the true identity behind every local id that has been sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.rng("publish")
        self._ledgers = {name: Ledger(name, world) for name in PARTNERS}
        self._sent = dict.fromkeys(PARTNERS, 0)
        self._midnight = datetime.combine(world.start, time(), UTC)
        self.people: dict[Key, str] = {}
        self.places: dict[Key, str] = {}
        self.organisations: dict[Key, str] = {}

    def copy(self) -> "Publisher":
        """One that goes on from here by itself; what it learns of local ids it writes into the same books."""
        other = Publisher.__new__(Publisher)
        other._world, other._midnight, other._rng = self._world, self._midnight, Random()  # noqa: S311
        other._rng.setstate(self._rng.getstate())
        other._ledgers = {name: ledger.copy() for name, ledger in self._ledgers.items()}
        other._sent = dict(self._sent)
        other.people, other.places, other.organisations = self.people, self.places, self.organisations
        return other

    def publish(self, happenings: Iterable[Happening]) -> list[Sending]:
        """Everything that is sent about these happenings, in the order of sending."""
        tie = count()
        timed = sorted((self._moment(happening), next(tie), happening) for happening in happenings)
        sendings: list[Sending] = []
        for seconds, _, happening in timed:
            sendings.extend(self._sendings(seconds, happening))
        return sorted(sendings, key=lambda sending: sending[0].sent)

    def _moment(self, happening: Happening) -> int:
        """Seconds since the start: at any hour for those who never close, else in office hours."""
        open_all_hours = _PARTNER_OF[happening.type] in _ROUND_THE_CLOCK
        second = self._rng.randrange(_DAY) if open_all_hours else 8 * 3600 + self._rng.randrange(10 * 3600)
        return happening.day * _DAY + second

    def _sendings(self, seconds: int, happening: Happening) -> Iterator[Sending]:
        """The event itself, perhaps sent again, perhaps with a faulty one beside it."""
        rng = self._rng
        event = self._event(seconds, happening)
        if event.partner == EXPIRED:
            yield event, Expected("rejected", "agreement_ended")
            return
        expected = Expected("accepted")
        if rng.random() < 0.03:
            event, expected = faults.surplus(rng, event)
        yield event, expected
        if rng.random() < 0.008:
            yield faults.again(rng, event), Expected("duplicate")
        if rng.random() < 0.03:
            yield faults.faulty(rng, event, self._next_id(event.partner))

    def _next_id(self, partner: str) -> str:
        self._sent[partner] += 1
        return f"{STYLES[partner].prefix}-{self._sent[partner]:07d}"

    def _event(self, seconds: int, happening: Happening) -> Event:
        partner = _PARTNER_OF[happening.type]
        id, ledger = self._next_id(partner), self._ledgers[partner]
        data: dict[str, object] = {}
        if happening.person is not None:
            local_id, fields = ledger.person(happening.person, happening.day, id)
            self.people[partner, local_id or id] = happening.person.id
            data["person"] = {"id": local_id, **fields} if local_id else fields
        if happening.place is not None:
            local_id, fields = ledger.place(happening.place)
            self.places[partner, local_id] = happening.place.uprn
            data["place"] = {"id": local_id, **fields}
        if happening.organisation is not None:
            local_id, fields = ledger.organisation(happening.organisation)
            self.organisations[partner, local_id] = happening.organisation.id
            data["organisation"] = {"id": local_id, **fields}
        data["facts"] = happening.facts
        moment = self._midnight + timedelta(seconds=seconds)
        return Event(partner, id, happening.type, moment.isoformat(), moment + self._delay(), data)

    def _delay(self) -> timedelta:
        """Most are sent within hours; three in a hundred some days late."""
        if self._rng.random() < 0.03:
            return timedelta(days=self._rng.uniform(1, 10))
        return timedelta(hours=self._rng.expovariate(1 / 3))
