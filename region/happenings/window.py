"""A stretch of days in which things happen to people at known yearly rates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple, TypeVar

import numpy as np

from region.lives import Pupil
from region.people import Person
from region.places import Place
from region.world import Organisation, World

Facts = Mapping[str, object]
Thing = TypeVar("Thing")


class Happening(NamedTuple):
    """Something of a type of the vocabulary, on a day counted from the start, about up to three subjects."""

    day: int
    type: str
    facts: Facts
    person: Person | None = None
    place: Place | None = None
    organisation: Organisation | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Days ``first`` to ``end`` - 1. The window that opens the period also has the partners' stock of records."""

    world: World
    pupils: Sequence[Pupil]
    strain: Mapping[str, float]
    first: int
    end: int

    @property
    def opening(self) -> bool:
        return self.first == 0

    def days(self) -> range:
        return range(self.first, self.end)

    def date(self, day: int) -> date:
        return self.world.start + timedelta(days=day)

    def rng(self, part: str) -> Random:
        """Random numbers of this part of the happenings in this window."""
        return self.world.rng("happenings", part, self.first)

    def taught_weeks(self) -> Iterator[int]:
        """The Fridays on which a week of school ends. Every seventh week is a holiday; there is no other."""
        for day in self.days():
            if self.date(day).weekday() == 4 and (day // 7) % 7 != 6:
                yield day

    def occurrences(
        self, rng: Random, things: Sequence[Thing], a_year: Callable[[Thing], float]
    ) -> Iterator[tuple[int, Thing]]:
        """(day, thing) of a Poisson process for each thing, at its own rate a year."""
        numbers = np.random.default_rng(rng.getrandbits(64))
        length = self.end - self.first
        rates = np.fromiter((a_year(thing) for thing in things), float, len(things)) * length / 365.25
        counts = numbers.poisson(rates)
        for i in np.flatnonzero(counts).tolist():
            for _ in range(counts[i]):
                yield self.first + rng.randrange(length), things[i]
