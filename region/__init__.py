"""A synthetic region with known truth: people, places, partners and the dirt of real data; the same for the same seed.

    region = generate(seed=1)
    for event, expected in zip(region.events, region.expected): …

``region.events`` is what partners send, in the order of sending; ``region.expected`` is what must become of each;
``region.truth`` is who is who, and ``region.outcomes`` what becomes of the young people. Neither is in any event.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from region import stream
from region.events import Event, Expected, Truth
from region.export import write_events, write_truth
from region.happenings import Window, happen
from region.lives import Outcome, Pupil, lived_through, outcomes, pupils, strains
from region.publish import Publisher
from region.world import World, build

__all__ = ["Event", "Expected", "Outcome", "Region", "Truth", "generate"]

START = date(2026, 1, 5)


@dataclass(frozen=True, slots=True)
class Region:
    """A generated region. See the module for its parts."""

    world: World
    pupils: Sequence[Pupil]
    events: Sequence[Event]
    expected: Sequence[Expected]
    truth: Truth
    outcomes: Mapping[str, Outcome]
    publisher: Publisher

    def stream(self, rate: float, start: datetime) -> Iterator[tuple[Event, Expected]]:
        """What goes on being sent after the period, without end: about ``rate`` events a second from ``start``.

        Each event's ``sent`` says when to send it. Every call starts from the same place.
        """
        yield from stream.stream(self.world, self.pupils, self.publisher.copy(), rate, start)

    def export(self, folder: Path, formats: Sequence[str] = ("csv", "jsonl", "xlsx")) -> Sequence[Path]:
        """Writes a file a partner and event type, the mappings to read them with, and the truth beside them."""
        folder.mkdir(parents=True, exist_ok=True)
        truth = write_truth(folder, self.truth, self.outcomes, self.world.gazetteer)
        return [*write_events(folder, self.events, formats), *truth]


def generate(seed: int, people: int = 20_000, days: int = 90, start: date = START) -> Region:
    """The region of this seed: ``people`` people and what was sent about ``days`` days from ``start``.

    Deterministic: the same arguments give the same region on every machine. Raises ``ValueError`` for fewer than 100
    people or less than a week.
    """
    if people < 100 or days < 7:
        raise ValueError(f"a region of {people} people and {days} days is too small: ask for 100 people and 7 days")
    world = build(seed, people, start, days)
    young = pupils(world)
    happenings = list(happen(Window(world, young, strains(world, young), 0, days)))
    publisher = Publisher(world)
    sendings = publisher.publish(happenings)
    households = {person: household.id for person, household in world.household_of.items()}
    return Region(
        world=world,
        pupils=young,
        events=[event for event, _ in sendings],
        expected=[expected for _, expected in sendings],
        truth=Truth(publisher.people, publisher.places, publisher.organisations, households),
        outcomes=outcomes(world, young, lived_through(happenings, days)),
        publisher=publisher,
    )
