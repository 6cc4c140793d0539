"""The region as it is, before any partner writes any of it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Literal

from region.changes import History, changes
from region.numbers import Numbers
from region.people import Household, Person, Settlement, age_on
from region.places import Gazetteer, Place, lay_out

Trade = Literal["takeaway", "restaurant", "pub", "shop", "letting", "garage"]

_TRADES: Mapping[Trade, tuple[int, tuple[str, ...]]] = {
    "takeaway": (22, ("{} Fish Bar", "{}'s Kebab House", "{} Pizza", "Golden Dragon {}", "Siop Sglodion {}")),
    "restaurant": (18, ("The {} Kitchen", "{}'s Restaurant", "Bwyty {}", "{} Tandoori", "Caffi {}")),
    "pub": (14, ("The {} Arms", "The {} Inn", "Tafarn {}", "The Red Lion, {}")),
    "shop": (26, ("{} Stores", "{} & Sons", "{} Butchers", "Siop {}", "{} and Daughter", "{} Off Licence")),
    "letting": (10, ("{} Lettings", "{} Property", "Tai {}")),
    "garage": (10, ("{} Motors", "{} Tyres and Exhausts", "Garej {}")),
}
_LEGAL_FORMS = ("", "", "", " Ltd", " Ltd", " Limited", " LLP")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A business: who runs it and where."""

    id: str
    name: str
    trade: Trade
    company_number: str
    phone: str
    email: str
    place: Place
    owner: Person


@dataclass(frozen=True, slots=True)
class World:
    """People in households at places, businesses, and what changes in ``days`` days from ``start``."""

    seed: int
    start: date
    days: int
    gazetteer: Gazetteer
    households: Sequence[Household]
    household_of: Mapping[str, Household]
    people: Sequence[Person]
    organisations: Sequence[Organisation]
    history: History

    def rng(self, *of: object) -> Random:
        """Random numbers of their own for each part, so that a change in one part leaves the others as they were."""
        return Random("/".join(str(part) for part in (self.seed, *of)))  # noqa: S311 - not for secrets


def build(seed: int, people: int, start: date, days: int) -> World:
    """A world of exactly ``people`` people."""
    gazetteer = lay_out(Random(f"{seed}/places"), max(30, round(people * 0.42)))  # noqa: S311
    settlement = Settlement(Random(f"{seed}/people"), gazetteer, start)  # noqa: S311
    households = settlement.settle(people)
    lived_in = {household.place.uprn for household in households}
    vacant = [place for place in gazetteer.homes if place.uprn not in lived_in]
    history = changes(Random(f"{seed}/changes"), households, vacant, settlement, start, days)  # noqa: S311
    members = [person for household in households for person in household.members]
    return World(
        seed=seed,
        start=start,
        days=days,
        gazetteer=gazetteer,
        households=households,
        household_of={person.id: household for household in households for person in household.members},
        people=members,
        organisations=_organisations(Random(f"{seed}/organisations"), gazetteer, members, start),  # noqa: S311
        history=history,
    )


def _organisations(rng: Random, gazetteer: Gazetteer, people: Sequence[Person], start: date) -> Sequence[Organisation]:
    """One business at each of the premises, run by a grown person who often gave it their name."""
    numbers = Numbers(rng)
    grown = [person for person in people if 21 <= age_on(person.birth_date, start) < 75]
    found = []
    for n, place in enumerate(gazetteer.premises, 1):
        owner = rng.choice(grown)
        trade = rng.choices(list(_TRADES), [weight for weight, _ in _TRADES.values()])[0]
        named_after = owner.family if rng.random() < 0.6 else place.town.name
        form = rng.choice(_LEGAL_FORMS)
        found.append(
            Organisation(
                id=f"organisation-{n:05d}",
                name=rng.choice(_TRADES[trade][1]).format(named_after) + form,
                trade=trade,
                company_number=numbers.company() if form else "",
                phone=numbers.landline(),
                email=numbers.email(trade, named_after) if rng.random() < 0.8 else "",
                place=place,
                owner=owner,
            )
        )
    return found
