"""Hospital, children's social care, adult social care."""

from collections.abc import Iterator
from math import exp

from region.happenings.window import Happening, Window
from region.people import Person, age_on

_SOURCES = ("school", "police", "health visitor", "family", "hospital", "neighbour")


def happen(window: Window) -> Iterator[Happening]:
    """Attendances, referrals, plans, contacts, services."""
    yield from _hospital(window)
    yield from _children(window)
    yield from _adults(window)


def _hospital(window: Window) -> Iterator[Happening]:
    rng, world = window.rng("hospital"), window.world
    age = {person.id: age_on(person.birth_date, world.start) for person in world.people}

    def emergencies(person: Person) -> float:
        return 0.2 * exp(0.3 * window.strain[person.id]) + max(0, age[person.id] - 55) * 0.01

    for day, person in window.occurrences(rng, world.people, emergencies):
        facts = {
            "department": rng.choice(("emergency", "emergency", "minor injuries")),
            "injury": rng.random() < 0.4,
            "alcohol": rng.random() < 0.08,
            "self_harm": 11 < age[person.id] < 40 and rng.random() < 0.03,
        }
        yield Happening(day, "hospital.attendance.v1", facts, person)
    for day, person in window.occurrences(rng, world.people, lambda person: 0.35 + max(0, age[person.id] - 40) * 0.02):
        specialty = rng.choice(("orthopaedics", "cardiology", "dermatology", "eyes", "maternity", "mental health"))
        kept = {"specialty": specialty, "attended": rng.random() < 0.92}
        yield Happening(day, "hospital.appointment.v1", kept, person)
    for day, person in window.occurrences(rng, world.people, lambda person: 0.05 + max(0, age[person.id] - 60) * 0.008):
        stay = {"unplanned": rng.random() < 0.55, "nights": rng.choice((0, 1, 1, 2, 3, 5, 9, 20))}
        yield Happening(day, "hospital.admission.v1", stay, person)


def _children(window: Window) -> Iterator[Happening]:
    rng = window.rng("children")
    for day, pupil in window.occurrences(
        rng, window.pupils, lambda p: 0.06 * exp(0.95 * p.strain) + 0.5 * (p.care > 0)
    ):
        facts = {
            "source": rng.choice(_SOURCES),
            "category": rng.choice(("neglect", "domestic abuse", "mental health", "behaviour", "disability")),
            "repeat": pupil.care > 0,
        }
        yield Happening(day, "children.referral.v1", facts, pupil.person)
    with_plan = [pupil for pupil in window.pupils if pupil.care]
    if window.opening:
        for pupil in with_plan:
            day = rng.randrange(0, 60)
            kind = ("child in need", "child protection", "looked after")[pupil.care - 1]
            plan = {"kind": kind, "level": pupil.care, "started": window.date(day - rng.randrange(200)).isoformat()}
            yield Happening(day, "children.plan.v1", plan, pupil.person)
    for day, pupil in window.occurrences(rng, with_plan, lambda pupil: 14.0 * pupil.care):
        contact = {"kind": rng.choice(("visit", "meeting", "telephone")), "seen": rng.random() < 0.85}
        yield Happening(day, "children.contact.v1", contact, pupil.person)


def _adults(window: Window) -> Iterator[Happening]:
    rng, start = window.rng("adults"), window.world.start
    grown = [person for person in window.world.people if age_on(person.birth_date, start) >= 18]

    def need(person: Person) -> float:
        age = age_on(person.birth_date, start)
        return 0.02 + (0.015 * exp((age - 65) / 9) if age > 65 else 0.0)

    for day, person in window.occurrences(rng, grown, need):
        facts = {
            "source": rng.choice(("hospital", "family", "self", "doctor", "fire service")),
            "need": rng.choice(("personal care", "mobility", "memory", "carer strain", "isolation")),
            "safeguarding": rng.random() < 0.12,
        }
        yield Happening(day, "adults.referral.v1", facts, person)
        if rng.random() < 0.7 and day + 14 < window.end:
            assessed = {"eligible": rng.random() < 0.6, "carer": rng.random() < 0.15}
            yield Happening(day + 14, "adults.assessment.v1", assessed, person)
    served = [person for person in grown if age_on(person.birth_date, start) >= 78]
    for day, person in window.occurrences(rng, served, lambda person: 1.2):
        service = {
            "kind": rng.choice(("home care", "day centre", "alarm", "meals")),
            "hours_week": rng.randrange(1, 21),
        }
        yield Happening(day, "adults.service.v1", service, person)
