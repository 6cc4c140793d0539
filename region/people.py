"""The people of the region in their households: families, couples, twins, shared houses, care homes, halls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from region.names import COMMUNITIES, Community, Sex, given_name, surname, surname_for
from region.numbers import Numbers
from region.places import Gazetteer, Place

Tenure = Literal["own", "private", "social", "communal"]
HouseholdKind = Literal[
    "single_young", "single_middle", "single_old", "couple_young", "couple_middle", "couple_old",
    "family", "lone_parent", "three_generations", "shared_house", "care_home", "hall",
]  # fmt: skip

_KINDS: Mapping[HouseholdKind, int] = {
    "single_young": 7, "single_middle": 8, "single_old": 11, "couple_young": 9, "couple_middle": 11, "couple_old": 9,
    "family": 29, "lone_parent": 9, "three_generations": 3, "shared_house": 4,
}  # fmt: skip
_OCCUPATIONS = (
    "teacher", "nurse", "lorry driver", "farmer", "electrician", "carer", "shop assistant", "clerk", "builder", "chef",
    "plumber", "warehouse worker", "mechanic", "solicitor", "cleaner", "engineer", "barber", "postman", "unemployed",
)  # fmt: skip
_BIRTH_PLACES = (
    "Aberwern", "Aberwern", "Aberwern", "Clunbridge", "Clunbridge", "Wigmoor", "Shrewsbury", "Hereford", "Cardiff",
    "Birmingham", "Wrexham", "Liverpool", "Swansea", "Newtown", "Telford", "London", "Aberystwyth",
)  # fmt: skip
_ABROAD: Mapping[Community, tuple[str, ...]] = {
    "south_asian": ("Lahore", "Sylhet", "Mumbai", "Birmingham", "Bradford", "Aberwern"),
    "polish": ("Kraków", "Gdańsk", "Łódź", "Aberwern"),
    "other": ("Lisbon", "Bucharest", "Lagos", "Kyiv", "Manila", "London", "Aberwern"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One person as they are: the truth that partners write down well or badly. ``""`` is "has none"."""

    id: str
    household: str
    given: str
    middle: str
    family: str
    birth_family: str
    sex: Sex
    birth_date: date
    community: Community
    language: Literal["cy", "en"]
    nhs_number: str
    nino: str
    mobile: str
    email: str
    vehicle: str
    birth_place: str
    occupation: str
    pupil_number: str


@dataclass(frozen=True, slots=True)
class Household:
    """People at one address. ``hardship`` is a standard normal figure of how hard life is there; more is harder."""

    id: str
    kind: HouseholdKind
    place: Place
    tenure: Tenure
    landline: str
    hardship: float
    members: tuple[Person, ...]


