"""Block keys: what two records must share to be worth comparing.

Every key is made of traits or of what derives from them (sounds, prefixes, parts of a date), and is a function of the
traits only: the same on every machine.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.columns import Columns

Keys = NDArray[np.uint64]
Nodes = NDArray[np.int64]

_TRAITS: Final[Mapping[str, tuple[tuple[str, str | None], ...]]] = {
    # part of a key → the traits (and their derived parts) that it may be made of: each gives a key of its own
    "word": tuple((trait, None) for trait in
                  ("given", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3")),
    "name": tuple((trait, None) for trait in ("given", "family_1", "family_2", "birth_family", "middle_1")),
    "given": (("given", None),), "given three": (("given", "three"),), "given sound": (("given", "sound"),),
    "group": (("given", "group"), ("given", "second_group")),
    "family": (("family_1", None),), "family four": (("family_1", "four"),), "family sound": (("family", "sound"),),
    "year": (("date", "year_hash"),), "day": (("date", "day_hash"),),
    "postcode": (("postcode", None),), "sector": (("postcode", "sector"),), "district": (("postcode", "outward"),),
    "street": (("street", None),), "home": (("street", "home"),), "town": (("town", None),), "uprn": (("uprn", None),),
    "phone": (("phone_1", None), ("phone_2", None)), "email": (("email", None),), "local": (("email", "local"),),
    "nhs": (("nhs_number", None),), "nino": (("nino", None),), "reference": (("reference", None),),
    "vehicle": (("vehicle", None),), "birth place": (("birth_place", None),), "occupation": (("occupation", None),),
}  # fmt: skip

KEYS: Final = tuple(
    tuple(part.strip() for part in key.split("+"))
    for key in """
word; postcode; home; uprn; phone; email; nhs; nino; reference; vehicle
name+year; name+day; name+district; name+town; name+street; name+birth place; name+postcode; name+occupation
name+phone; name+uprn; given+family
family four+given three; family four+group; family four+year; family four+birth place; family four+town
family sound+given sound; family sound+group; family sound+district; family sound+year; family sound+birth place
family sound+town; family sound+given three
given three+birth place; given three+year; given three+town; given three+occupation; given three+postcode
group+birth place; group+town; group+day; local+given three; local+year
year+day; year+sector; year+birth place; year+postcode; year+street; day+postcode; day+district; day+street
birth place+occupation; year+uprn; day+uprn; town+street
given+family+year; given+family+day; given+family+district; given+family+town; given+family+birth place
year+day+given; year+day+family; year+day+family sound; year+day+group; year+day+district; year+day+birth place
""".replace("\n", ";").split(";")
    if key.strip()
)
"""The keys, coarse ones first. A key needs all its parts; "name" stands for each name a person bears, in any slot."""


CROWDS: Final[Mapping[str, tuple[str, ...]]] = {
    "home": ("address", "postcode"), "uprn": ("uprn",), "phone": ("phone",), "email": ("email",),
    "nhs": ("nhs_number",), "nino": ("nino",), "reference": ("reference",), "vehicle": ("vehicle",),
}  # fmt: skip
"""Keys of one value that many people may share, and the fields that then say nothing: of a hostel's address, a
solicitor's telephone, a number that somebody typed to get past the form."""


def crowd_keys(columns: Columns, nodes: Nodes) -> dict[str, list[Keys]]:
    """The keys of `CROWDS` that n nodes have, by name: each variant an array of n keys."""
    hashes = _Hashes(columns, nodes)
    salts = {key: salt for salt, key in enumerate(KEYS, start=1)}
    return {name: [_mixed(salts[name,], parts) for parts in hashes.of((name,))] for name in CROWDS}


def block_keys(columns: Columns, nodes: Nodes) -> Keys:
    """64-bit keys of n nodes, shape (n, key variants); 0 where a part is missing. A function of the traits only."""
    hashes = _Hashes(columns, nodes)
    made: list[Keys] = []
    for salt, key in enumerate(KEYS, start=1):
        made += [_mixed(salt, parts) for parts in hashes.of(key)]
    return np.stack(made, axis=1) if made else np.zeros((len(nodes), 0), np.uint64)


class _Hashes:
    def __init__(self, columns: Columns, nodes: Nodes) -> None:
        self._columns, self._nodes = columns, nodes
        self._known: dict[tuple[str, str | None], NDArray[np.uint64] | None] = {}

    def of(self, key: tuple[str, ...]) -> list[list[NDArray[np.uint64]]]:
        """One list of part hashes for each variant of the key that any of the nodes has."""
        variants: list[list[NDArray[np.uint64]]] = [[]]
        for part in key:
            choices = [one for choice in _TRAITS[part] if (one := self._one(choice)) is not None]
            variants = [[*variant, choice] for variant in variants for choice in choices]
        return variants

    def _one(self, choice: tuple[str, str | None]) -> NDArray[np.uint64] | None:
        if choice not in self._known:
            found = self._home() if choice == ("street", "home") else self._hash(*choice)
            self._known[choice] = found if found.any() else None
        return self._known[choice]

    def _hash(self, trait: str, part: str | None) -> NDArray[np.uint64]:
        vocabulary = self._columns.vocabulary(trait)
        column = vocabulary.hash if part is None else vocabulary.part[part]
        return column[self._columns.of(trait, self._nodes)].astype(np.uint64)

    def _home(self) -> NDArray[np.uint64]:
        """Street with its house number, where there is one: a hall has none, and a flat is at its house's door."""
        street, number = self._hash("street", None), self._hash("number", None)
        return np.where(street > 0, street << _LOW | number, 0)


_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_HIGH, _LOW = np.uint64(29), np.uint64(32)


def _mixed(salt: int, parts: list[NDArray[np.uint64]]) -> Keys:
    """Parts mixed into one key as SplitMix64 mixes (Steele et al. 2014); 0 if a part is 0."""
    key = np.full(len(parts[0]), salt, np.uint64)
    present = np.ones(len(parts[0]), np.bool_)
    for part in parts:
        present &= part > 0
        key = (key * _SECOND ^ part) * _FIRST
        key ^= key >> _HIGH
        key *= _SECOND
        key ^= key >> _LOW
    key[~present] = 0
    return key
