"""What partners go on sending after the period: the same processes week by week, at a pace that suits a page."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from region.events import Event, Expected
from region.happenings import Window, happen
from region.lives import Pupil, strains
from region.publish import Publisher
from region.vocabulary import EVENT_TYPES
from region.world import World


def stream(
    world: World, pupils: Sequence[Pupil], publisher: Publisher, rate: float, start: datetime
) -> Iterator[tuple[Event, Expected]]:
    """Weeks without end, each shuffled, so that a week of attendance does not come in one block.

    Events are re-dated to when they are sent, so that a day of the region may pass in minutes of the clock and nothing
    lies in the future.
    """
    rng, sent, day = world.rng("stream"), start, world.days
    strain = strains(world, pupils)
    while True:
        week = publisher.publish(happen(Window(world, pupils, strain, day, day + 7)))
        week = [sending for sending in week if sending[1].verdict != "duplicate"]
        rng.shuffle(week)
        for event, expected in week:
            sent += timedelta(seconds=rng.expovariate(rate))
            yield _redated(event, expected, sent, rng.expovariate(1 / 20)), expected
        day += 7


def _redated(event: Event, expected: Expected, sent: datetime, ago: float) -> Event:
    """The event as of now; a time that is itself the fault stays."""
    faulty_time = expected.reason.startswith("time_") or event.time == ""
    time = event.time if faulty_time else (sent - timedelta(seconds=ago)).isoformat()
    data = event.data
    if event.type in EVENT_TYPES and isinstance(data, dict) and "facts" in data:
        dates = [name for name, kind in EVENT_TYPES[event.type].facts.items() if kind == "date"]
        today = sent.date().isoformat()
        data = {**data, "facts": {**data["facts"], **{name: today for name in dates if name in data["facts"]}}}
    return replace(event, time=time, sent=sent, data=data)