def age_on(birth_date: date, day: date) -> int:
    """Whole years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def year_group(birth_date: date, day: date) -> int:
    """The school year, 0 (reception) to 13, which turns on 1 September: the age then, less 4."""
    school_year = day.year - (day.month < 9)
    return school_year - birth_date.year - 4 - (birth_date.month >= 9)


class Settlement:
    """Fills the addresses of a gazetteer with people until there are as many as wanted."""

    def __init__(self, rng: Random, gazetteer: Gazetteer, start: date) -> None:
        self._rng, self._gazetteer, self._start = rng, gazetteer, start
        self._numbers = Numbers(rng)
        self._people = 0

    def settle(self, people: int) -> Sequence[Household]:
        """Households, institutions first; exactly ``people`` people in all."""
        rng, found = self._rng, list[Household]()
        homes = iter(rng.sample(list(self._gazetteer.homes), len(self._gazetteer.homes)))
        kinds, weights = list(_KINDS), list(_KINDS.values())
        institutions = (*self._gazetteer.care_homes, *self._gazetteer.halls)
        found.extend(self._institution(place, people) for place in institutions)
        while self._people < people:
            household = self._household(rng.choices(kinds, weights)[0], next(homes))
            surplus = max(0, self._people - people)
            self._people -= surplus
            found.append(replace(household, members=household.members[: len(household.members) - surplus]))
        return [household for household in found if household.members]

    # --- kinds of household

    def _household(self, kind: HouseholdKind, place: Place) -> Household:
        rng, id = self._rng, f"household-{self._people:06d}"
        community = self._community(place)
        hardship = rng.gauss(0.35 if kind == "lone_parent" else 0, 1)
        tenure: Tenure = rng.choices(("own", "private", "social"), _tenure_weights(kind, hardship))[0]
        members = self._members(kind, community, id)
        landline = self._numbers.landline() if rng.random() < (0.75 if kind.endswith("old") else 0.5) else ""
        return Household(id, kind, place, tenure, landline, hardship, tuple(members))

    def _institution(self, place: Place, people: int) -> Household:
        """A care home of two to four dozen, or a hall of a hundred and more; smaller in a small region."""
        rng, kind = self._rng, "care_home" if place.kind == "care_home" else "hall"
        id, old = f"household-{kind}-{self._people:06d}", kind == "care_home"
        residents = min(rng.randrange(24, 42), people // 40) if old else min(rng.randrange(110, 170), people // 30)
        ages = (76, 99) if old else (18, 22)
        members = tuple(self._person(id, self._community(place), rng.randrange(*ages)) for _ in range(residents))
        landline = self._numbers.landline()
        return Household(id, "care_home" if old else "hall", place, "communal", landline, rng.gauss(0, 0.5), members)

    def _members(self, kind: HouseholdKind, community: Community, id: str) -> list[Person]:
        rng = self._rng
        match kind:
            case "single_young":
                return [self._person(id, community, rng.randrange(19, 36))]
            case "single_middle":
                return [self._person(id, community, rng.randrange(36, 66))]
            case "single_old":
                return [self._person(id, community, rng.randrange(66, 97))]
            case "couple_young":
                return self._couple(id, community, rng.randrange(20, 38))
            case "couple_middle":
                return self._couple(id, community, rng.randrange(40, 66))
            case "couple_old":
                return self._couple(id, community, rng.randrange(64, 92))
            case "shared_house":
                sharers = range(rng.randrange(3, 8))
                return [self._person(id, self._any_community(), rng.randrange(19, 45)) for _ in sharers]
            case "three_generations":
                family = self._family(id, community, rng.randrange(26, 46))
                elder = self._person(id, community, rng.randrange(66, 90), family=family[0].family)
                return [elder, *family]
            case "lone_parent":
                parent = self._person(id, community, rng.randrange(20, 50), sex="F" if rng.random() < 0.86 else "M")
                return [parent, *self._children(id, [parent])]
            case _:
                return self._family(id, community, rng.randrange(22, 52))

    def _family(self, id: str, community: Community, age: int) -> list[Person]:
        couple = self._couple(id, community, age)
        return [*couple, *self._children(id, couple)]

    def _couple(self, id: str, community: Community, age: int) -> list[Person]:
        """A man and a woman, nineteen times in twenty; married three times in four, and then mostly of one name."""
        rng = self._rng
        sexes: tuple[Sex, Sex] = ("M", "F") if rng.random() < 0.95 else rng.choice((("F", "F"), ("M", "M")))
        first = self._person(id, community, age, sex=sexes[0])
        partner_community = community if rng.random() < 0.75 else self._any_community()
        second = self._person(id, partner_community, max(19, round(rng.gauss(age - 2, 4))), sex=sexes[1])
        if rng.random() < 0.75:
            second = self.married(second, first)
        return [first, second]

    def married(self, one: Person, other: Person) -> Person:
        """``one`` under the name borne after marrying ``other``: theirs, both with a hyphen, or unchanged."""
        chance = self._rng.random()
        if chance < 0.84:
            taken = surname_for(other.family, other.community, one.sex)
            return replace(one, family=taken, birth_family=one.family) if taken != one.family else one
        if chance < 0.91:
            return replace(one, family=f"{one.family}-{other.family}", birth_family=one.family)
        return one

    def _children(self, id: str, parents: Sequence[Person]) -> list[Person]:
        rng, found = self._rng, list[Person]()
        mother_age = min(age_on(parent.birth_date, self._start) for parent in parents)
        age = rng.randrange(max(0, min(mother_age - 36, 17)), max(1, min(mother_age - 18, 22)))
        for _ in range(rng.choices((1, 2, 3, 4), (34, 42, 17, 7))[0]):
            if age < 0:
                break
            found.append(self._child(id, parents, age, found))
            if rng.random() < 0.025:
                found.append(self._twin(found[-1]))
            age -= rng.choices((1, 2, 3, 4, 6), (15, 34, 26, 16, 9))[0]
        return found

    def _child(self, id: str, parents: Sequence[Person], age: int, siblings: Sequence[Person]) -> Person:
        rng, father = self._rng, parents[0]
        community = parents[-1].community if rng.random() < 0.5 else father.community
        chance, family = rng.random(), siblings[0].family if siblings else father.family
        if chance < 0.04:
            family = parents[-1].family
        elif chance < 0.07 and len(parents) == 2 and "-" not in father.family + parents[1].family:
            family = f"{parents[1].birth_family or parents[1].family}-{father.family}"
        elif chance < 0.12:
            family = surname(rng, community)
        child = self._person(id, community, age, family=family)
        if child.sex == father.sex and rng.random() < 0.035 and father.given not in {s.given for s in siblings}:
            return replace(child, given=father.given)
        taken = {sibling.given for sibling in siblings}
        while child.given in taken:
            child = replace(child, given=given_name(rng, community, child.sex, child.birth_date.year))
        return replace(child, language=parents[-1].language if rng.random() < 0.8 else child.language)

    def _twin(self, child: Person) -> Person:
        """The other twin: born the same day to the same name, often with the same initial."""
        sex: Sex = child.sex if self._rng.random() < 0.66 else "F" if child.sex == "M" else "M"
        twin = self._person(child.household, child.community, 0, family=child.family, sex=sex)
        for _ in range(6 if self._rng.random() < 0.5 else 1):
            if twin.given != child.given and twin.given[0] == child.given[0]:
                break
            twin = replace(twin, given=given_name(self._rng, child.community, sex, child.birth_date.year))
        if twin.given == child.given:
            twin = replace(twin, given=f"{twin.given}-Rose" if sex == "F" else f"{twin.given}-Lee")
        grown = child.nino != ""
        return replace(
            twin,
            birth_date=child.birth_date,
            language=child.language,
            nino=self._numbers.nino() if grown else "",
            mobile=self._numbers.mobile() if child.mobile else "",
            pupil_number=self._numbers.pupil() if child.pupil_number else "",
        )

    # --- one person

    def _community(self, place: Place) -> Community:
        """Welsh names are commoner west of the border."""
        community = self._any_community()
        if community == "english" and place.town.side == "west" and self._rng.random() < 0.35:
            return "welsh"
        return (
            "english" if community == "welsh" and place.town.side == "east" and self._rng.random() < 0.7 else community
        )

    def _any_community(self) -> Community:
        return self._rng.choices(list(COMMUNITIES), list(COMMUNITIES.values()))[0]

    def _person(
        self, household: str, community: Community, age: int, *, sex: Sex | None = None, family: str = ""
    ) -> Person:
        rng, numbers = self._rng, self._numbers
        sex = sex or ("F" if rng.random() < 0.505 else "M")
        born = self._start - timedelta(days=round(age * 365.25) + rng.randrange(1, 365))
        given = given_name(rng, community, sex, born.year)
        family = surname_for(family or surname(rng, community), community, sex)
        middle = given_name(rng, community, sex, born.year - 25) if rng.random() < 0.55 else ""
        self._people += 1
        return Person(
            id=f"person-{self._people:06d}",
            household=household,
            given=given,
            middle="" if middle == given else middle,
            family=family,
            birth_family="",
            sex=sex,
            birth_date=born,
            community=community,
            language="cy" if community == "welsh" and rng.random() < 0.45 else "en",
            nhs_number=numbers.nhs(),
            nino=numbers.nino() if age >= 16 else "",
            mobile=numbers.mobile() if age >= 12 and rng.random() < (0.97 if age < 70 else 0.6) else "",
            email=numbers.email(given, family) if age >= 16 and rng.random() < (0.9 if age < 70 else 0.5) else "",
            vehicle=numbers.vehicle() if age >= 18 and rng.random() < 0.6 else "",
            birth_place=rng.choice(_ABROAD.get(community, _BIRTH_PLACES)),
            occupation=rng.choice(_OCCUPATIONS) if 18 <= age < 67 else "student" if age < 18 else "retired",
            pupil_number=numbers.pupil() if 4 <= age <= 18 else "",
        )


def _tenure_weights(kind: HouseholdKind, hardship: float) -> tuple[int, int, int]:
    """Own, private rent, social rent, in per cent; hardship moves households out of the first."""
    if kind == "shared_house":
        return 5, 90, 5
    social = max(4, min(60, round(17 + 14 * hardship)))
    return max(5, 80 - social), 20, social
