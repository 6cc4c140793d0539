"""Tenancies, arrears, repairs and moves in social housing; council tax accounts and arrears."""

from collections.abc import Iterator

from region.happenings.window import Happening, Window
from region.people import Household
from region.places import Place

ARREARS_EVERY = 28


def happen(window: Window) -> Iterator[Happening]:
    """The stock of tenancies and accounts at the opening, then what changes."""
    if window.opening:
        yield from _tenancies(window)
        yield from _accounts(window)
    yield from _moves(window)
    yield from _arrears(window)
    yield from _repairs(window)


def _role(place_in_household: int, household: Household) -> str:
    grown = household.kind not in ("single_young", "single_middle", "single_old", "lone_parent")
    return "tenant" if place_in_household == 0 else "partner" if place_in_household == 1 and grown else "occupant"


def _social(window: Window) -> list[Household]:
    return [household for household in window.world.households if household.tenure == "social"]


def _tenancies(window: Window) -> Iterator[Happening]:
    rng = window.rng("tenancies")
    for household in _social(window):
        started = window.date(-rng.randrange(30, 6000)).isoformat()
        for i, person in enumerate(household.members):
            facts = {
                "role": _role(i, household),
                "tenure": "social rent",
                "started": started,
                "occupants": len(household.members),
            }
            yield Happening(rng.randrange(4), "housing.tenancy.v1", facts, person, household.place)


def _account(window: Window, household: Household, place: Place, day: int, opened: str, band: str) -> Happening:
    grown = [person for person in household.members if person.nino]
    facts = {
        "band": band,
        "occupants": len(household.members),
        "single_discount": len(grown) <= 1,
        "student_exempt": household.kind == "hall",
        "opened": opened,
    }
    return Happening(day, "tax.account.v1", facts, household.members[0], place)


def _accounts(window: Window) -> Iterator[Happening]:
    rng = window.rng("accounts")
    for household in window.world.households:
        opened = window.date(-rng.randrange(30, 8000)).isoformat()
        yield _account(window, household, household.place, rng.randrange(7), opened, rng.choice("AABBCCDDEFG"))


def _moves(window: Window) -> Iterator[Happening]:
    """Those who move to or from social housing are reported by the landlord; a new account is opened by who pays."""
    rng = window.rng("moves")
    for move in window.world.history.moves:
        household = window.world.household_of[move.people[0].id]
        reason = rng.choice(("transfer", "family size", "eviction" if household.hardship > 1 else "work", "other"))
        told = move.day + rng.randrange(1, 6)
        if not window.first <= told < window.end:
            continue
        if household.tenure == "social":
            for i, person in enumerate(move.people):
                moved = window.date(move.day).isoformat()
                facts = {"role": _role(i, household), "reason": reason, "moved": moved}
                yield Happening(told, "housing.move.v1", facts, person, move.place)
        if move.people[0] is household.members[0]:
            yield _account(window, household, move.place, told, window.date(move.day).isoformat(), rng.choice("ABCD"))


def _arrears(window: Window) -> Iterator[Happening]:
    """Every four weeks, of those who are behind: rent by the landlord for each occupant, tax by the council."""
    standing = window.world.rng("arrears")
    behind = {h.id: h.hardship + standing.gauss(0, 0.7) for h in window.world.households if h.tenure != "communal"}
    rng = window.rng("arrears")
    for day in window.days():
        if day % ARREARS_EVERY != 10:
            continue
        for household in window.world.households:
            level = behind.get(household.id, -1.0)
            if level > 1.0 and household.tenure == "social":
                weeks = max(1, round(rng.gauss(3 * level, 1)))
                amount = round(weeks * rng.uniform(85, 120), 2)
                place = window.world.history.home(household.members[0], day)[1]
                for i, person in enumerate(household.members):
                    facts = {"role": _role(i, household), "weeks": weeks, "amount": amount, "notice": weeks > 6}
                    yield Happening(day, "housing.arrears.v1", facts, person, place)
            if level > 1.2:
                months = rng.randrange(1, 7)
                due = {"months": months, "amount": round(months * rng.uniform(110, 190), 2), "summons": months > 3}
                place = window.world.history.home(household.members[0], day)[1]
                yield Happening(day, "tax.arrears.v1", due, household.members[0], place)


def _repairs(window: Window) -> Iterator[Happening]:
    rng = window.rng("repairs")
    for day, household in window.occurrences(rng, _social(window), lambda household: 2.2):
        category = rng.choice(("heating", "plumbing", "roof", "electrics", "damp", "doors"))
        facts = {"category": category, "damp": category == "damp", "priority": rng.randrange(1, 5)}
        place = window.world.history.home(household.members[0], day)[1]
        yield Happening(day, "housing.repair.v1", facts, household.members[0], place)
