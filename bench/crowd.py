"""A crowd of any size for benchmarks: people in households, and what partners write down of them, at ten thousand a
second and more. ``region`` tells lives; this only has its frequencies: of names, of homes that several share, of fields
that are missing and letters that are wrong. It grows by towns, so a million people are as alike as a thousand are.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from region.names import GIVEN, SURNAMES

Ints = NDArray[np.int64]

RECORDS_A_PERSON: Final = 2.5
HOUSEHOLD: Final = 2.4
HOUSES_A_POSTCODE: Final = 15
TOWN: Final = 4_000
"""Homes of a town."""

MISSING: Final = {
    "given": 0.01, "family": 0.01, "middle": 0.6, "birth_date": 0.08, "sex": 0.1, "address": 0.15, "town": 0.3,
    "postcode": 0.15, "phone": 0.5, "email": 0.7, "nhs_number": 0.6,
}  # fmt: skip
"""How often a record lacks a field."""

MOVED, MISSPELT, MISDATED = 0.08, 0.03, 0.02
_SYLLABLES: Final = "ba ber bro cal cor dal den dro fen gar gil hal har ken lam lin mar mil nor pen ra ros sal sel ston"
_ENDINGS: Final = "by den ford ham ing ley man mere more ridge son stock ton wall well wick wood worth yard"


class Crowd:
    """``records`` records; the same seed and size give the same ones on every machine."""

    def __init__(self, records: int, seed: int = 1) -> None:
        self._rng = rng = np.random.default_rng(seed)
        people = max(10, round(records / RECORDS_A_PERSON))
        homes = max(5, round(people / HOUSEHOLD))
        self._homes = homes
        self._home = np.sort(rng.integers(0, homes, people))
        self._families, weights = _surnames()
        own = rng.choice(len(weights), people, p=weights)
        shared = rng.choice(len(weights), homes, p=weights)
        self._family = np.where(rng.random(people) < 0.8, shared[self._home], own)
        self._sex = rng.integers(0, 2, people)
        self._given, self._givens = np.zeros((2, people), np.int64), []
        for sex in (0, 1):
            names, weights = _givens("FM"[sex])
            self._givens.append(names)
            self._given[:, self._sex == sex] = rng.choice(len(names), (2, int((self._sex == sex).sum())), p=weights)
        self._born = rng.integers(0, 90 * 365, people)
        self._bearer = rng.integers(0, people, records)
        self._missing = rng.random((len(MISSING), records)) < np.array(list(MISSING.values()))[:, None]
        lived = self._home[self._bearer]
        self._lives = np.where(rng.random(records) < MOVED, rng.integers(0, homes, records), lived)
        self._wrong = rng.random(records)

    def __len__(self) -> int:
        return len(self._bearer)

    def identities(self, start: int, stop: int) -> Iterator[Mapping[str, str]]:
        """The records from ``start`` to before ``stop``, each as ingest's normal form has it."""
        names = list(MISSING)
        for at in range(start, min(stop, len(self))):
            whole, missing = self._written(at), self._missing[:, at].tolist()
            yield {name: whole[name] for name, without in zip(names, missing, strict=True) if not without}

    def _written(self, at: int) -> dict[str, str]:
        person, home, wrong = int(self._bearer[at]), int(self._lives[at]), float(self._wrong[at])
        sex, household = int(self._sex[person]), int(self._home[person])
        given, middle = (self._givens[sex][name] for name in self._given[:, person].tolist())
        family = self._families[int(self._family[person])]
        born = date(1935, 1, 1) + timedelta(days=int(self._born[person]))
        if wrong < MISSPELT:
            given = _misspelt(given, at)
        elif wrong < 2 * MISSPELT:
            family = _misspelt(family, at)
        elif wrong < 2 * MISSPELT + MISDATED:
            born += timedelta(days=(1, 10, 365)[at % 3])
        return {
            "given": given, "family": family, "middle": middle, "birth_date": born.isoformat(), "sex": "FM"[sex],
            **_address(home), "phone": f"+447{(household if person % 3 else person) * 7919 % 10**9:09d}",
            "email": f"{given}.{family}{person % 1000}@post.test".lower().replace(" ", ""),
            "nhs_number": f"{4_000_000_000 + person * 37}",
        }  # fmt: skip


def _address(home: int) -> dict[str, str]:
    street, house = divmod(home, HOUSES_A_POSTCODE)
    town = home // TOWN
    place, last = divmod(street, 26 * 26)
    sector = place % 10
    return {
        "address": f"{house * 2 + 1} {_word(street % 3_000)} {('Road', 'Street', 'Lane', 'Close')[street % 4]}",
        "town": _word(town + 5_000), "postcode": (
            f"{chr(65 + place // 10 // 99 // 26 % 26)}{chr(65 + place // 10 // 99 % 26)}{place // 10 % 99 + 1}"
            f" {sector}{chr(65 + last // 26)}{chr(65 + last % 26)}"
        ),
    }  # fmt: skip


def _word(number: int) -> str:
    """A coined name, one for each number."""
    syllables, endings = _SYLLABLES.split(), _ENDINGS.split()
    rest, ending = divmod(number, len(endings))
    word = ""
    while rest or not word:
        rest, syllable = divmod(rest, len(syllables))
        word += syllables[syllable]
    return (word + endings[ending]).capitalize()


def _surnames() -> tuple[list[str], NDArray[np.float64]]:
    """The region's surnames for two thirds of people; the long tail that every country has for the others (Zipf)."""
    head: dict[str, float] = {}
    for community in ("english", "welsh", "south_asian", "polish", "other"):
        known = SURNAMES[community]
        for name, weight in zip(known.names, np.diff(known.cumulative, prepend=0).tolist(), strict=True):
            head[name] = head.get(name, 0.0) + weight
    tail = 1 / (np.arange(40_000) + 50)
    weights = np.concatenate((np.array(list(head.values())) / sum(head.values()) * 2, tail / tail.sum()))
    return [*head, *(_word(number) for number in range(len(tail)))], weights / weights.sum()


def _givens(sex: str) -> tuple[list[str], NDArray[np.float64]]:
    found: dict[str, float] = {}
    for (_, _, borne), known in GIVEN.items():
        if borne == sex:
            for name, weight in zip(known.names, np.diff(known.cumulative, prepend=0).tolist(), strict=True):
                found[name] = found.get(name, 0.0) + weight
    weights = np.array(list(found.values()))
    return list(found), weights / weights.sum()


def _misspelt(name: str, at: int) -> str:
    place = at % len(name)
    return (name[:place] + name[place + 1 :], name[: place + 1] + name[place:], name[:place] + "e" + name[place + 1 :])[
        at // 7 % 3
    ]
