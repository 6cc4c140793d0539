"""Police, fire and rescue, ambulance, youth justice."""

from collections.abc import Iterator
from math import exp

from region.happenings.window import Happening, Window
from region.people import Person, age_on

_CATEGORIES = ("violence", "theft", "damage", "antisocial", "harassment", "burglary", "vehicle", "drugs", "fraud")


def happen(window: Window) -> Iterator[Happening]:
    """Incidents with people and at places."""
    yield from _police(window)
    yield from _missing(window)
    yield from _nuisance(window)
    yield from _fire(window)
    yield from _ambulance(window)
    yield from _justice(window)


def _police(window: Window) -> Iterator[Happening]:
    rng, start = window.rng("police"), window.world.start

    def a_year(person: Person) -> float:
        age = age_on(person.birth_date, start)
        if age < 10:
            return 0.01
        young = 1.6 if 14 <= age < 30 else 0.35 if age > 65 else 1.0
        return 0.11 * young * exp(0.75 * window.strain[person.id])

    for day, person in window.occurrences(rng, window.world.people, a_year):
        home = window.world.history.home(person, day)[1]
        place = home if rng.random() < 0.5 else rng.choice(window.world.gazetteer.premises)
        facts = {
            "category": rng.choice(_CATEGORIES),
            "role": rng.choice(("victim", "victim", "suspect", "suspect", "witness")),
            "domestic": place is home and rng.random() < 0.35,
            "alcohol": rng.random() < 0.3,
        }
        yield Happening(day, "police.incident.v1", facts, person, place)


def _missing(window: Window) -> Iterator[Happening]:
    rng = window.rng("missing")
    older = [pupil for pupil in window.pupils if pupil.year >= 6]
    for day, pupil in window.occurrences(rng, older, lambda pupil: 0.03 * exp(1.3 * pupil.strain + 0.4 * pupil.care)):
        facts = {"hours": rng.randrange(2, 60), "risk": rng.choice(("low", "medium", "medium", "high"))}
        yield Happening(day, "police.missing.v1", facts, pupil.person)


def _nuisance(window: Window) -> Iterator[Happening]:
    rng, hot = window.rng("nuisance"), window.world.rng("hot places")
    homes = window.world.gazetteer.homes
    places = hot.sample(list(homes), max(2, len(homes) // 150))
    for day, place in window.occurrences(rng, places, lambda place: 8.0):
        facts = {"category": rng.choice(("noise", "litter", "parties", "parking", "fly-tipping")), "repeat": True}
        yield Happening(day, "police.nuisance.v1", facts, None, place)
    for day, place in window.occurrences(rng, homes, lambda place: 0.02):
        yield Happening(day, "police.nuisance.v1", {"category": "noise", "repeat": False}, None, place)


def _fire(window: Window) -> Iterator[Happening]:
    rng, households = window.rng("fire"), window.world.households
    for day, household in window.occurrences(rng, households, lambda household: 0.02 * exp(0.5 * household.hardship)):
        facts = {
            "category": rng.choice(("kitchen", "electrical", "chimney", "rubbish", "smoke only")),
            "accidental": rng.random() < 0.9,
            "alarm_worked": rng.random() < 0.6,
            "casualties": int(rng.random() < 0.08),
        }
        yield Happening(day, "fire.incident.v1", facts, None, household.place)
    for day, household in window.occurrences(rng, households, lambda h: 0.25 if h.kind.endswith("old") else 0.04):
        person = household.members[0]
        visit = {
            "alarms": rng.randrange(0, 5),
            "hoarding": rng.random() < 0.03,
            "smoker": rng.random() < 0.2,
            "mobility": household.kind.endswith("old") and rng.random() < 0.35,
        }
        yield Happening(day, "fire.visit.v1", visit, person, window.world.history.home(person, day)[1])


def _ambulance(window: Window) -> Iterator[Happening]:
    rng, start = window.rng("ambulance"), window.world.start

    def a_year(person: Person) -> float:
        age = age_on(person.birth_date, start)
        return 0.05 if age < 60 else 0.02 * exp((age - 60) / 12) + 0.08

    for day, person in window.occurrences(rng, window.world.people, a_year):
        old = age_on(person.birth_date, start) > 70
        facts = {
            "category": rng.randrange(1, 5),
            "fall": rng.random() < (0.35 if old else 0.06),
            "conveyed": rng.random() < 0.65,
            "minutes": rng.randrange(4, 120),
        }
        yield Happening(day, "ambulance.callout.v1", facts, person, window.world.history.home(person, day)[1])


def _justice(window: Window) -> Iterator[Happening]:
    """Those under an order are seen about once a week; others come in and out with a warning."""
    rng = window.rng("justice")
    under_order = [pupil for pupil in window.pupils if pupil.order]
    for day, pupil in window.occurrences(rng, under_order, lambda pupil: 45.0):
        facts = {"kind": rng.choice(("visit", "office", "reparation", "telephone")), "attended": rng.random() < 0.75}
        yield Happening(day, "justice.contact.v1", facts, pupil.person)
    older = [pupil for pupil in window.pupils if pupil.year >= 6]
    for day, pupil in window.occurrences(rng, older, lambda pupil: 0.02 * exp(1.1 * pupil.strain) + pupil.order):
        outcome = {
            "kind": rng.choice(("caution", "referral order", "community resolution")),
            "weeks": rng.randrange(0, 52),
        }
        yield Happening(day, "justice.outcome.v1", outcome, pupil.person)
