"""What somebody could do who knows everybody: a register of all people of the synthetic region as they truly are.

Of a record that says next to nothing it tells how many people it may be of. That bounds what anybody can reach on the
region, however they link.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from region import generate
from region.people import Household, Person, age_on
from region.spellings import OTHER_SPELLINGS, SHORT_FORMS
from region.world import World
from services.linkage.reading.names import fold

NO_TELLING: Final = {"name", "given", "middle", "family", "sex", "town", "source"}
"""Fields that tell of nobody alone whose a record is."""
_ADULTS, _CHILDREN, _ANY_AGE = (18, 200), (0, 19), (0, 200)
_AGES: Final = {
    "schools": _CHILDREN, "youth-justice": _CHILDREN, "childrens-social-care": _CHILDREN, "council-tax": _ADULTS,
    "licensing": _ADULTS, "food-safety": _ADULTS, "adult-social-care": _ADULTS,
}  # fmt: skip
"""Of what age the people are whom a partner knows."""


def is_bare(identity: Mapping[str, str]) -> bool:
    """Whether a record has a name and at most one thing more that could tell whose it is."""
    return len(identity.keys() - NO_TELLING) < 2


@dataclass(frozen=True, slots=True)
class Entry:
    """All that may truly be written of one person."""

    given: frozenset[str]
    middle: str
    family: frozenset[str]
    age: int
    values: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, person: Person, household: Household, world: World) -> "Entry":
        family = {part for name in (person.family, person.birth_family) for part in (name, *name.split("-")) if part}
        numbers = {household.landline, *(member.mobile for member in household.members)}
        phones = frozenset(f"+44{number.replace(' ', '')[1:]}" for number in numbers if number)
        return cls(
            frozenset(_forms([person.given, person.middle], SHORT_FORMS)),
            fold(person.middle),
            frozenset(_forms(family, OTHER_SPELLINGS)),
            age_on(person.birth_date, world.start),
            {
                "sex": frozenset([person.sex]), "birth_date": frozenset([person.birth_date.isoformat()]),
                "postcode": frozenset([household.place.postcode]), "phone": phones, "mobile": phones,
                "address": frozenset(map(fold, (household.place.address, household.place.welsh))),
                "email": frozenset(member.email for member in household.members),
            },
        )  # fmt: skip

    def may_be(self, identity: Mapping[str, str]) -> bool:
        """Whether nothing that the record says speaks against this person."""
        youngest, oldest = _AGES.get(identity["source"].partition("/")[0], _ANY_AGE)
        given, middle, family = (fold(identity.get(name, "")) for name in ("given", "middle", "family"))
        return (
            youngest <= self.age <= oldest
            and (not family or family in self.family)
            and (not given or any(_stands_for(given, name) for name in self.given))
            and (not middle or not self.middle or middle[0] == self.middle[0])
            and all(
                _written(field, identity[field]) in held for field, held in self.values.items() if field in identity
            )
        )


class Register:
    """Everybody of the region with this seed."""

    def __init__(self, seed: int) -> None:
        world = generate(seed=seed).world
        self._entries = {one.id: Entry.of(one, world.household_of[one.id], world) for one in world.people}

    def may_be_of(self, identity: Mapping[str, str], person: str) -> int:
        """How many people the record may be of; 1 if only of ``person``, whose it is however it is written."""
        return 1 + sum(entry.may_be(identity) for id, entry in self._entries.items() if id != person)


def reachable(chances: Sequence[float]) -> float:
    """The best F1 that can be expected of whoever finds each true pair with this chance, and else joins a wrong one;
    or leaves out those below some chance."""
    return max(_expected(chances, [one for one in chances if one >= least]) for least in set(chances))


def _expected(chances: Sequence[float], joined: Sequence[float]) -> float:
    return 2 * sum(joined) / (len(joined) + len(chances))


def _forms(names: Iterable[str], table: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in names:
        yield from map(fold, (name, *table.get(name, ())))


def _stands_for(written: str, name: str) -> bool:
    return written == name or (len(written) == 1 and name.startswith(written))


def _written(field: str, value: str) -> str:
    return fold(value) if field == "address" else value
