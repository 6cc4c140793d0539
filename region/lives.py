"""The young people's story: what makes a hard time at school likelier, and what becomes of them.

Each pupil has a ``strain``, a figure of about standard normal size that is never published: a part comes from the
hardship of the household, the rest is their own. Strain raises absences, exclusions, police and care contacts; those in
turn, and strain itself, raise the chance of being out of education, employment or training (NEET) afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any, Literal, Protocol

from region.people import Household, Person, year_group
from region.world import World

LAST_YEAR = 13
LATELY = 28


@dataclass(frozen=True, slots=True)
class School:
    """A school: the area it lies in decides which team is told of its pupils."""

    name: str
    area: Literal["west", "east"]
    first_year: int
    welsh: bool


SCHOOLS: Sequence[School] = (
    School("Ysgol Gynradd Aberwern", "west", 0, True),
    School("Aberwern Primary School", "west", 0, False),
    School("Llanfelin Church in Wales School", "west", 0, False),
    School("Clunbridge Primary School", "east", 0, False),
    School("Wigmoor Primary School", "east", 0, False),
    School("Ysgol Bro Arwen", "west", 7, True),
    School("Aberwern High School", "west", 7, False),
    School("Ysgol Gyfun Pontyrhedyn", "west", 7, True),
    School("Clunbridge Academy", "east", 7, False),
    School("Wigmoor School", "east", 7, False),
)


@dataclass(frozen=True, slots=True)
class Pupil:
    """A young person at school. ``care`` is the level of a plan: 0 none, 1 in need, 2 protection, 3 looked after."""

    person: Person
    household: Household
    school: School
    year: int
    strain: float
    free_meals: bool
    aln: bool
    care: int
    order: bool
    late: float


# What happened: (log-odds at the cap, cap).
EFFECTS: Mapping[str, tuple[float, float]] = {
    "sessions_missed": (3.0, 60),
    "lately_missed": (2.0, 24),
    "unauthorised": (1.2, 30),
    "sessions_late": (0.5, 25),
    "days_excluded": (1.8, 10),
    "school_moves": (0.9, 1),
    "home_moves": (0.6, 1),
    "police_missing": (1.3, 3),
    "police_incidents": (0.9, 3),
    "justice_contacts": (1.4, 8),
    "referrals": (0.8, 2),
    "attendances": (0.4, 3),
    "arrears": (0.6, 3),
    "points_below": (2.2, 30),
    "no_offer": (1.7, 1),
}
Facts = Mapping[str, Any]
_COUNTED: Mapping[str, Callable[[Facts], Sequence[tuple[str, float]]]] = {
    "education.attendance.v1": lambda f: [
        ("sessions_missed", f["sessions_missed"]),
        ("unauthorised", f["unauthorised"]),
        ("sessions_late", f["sessions_late"]),
    ],
    "education.exclusion.v1": lambda f: [("days_excluded", 10 if f["permanent"] else f["days"])],
    "education.enrolment.v1": lambda f: [("school_moves", f["reason"] != "census")],
    "education.attainment.v1": lambda f: [("points_below", max(0, f["expected"] - f["points"]) / 2)],
    "education.destination.v1": lambda f: [("no_offer", not f["offer"])],
    "housing.move.v1": lambda f: [("home_moves", 1)],
    "housing.arrears.v1": lambda f: [("arrears", 1)],
    "police.missing.v1": lambda f: [("police_missing", 1)],
    "police.incident.v1": lambda f: [("police_incidents", f["role"] != "witness")],
    "justice.contact.v1": lambda f: [("justice_contacts", 1)],
    "justice.outcome.v1": lambda f: [("justice_contacts", 2)],
    "children.referral.v1": lambda f: [("referrals", 1)],
    "hospital.attendance.v1": lambda f: [("attendances", 1)],
}  # fmt: skip


class Happened(Protocol):
    """What ``lived_through`` needs of a happening."""

    @property
    def day(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def person(self) -> Person | None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a pupil of year 9 to 13: NEET or not, and how likely that was."""

    neet: bool
    chance: float


