"""What changes in the period: households move, young people leave home, couples marry. Nobody tells all partners."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from region.people import Household, Person, Settlement, age_on
from region.places import Place

MOVES_A_YEAR = 0.11
LEAVERS_A_YEAR = 0.18
MARRIAGES_A_YEAR = 0.06


@dataclass(frozen=True, slots=True)
class Move:
    """People of one household who go to a new address on a day (days since the start)."""

    day: int
    people: tuple[Person, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class History:
    """Where each person lives and what they are called, by day.

    A history is a tuple of the days of change and one of what holds from each; before the first change the first holds.
    """

    homes: Mapping[str, tuple[tuple[int, ...], tuple[Place, ...]]]
    names: Mapping[str, tuple[tuple[int, ...], tuple[Person, ...]]]
    moves: Sequence[Move]

    def home(self, person: Person, day: int) -> tuple[int, Place]:
        """How many moves there have been up to this day, and the address."""
        days, places = self.homes[person.id]
        i = bisect_right(days, day)
        return i, places[i]

    def name(self, person: Person, day: int) -> tuple[int, Person]:
        """How many times the name has changed up to this day, and the person as they are called then."""
        if person.id not in self.names:
            return 0, person
        days, names = self.names[person.id]
        i = bisect_right(days, day)
        return i, names[i]


def changes(
    rng: Random,
    households: Sequence[Household],
    vacant: Sequence[Place],
    settlement: Settlement,
    start: date,
    days: int,
) -> History:
    """Draws the moves and marriages of ``days`` days. A home that is left is let to the next who move."""
    free = list(vacant)
    moves: list[Move] = []
    names: dict[str, tuple[tuple[int, ...], tuple[Person, ...]]] = {}
    for household in households:
        if household.tenure == "communal":
            continue
        if free and rng.random() < _restlessness(household) * days / 365:
            moves.append(_move(rng, days, household.members, free, household.place))
        elif free and (leavers := list(_leavers(rng, household, start, days))):
            moves.append(_move(rng, days, leavers, free, None))
        if household.kind in ("couple_young", "family") and rng.random() < MARRIAGES_A_YEAR * days / 365 * 4:
            names.update(_marriage(rng, household, settlement, days))
    homes = {person.id: ((), (household.place,)) for household in households for person in household.members}
    return History(_moved(homes, moves), names, sorted(moves, key=lambda move: move.day))


def _restlessness(household: Household) -> float:
    """Moves a year: those who rent and those whom life is hard on move more."""
    rented, hard = household.tenure == "private", household.hardship > 1
    return MOVES_A_YEAR * (2.2 if rented else 1.0) * (1.4 if hard else 1.0)


def _move(rng: Random, days: int, people: Sequence[Person], free: list[Place], left: Place | None) -> Move:
    place = free.pop(rng.randrange(len(free)))
    if left is not None:
        free.append(left)
    return Move(rng.randrange(days), tuple(people), place)


def _leavers(rng: Random, household: Household, start: date, days: int) -> Iterator[Person]:
    """Grown children of a family who find a place of their own."""
    if household.kind in ("family", "lone_parent"):
        for person in household.members[1:]:
            if 18 <= age_on(person.birth_date, start) <= 25 and rng.random() < LEAVERS_A_YEAR * days / 365:
                yield person


def _marriage(
    rng: Random, household: Household, settlement: Settlement, days: int
) -> Iterator[tuple[str, tuple[tuple[int, ...], tuple[Person, ...]]]]:
    one, other = household.members[1], household.members[0]
    if one.birth_family or one.family == other.family or one.sex == other.sex:
        return
    wed = settlement.married(one, other)
    if wed.family != one.family:
        yield one.id, ((rng.randrange(days),), (one, replace(wed, birth_family=one.family)))


def _moved(
    homes: dict[str, tuple[tuple[()], tuple[Place]]], moves: Sequence[Move]
) -> Mapping[str, tuple[tuple[int, ...], tuple[Place, ...]]]:
    found: dict[str, tuple[tuple[int, ...], tuple[Place, ...]]] = dict(homes)
    for move in moves:
        for person in move.people:
            found[person.id] = ((move.day,), (homes[person.id][1][0], move.place))
    return found
