"""Organisations: what a record says of one, and the rules by which two records speak of the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA, JaroWinkler

from services.linkage.reading.dwellings import FULL_POSTCODE
from services.linkage.reading.names import fold
from services.linkage.reading.places import read_address
from services.linkage.ruled.labelling import Rule

LEGAL_FORMS = frozenset(("ltd", "limited", "cyf", "cyfyngedig", "plc", "ccc", "llp", "pac", "cic", "cbc", "co",
                         "company", "cwmni", "lp", "inc"))  # fmt: skip
_SILENT = frozenset(("the", "y", "yr", "and", "a", "ac"))
_TRADING = re.compile(r"\b(?:t ?/ ?a|trading as|masnachu fel)\b|[()]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Business:
    """An organisation as a record states it, folded, "" where it says nothing. ``names``: registered and trading name
    without legal form and small words; never empty words."""

    number: str
    """The company number: which organisation it is."""
    names: tuple[str, ...]
    door: str
    town: str
    postcode: str
    uprn: str
    phone: str
    email: str

    @property
    def is_pinned(self) -> bool:
        """Whether it says more than a name in a town."""
        return bool(self.names and (self._whole_postcode or self.uprn or self.phone or self.email or self.door))

    @property
    def keys(self) -> tuple[str, ...]:
        """What another record of the same organisation shares at least one of."""
        if not self.names:
            return ()
        reached = (("u", self.uprn), ("t", self.phone), ("e", self.email), ("d", self._address))
        return (*(f"n|{name}" for name in self.names), *(f"{sort}|{value}" for sort, value in reached if value))

    @property
    def _whole_postcode(self) -> str:
        return self.postcode if FULL_POSTCODE.match(self.postcode) else ""

    @property
    def _address(self) -> str:
        where = self._whole_postcode or self.town
        return f"{self.door}|{where}" if self.door and where else ""

    def reached_as(self, other: "Business") -> bool:
        """Whether both are at one address or answer one telephone or e-mail."""
        ours = (self.uprn, self.phone, self.email, self._address)
        theirs = (other.uprn, other.phone, other.email, other._address)
        return any(mine and mine == its for mine, its in zip(ours, theirs, strict=True))

    def is_elsewhere(self, other: "Business") -> bool:
        """Whether both say exactly where they are, and it is not one place."""
        ours, theirs = (self.uprn, self._whole_postcode), (other.uprn, other._whole_postcode)
        return any(mine and its and mine != its for mine, its in zip(ours, theirs, strict=True))


def business(identity: Mapping[str, str]) -> Business:
    """Read an organisation's identity (``shared.normal``)."""
    address = read_address(identity.get("address", ""))
    door = " ".join(filter(None, (address.unit, address.number, address.street)))
    names = {core for part in _TRADING.split(identity.get("name", "")[:256]) if (core := _core(part))}
    return Business(
        identity.get("company_number", ""), tuple(sorted(names)), door, fold(identity.get("town", "")),
        identity.get("postcode", ""), identity.get("uprn", ""), identity.get("phone", ""), identity.get("email", ""),
    )  # fmt: skip


def _core(name: str) -> str:
    words = fold(name).split()
    return " ".join(word for word in words if word not in LEGAL_FORMS and word not in _SILENT) or " ".join(words)


def _same_name(one: Business, other: Business) -> bool:
    return not set(one.names).isdisjoint(other.names)


def _names_alike(one: Business, other: Business) -> bool:
    return any(_alike(mine, its) for mine in one.names for its in other.names)


def _alike(one: str, other: str) -> bool:
    words, others = set(one.split()), set(other.split())
    if min(len(words), len(others)) > 1 and (words <= others or others <= words):
        return True
    return min(len(one), len(other)) > 4 and (
        OSA.distance(one, other, score_cutoff=2) <= 2 or JaroWinkler.similarity(one, other) >= 0.92
    )


RULES: tuple[Rule[Business], ...] = (
    Rule("same_name_and_place", lambda one, other: _same_name(one, other) and one.reached_as(other)),
    Rule("names_alike_same_place", lambda one, other: _names_alike(one, other) and one.reached_as(other)),
    Rule("same_name_and_postcode", lambda one, other: _same_name(one, other) and _same_postcode(one, other)),
    Rule(
        "same_name_in_town",
        lambda one, other: (
            _same_name(one, other) and bool(one.town) and one.town == other.town and not one.is_elsewhere(other)
        ),
    ),
)
"""The surest first: a pair is decided by the first that holds."""


def _same_postcode(one: Business, other: Business) -> bool:
    return bool(one.postcode) and one.postcode == other.postcode
