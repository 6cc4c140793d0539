"""Enrolment, attendance, exclusion, attainment, and the place a leaver has been offered."""

from collections.abc import Iterator, Sequence
from math import exp

import numpy as np

from region.happenings.window import Happening, Window
from region.lives import Pupil, logistic

SESSIONS_A_WEEK = 10
REPORT_EVERY = 42


def happen(window: Window) -> Iterator[Happening]:
    """A week of attendance for each pupil and week; the rest now and then."""
    if window.opening:
        yield from _census(window)
    yield from _school_moves(window)
    for friday in window.taught_weeks():
        yield from _attendance(window, friday)
    yield from _exclusions(window)
    yield from _reports(window)


def _enrolment(window: Window, pupil: Pupil, day: int, reason: str) -> Happening:
    facts = {
        "school": pupil.school.name,
        "area": pupil.school.area,
        "year_group": pupil.year,
        "language": pupil.person.language,
        "free_meals": pupil.free_meals,
        "aln": pupil.aln,
        "reason": reason,
        "joined": window.date(day).isoformat(),
    }
    return Happening(day, "education.enrolment.v1", facts, pupil.person)


def _census(window: Window) -> Iterator[Happening]:
    rng = window.rng("census")
    for pupil in window.pupils:
        yield _enrolment(window, pupil, rng.choice((0, 0, 1)), "census")


def _school_moves(window: Window) -> Iterator[Happening]:
    rng = window.rng("school moves")
    for day, pupil in window.occurrences(rng, window.pupils, lambda pupil: 0.04 * exp(0.6 * pupil.strain)):
        reason = "managed move" if pupil.strain > 1.2 else "moved"
        yield _enrolment(window, pupil, max(day, 3), reason)


def _attendance(window: Window, friday: int) -> Iterator[Happening]:
    """One week's marks. Absence has a steady part (strain) and bad weeks (illness, or worse)."""
    numbers = np.random.default_rng(window.world.rng("attendance", friday).getrandbits(64))
    pupils = window.pupils
    strain = np.fromiter((pupil.strain for pupil in pupils), float, len(pupils))
    years = np.fromiter((pupil.year for pupil in pupils), float, len(pupils))
    steady = 1 / (1 + np.exp(-(-3.6 + 0.95 * strain + 0.06 * years)))
    bad_week = numbers.random(len(pupils)) < 0.05
    missed = numbers.binomial(SESSIONS_A_WEEK, np.clip(steady + 0.5 * bad_week, 0, 1))
    unauthorised = numbers.binomial(missed, np.clip(0.12 + 0.16 * strain, 0.02, 0.9))
    late = numbers.binomial(SESSIONS_A_WEEK - missed, np.clip(0.02 + 0.03 * strain, 0.005, 0.3))
    week = window.date(friday - 4).isoformat()
    for pupil, m, u, lateness in zip(pupils, missed.tolist(), unauthorised.tolist(), late.tolist(), strict=True):
        facts = {
            "week": week,
            "area": pupil.school.area,
            "sessions_possible": SESSIONS_A_WEEK,
            "sessions_missed": m,
            "sessions_late": lateness,
            "unauthorised": u,
        }
        yield Happening(friday, "education.attendance.v1", facts, pupil.person)


def _exclusions(window: Window) -> Iterator[Happening]:
    rng, older = window.rng("exclusions"), _from_year(window, 5)
    for day, pupil in window.occurrences(rng, older, lambda pupil: 0.07 * exp(1.15 * pupil.strain)):
        permanent = rng.random() < 0.02
        reason = rng.choice(("disruption", "disruption", "assault", "abuse", "damage", "drugs"))
        days = 0 if permanent else rng.choice((1, 1, 2, 3, 5))
        facts = {"days": days, "permanent": permanent, "reason": reason}
        yield Happening(day, "education.exclusion.v1", facts, pupil.person)


def _reports(window: Window) -> Iterator[Happening]:
    """Every six weeks a report; once, in the last year of a stage, whether there is a place to go to."""
    rng, older = window.rng("reports"), _from_year(window, 7)
    for day in window.days():
        if day % REPORT_EVERY == REPORT_EVERY - 14:
            for pupil in older:
                points = max(0, min(100, round(rng.gauss(54 - 8 * pupil.strain - 4 * pupil.aln, 8))))
                facts = {"subject": "overall", "points": points, "expected": 54}
                yield Happening(day, "education.attainment.v1", facts, pupil.person)
        if day == 56:
            for pupil in older:
                if pupil.year in (11, 13):
                    offer = rng.random() < logistic(2.6 - 1.1 * pupil.strain)
                    kind = rng.choice(("sixth form", "college", "apprenticeship")) if offer else "none"
                    yield Happening(day, "education.destination.v1", {"offer": offer, "kind": kind}, pupil.person)


def _from_year(window: Window, year: int) -> Sequence[Pupil]:
    return [pupil for pupil in window.pupils if pupil.year >= year]
