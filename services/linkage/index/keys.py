"""Block keys: what two records must share to be worth comparing.

Every key is made of traits or of what derives from them (sounds, prefixes, parts of a date), and is a function of the
traits only: the same on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import GROUPS, Columns

Keys = NDArray[np.uint64]
Nodes = NDArray[np.int64]

_TRAITS: Final[Mapping[str, tuple[tuple[str, str | None], ...]]] = {
    # part of a key → the traits (and their derived parts) that it may be made of: each gives a key of its own
    "word": tuple((trait, None) for trait in
                  ("given", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3")),
    "name": tuple((trait, None) for trait in ("given", "family_1", "family_2", "birth_family", "middle_1")),
    "given": (("given", None),), "given three": (("given", "three"),), "given sound": (("given", "sound"),),
    "group": tuple(("given", group) for group in GROUPS),
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

NARROW: Final = frozenset([("postcode",), ("town", "street"), ("year", "street"), ("birth place", "occupation")])
"""Keys that speak of surroundings only: neighbours share them. Their blocks may hold fewer nodes."""

CROWDS: Final[Mapping[str, tuple[str, ...]]] = {
    "home": ("address", "postcode"), "uprn": ("uprn",), "phone": ("phone",), "email": ("email",),
    "nhs": ("nhs_number",), "nino": ("nino",), "reference": ("reference",), "vehicle": ("vehicle",),
}  # fmt: skip
"""Keys of one value that many people may share, and the fields that then say nothing: of a hostel's address, a
solicitor's telephone, a number that somebody typed to get past the form."""

_CHOICES: Final = tuple(dict.fromkeys(choice for choices in _TRAITS.values() for choice in choices))


@dataclass(frozen=True, slots=True)
class _Variants:
    """Keys of as many parts each: which choices they are made of (n, parts), their salts, whether each is wide (1) or
    narrow (0), and the keys they vary."""

    choices: NDArray[np.intp]
    salts: Keys
    wide: Keys
    keys: tuple[tuple[str, ...], ...]


def _variants(keys: tuple[tuple[str, ...], ...]) -> list[_Variants]:
    """All variants of these keys, by their number of parts."""
    found: dict[int, list[tuple[tuple[int, ...], int, tuple[str, ...]]]] = {}
    for number, key in enumerate(KEYS, start=1):
        for made_of in product(*(_TRAITS[part] for part in key)) if key in keys else ():
            places = tuple(_CHOICES.index(choice) for choice in made_of)
            found.setdefault(len(key), []).append((places, number, key))
    return [
        _Variants(
            np.array([places for places, _, _ in some]),
            np.array([number for _, number, _ in some], np.uint64),
            np.array([key not in NARROW for _, _, key in some], np.uint64),
            tuple(key for _, _, key in some),
        )
        for some in found.values()
    ]


_ALL: Final = _variants(KEYS)
VARIANTS: Final = tuple(key for variants in _ALL for key in variants.keys)
"""Of what each column of `block_keys` is made."""
_OF_CROWDS: Final = _variants(tuple((name,) for name in CROWDS))


def block_keys(columns: Columns, nodes: Nodes) -> Keys:
    """64-bit keys of n nodes, shape (n, key variants); 0 where a part is missing. A function of the traits only."""
    hashes = _hashes(columns, nodes)
    return np.concatenate([_mixed(hashes, variants) for variants in _ALL]).T


def crowd_keys(columns: Columns, nodes: Nodes) -> dict[str, list[Keys]]:
    """The keys of `CROWDS` that n nodes have, by name: each variant an array of n keys."""
    found: dict[str, list[Keys]] = {}
    hashes = _hashes(columns, nodes)
    for variants in _OF_CROWDS:
        for (name,), keys in zip(variants.keys, _mixed(hashes, variants), strict=True):
            found.setdefault(name, []).append(keys)
    return found


def is_narrow(keys: Keys) -> NDArray[np.bool_]:
    """Whether each of n keys is of `NARROW`."""
    return np.asarray((keys & _ONE) == 0)


def _hashes(columns: Columns, nodes: Nodes) -> Keys:
    """Hashes of all that keys may be made of: shape (choices, n)."""
    found = np.zeros((len(_CHOICES), len(nodes)), np.uint64)
    for at, (trait, part) in enumerate(_CHOICES):
        vocabulary, values = columns.vocabulary(trait), columns.of(trait, nodes)
        if part == "home":
            # Street with its house number, where there is one: a hall has none, and a flat is at its house's door.
            number = columns.vocabulary("number").hash[columns.of("number", nodes)].astype(np.uint64)
            street = vocabulary.hash[values].astype(np.uint64)
            found[at] = np.where(street > 0, street << _LOW | number, 0)
        else:
            found[at] = (vocabulary.hash if part is None else vocabulary.part[part])[values]
    return found


_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_HIGH, _LOW, _ONE = np.uint64(29), np.uint64(32), np.uint64(1)


def _mixed(hashes: Keys, variants: _Variants) -> Keys:
    """Parts mixed into one key as SplitMix64 mixes (Steele et al. 2014), shape (variants, n); 0 if a part is 0. The
    last bit says whether the key is narrow."""
    keys = np.repeat(variants.salts[:, None], hashes.shape[1], axis=1)
    present = np.ones(keys.shape, np.bool_)
    for place in range(variants.choices.shape[1]):
        part = hashes[variants.choices[:, place]]
        present &= part > 0
        keys *= _SECOND
        keys ^= part
        keys *= _FIRST
        keys ^= keys >> _HIGH
        keys *= _SECOND
        keys ^= keys >> _LOW
    keys = keys & ~_ONE | variants.wide[:, None]
    keys[~present] = 0
    return keys