def pupils(world: World) -> Sequence[Pupil]:
    """Everyone at school on the first day, in the order of the people."""
    rng, found = world.rng("pupils"), []
    for household in world.households:
        if household.kind in ("hall", "care_home", "shared_house"):
            continue
        for person in household.members:
            year = year_group(person.birth_date, world.start)
            strain = 0.6 * household.hardship + rng.gauss(0, 0.8)
            stays = rng.random() < (1.0 if year <= 11 else 0.85 if strain < 1 else 0.7)
            if 0 <= year <= LAST_YEAR and stays:
                found.append(_pupil(rng, person, household, year, strain))
    return found


def _pupil(rng: Random, person: Person, household: Household, year: int, strain: float) -> Pupil:
    care = 0
    if rng.random() < logistic(-4.6 + 1.25 * strain):
        care = rng.choices((1, 2, 3), (60, 22, 18))[0]
    return Pupil(
        person=person,
        household=household,
        school=_school(rng, person, household, year),
        year=year,
        strain=strain,
        free_meals=rng.random() < logistic(-1.5 + 1.1 * household.hardship),
        aln=rng.random() < logistic(-2.2 + 0.5 * strain),
        care=care,
        order=year >= 6 and rng.random() < logistic(-5.2 + 1.3 * strain),
        late=rng.random(),
    )


def _school(rng: Random, person: Person, household: Household, year: int) -> School:
    side, first_year = household.place.town.side, 7 if year >= 7 else 0
    near = [school for school in SCHOOLS if school.first_year == first_year and school.area == side]
    welsh = [school for school in near if school.welsh]
    if welsh and rng.random() < (0.85 if person.language == "cy" else 0.15):
        return rng.choice(welsh)
    return rng.choice([school for school in near if not school.welsh])


def logistic(x: float) -> float:
    """1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


def outcomes(world: World, pupils: Sequence[Pupil], lived: Mapping[str, Mapping[str, float]]) -> Mapping[str, Outcome]:
    """What becomes of each pupil of year 9 and above.

    ``lived`` has what truly happened to each person in the period: sessions missed, days excluded, and so on. About one
    in twelve becomes NEET; three quarters of the spread comes from what happened, the rest is strain and chance.
    """
    rng, found = world.rng("outcomes"), {}
    for pupil in pupils:
        if pupil.year < 9:
            continue
        life = lived.get(pupil.person.id, {})
        x = -6.0 + sum(weight * min(life.get(what, 0.0), cap) / cap for what, (weight, cap) in EFFECTS.items())
        x += (
            0.3 * (pupil.year >= 11)
            + 0.7 * pupil.aln
            + 0.45 * pupil.free_meals
            + 0.55 * pupil.care
            + 0.45 * pupil.strain
            + rng.gauss(0, 0.9)
        )
        chance = logistic(x)
        found[pupil.person.id] = Outcome(rng.random() < chance, chance)
    return found


def strains(world: World, pupils: Sequence[Pupil]) -> Mapping[str, float]:
    """A figure for everyone: a pupil's strain, or the hardship of the household."""
    found = {person.id: household.hardship for household in world.households for person in household.members}
    found.update({pupil.person.id: pupil.strain for pupil in pupils})
    return found


def lived_through(happenings: Iterable[Happened], days: int) -> Mapping[str, Mapping[str, float]]:
    """What happened to each person in ``days`` days, added up, under the names of ``EFFECTS``."""
    found: dict[str, dict[str, float]] = {}
    for happening in happenings:
        if happening.person is not None and happening.type in _COUNTED:
            life = found.setdefault(happening.person.id, {})
            for what, amount in _COUNTED[happening.type](happening.facts):
                life[what] = life.get(what, 0.0) + amount
            if happening.type == "education.attendance.v1" and happening.day >= days - LATELY:
                life["lately_missed"] = life.get("lately_missed", 0.0) + happening.facts["sessions_missed"]
    return found
