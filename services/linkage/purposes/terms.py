"""What the sharing agreements and initiatives say of linking: which purposes a record may serve, whether probability
may join it, until when it may be here. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from shared.access import Agreements
from shared.initiatives import Initiatives

IDENTITY = "identity"
"""The purpose of keeping records with the right people: what stewards work for. It sees every link."""
DETERMINISTIC = "deterministic"
REMOVED_DAYS = 30
"""For how long a record is withheld whose agreement's file is no more: its own retention is no longer known, and a file
may be missing by mistake."""


@dataclass(frozen=True)
class Term:
    """What one agreement says. ``ends`` is its last day."""

    purposes: frozenset[str]
    strict: bool
    ends: date
    retention: timedelta


@dataclass(frozen=True)
class Terms:
    """By the agreement's name. ``strict_purposes``: those for which probability may join nobody."""

    by_agreement: Mapping[str, Term] = field(default_factory=dict)
    strict_purposes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, agreements: Agreements, initiatives: Initiatives) -> "Terms":
        """What the files say."""
        strict = frozenset(one.purpose for one in initiatives if one.statement.data.linking == DETERMINISTIC)
        return cls(
            {
                one.name: Term(
                    one.purposes - {IDENTITY}, one.linking == DETERMINISTIC, one.ends,
                    timedelta(days=one.retention_days),
                )
                for one in agreements.by_name.values()
            },
            strict,
        )  # fmt: skip

    def purposes(self, agreement: str) -> frozenset[str]:
        """The purposes, beside identity, that a record under this agreement may serve."""
        found = self.by_agreement.get(agreement)
        return found.purposes if found else frozenset()

    def is_strict(self, agreement: str) -> bool:
        """May only stated rules join a record under this agreement?"""
        found = self.by_agreement.get(agreement)
        return found is not None and found.strict

    @property
    def strict(self) -> frozenset[str]:
        """The agreements under which only stated rules join."""
        return frozenset(name for name, one in self.by_agreement.items() if one.strict)

    def forbids(self, purpose: str, *agreements: str) -> bool:
        """Is probability forbidden to join records under these agreements, seen for this purpose?"""
        return purpose in self.strict_purposes or any(map(self.is_strict, agreements))

    def ended(self, agreements: Iterable[str], on: date) -> list[str]:
        """Those that are not in force on a day: ended, or without a file. Without any file at all none has ended: then
        the folder is missing, not the law."""
        if not self.by_agreement:
            return []
        return [name for name in agreements if name not in self.by_agreement or self.by_agreement[name].ends < on]

    def withheld_until(self, agreement: str, on: date) -> date:
        """The last day on which a record that leaves on a day is kept, by the retention that its agreement states."""
        found = self.by_agreement.get(agreement)
        return found.ends + found.retention if found else on + timedelta(days=REMOVED_DAYS)

    def written(self) -> dict[str, Any]:
        """What of this the index rests on, to be kept beside it."""
        agreements = {
            name: {"purposes": sorted(one.purposes), "strict": one.strict} for name, one in self.by_agreement.items()
        }
        return {"agreements": agreements, "strict_purposes": sorted(self.strict_purposes)}


@dataclass(frozen=True, slots=True)
class Strict:
    """Which records only rules may have joined when their rows were written: those under some ``agreements``.

    While the agreements' new word is brought to the rows, in the order of their ids (turning.py), it differs by id:
    ``turned`` are bounds, the least first, and the agreements whose records up to there, from the bound before, were
    strict.
    """

    agreements: frozenset[str] = frozenset()
    turned: tuple[tuple[UUID, frozenset[str]], ...] = ()

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "Strict":
        """As it was written beside the index."""
        turned = tuple((UUID(bound), frozenset(names)) for bound, names in written.get("turned", ()))
        return cls(frozenset(name for name, one in written.get("agreements", {}).items() if one["strict"]), turned)

    def __call__(self, record: UUID, agreement: str) -> bool:
        """Was it so of a record under an agreement?"""
        return agreement in next((names for bound, names in self.turned if record <= bound), self.agreements)

    def reached(self, agreements: frozenset[str]) -> UUID | None:
        """The last id up to which the rows rest on these being the strict ones; None: not even the first does."""
        return next((bound for bound, names in self.turned[:1] if names == agreements), None)

    def up_to(self, bound: UUID, agreements: frozenset[str]) -> "Strict":
        """The same, but that the rows up to ``bound`` rest on these being the strict ones."""
        return replace(self, turned=((bound, agreements), *(one for one in self.turned if one[0] > bound)))

    def written(self) -> list[tuple[str, list[str]]]:
        """The bounds, to be kept as ``turned`` beside what was written before."""
        return [(str(bound), sorted(names)) for bound, names in self.turned]


NOBODY = Strict()
"""Scores joined all records."""
