"""Block keys: what two records must share to be worth comparing.

Every key is made of traits or of what derives from them (sounds, prefixes, parts of a date), and is a function of the
traits only: the same on every machine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.matching.columns import GROUPS, SORTS, Columns, Hashes, Ids, parts
from services.linkage.reading.normal import TRAITS

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


def _keys(told: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(part.strip() for part in key.split("+")) for key in re.split("[;\n]", told) if key.strip())


KEYS: Final = _keys("""
word; postcode; home; uprn; phone; email; nhs; nino; reference; vehicle
name+year; name+day; name+district; name+town; name+street; name+birth place; name+postcode; name+occupation
name+phone; name+uprn; given+family; home+sector; home+town
family four+given three; family four+group; family four+year; family four+birth place; family four+town
family sound+given sound; family sound+group; family sound+district; family sound+year; family sound+birth place
family sound+town; family sound+given three
given three+birth place; given three+year; given three+town; given three+occupation; given three+postcode
group+birth place; group+town; group+day; local+given three; local+year
year+day; year+sector; year+birth place; year+postcode; year+street; day+postcode; day+district; day+street
birth place+occupation; year+uprn; day+uprn; town+street
given+family+year; given+family+day; given+family+district; given+family+town; given+family+street
given+family+birth place
year+day+given; year+day+family; year+day+family sound; year+day+group; year+day+district; year+day+birth place
""")
"""The keys, coarse ones first. A key needs all its parts; "name" stands for each name a person bears, in any slot."""

NARROW: Final = frozenset(
    _keys("""
postcode; home; town+street; birth place+occupation
year+day; year+sector; year+street; year+birth place; day+district; day+street; year+day+district; year+day+birth place
name+year; name+day; name+district; name+town; name+street
family four+year; family four+town; family sound+year; family sound+town; family sound+district
given three+year; given three+town; group+day; group+town
""")
)
"""Keys whose blocks may hold fewer nodes: those that speak of surroundings and dates only, and those of one name and a
date's part or a place. A fixed share of all people bears such a key, so that its block grows with the index, of people
who have little else in common; who has more meets under a finer key."""

CROWDS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("home", "sector"): ("address", "postcode"), ("home", "town"): ("address", "postcode"),
    ("uprn",): ("uprn",), ("phone",): ("phone",), ("email",): ("email",), ("nhs",): ("nhs_number",),
    ("nino",): ("nino",), ("reference",): ("reference",), ("vehicle",): ("vehicle",),
}  # fmt: skip
"""Keys of one value that many people may share, and the fields that then say nothing: of a hostel's address, a
solicitor's telephone, a number that somebody typed to get past the form. 1 High Street is a home in each of many
towns, so no crowd's without its place."""

_CHOICES: Final = tuple(dict.fromkeys(choice for choices in _TRAITS.values() for choice in choices))
_HOME: Final = -2
_WHOLE: Final = -1
_SORT: Final = {trait: name for name, sort in SORTS.items() for trait in sort.traits}
_WHOLES: Final = tuple(dict.fromkeys(("number", *(_SORT[trait] for trait, part in _CHOICES if part in (None, "home")))))
"""The sorts of values whose hashes keys are made of: a house's number only with its street."""
_PARTED: Final = tuple(dict.fromkeys(_SORT[trait] for trait, part in _CHOICES if part not in (None, "home")))
"""The sorts whose parts' hashes keys are made of."""


def _source(trait: str, part: str | None) -> tuple[int, int, int]:
    """Where a hash comes from: the trait's place, its sort's among `_WHOLES` or `_PARTED`, and which part it is."""
    sort, at = _SORT[trait], TRAITS.index(trait)
    if part in (None, "home"):
        return at, _WHOLES.index(sort), _HOME if part else _WHOLE
    return at, _PARTED.index(sort), parts(sort)[part or ""]


_SOURCES: Final = np.array([_source(trait, part) for trait, part in _CHOICES], np.int64)
_NUMBER: Final = TRAITS.index("number")
_OF_NUMBER: Final = _WHOLES.index("number")


@dataclass(frozen=True, slots=True)
class _Variants:
    """Variants of keys, those of one key side by side. Of which choices each is made, −1 after the last; their salts;
    1 for wide ones, 0 for narrow; at which variant those of the same key begin; and the keys they vary."""

    choices: Nodes
    salts: Keys
    wide: Keys
    first: Nodes
    keys: tuple[tuple[str, ...], ...]

    @property
    def told(self) -> tuple[Nodes, Keys, Keys]:
        """What keys are made by."""
        return self.choices, self.salts, self.wide


def _variants(keys: tuple[tuple[str, ...], ...]) -> _Variants:
    found = [
        (tuple(_CHOICES.index(choice) for choice in made_of), number, key)
        for number, key in enumerate(KEYS, start=1)
        for made_of in product(*(_TRAITS[part] for part in key))
        if key in keys
    ]
    numbers = [number for _, number, _ in found]
    most = max(len(made_of) for made_of, _, _ in found)
    return _Variants(
        np.array([[*made_of, *[-1] * (most - len(made_of))] for made_of, _, _ in found], np.int64),
        np.array(numbers, np.uint64),
        np.array([key not in NARROW for _, _, key in found], np.uint64),
        np.array([numbers.index(number) for number in numbers], np.int64),
        tuple(key for _, _, key in found),
    )


_ALL: Final = _variants(KEYS)
VARIANTS: Final = _ALL.keys
"""Of what each column of `block_keys` is made."""
_OF_CROWDS: Final = _variants(tuple(CROWDS))


def block_keys(columns: Columns, nodes: Nodes) -> Keys:
    """64-bit keys of n nodes, shape (n, key variants); 0 where a part is missing. A function of the traits only."""
    return _made(_hashed(columns, nodes), *_ALL.told)


def borne_keys(columns: Columns, nodes: Nodes) -> tuple[Keys, Nodes, Nodes]:
    """The keys of n nodes one after the other's, each once; beside each its node; and where each node's keys start,
    and the last one's end."""
    return _borne(_hashed(columns, nodes), nodes, *_ALL.told, _ALL.first)


def value_keys(columns: Columns, nodes: Nodes) -> Keys:
    """The keys of `CROWDS` that n nodes have, shape (n, variants of these keys)."""
    return _made(_hashed(columns, nodes), *_OF_CROWDS.told)


def crowd_keys(columns: Columns, nodes: Nodes) -> dict[tuple[str, ...], list[Keys]]:
    """The same by name: each variant an array of n keys."""
    found: dict[tuple[str, ...], list[Keys]] = {}
    for name, keys in zip(_OF_CROWDS.keys, np.ascontiguousarray(value_keys(columns, nodes).T), strict=True):
        found.setdefault(name, []).append(keys)
    return found


def is_narrow(keys: Keys) -> NDArray[np.bool_]:
    """Whether each of n keys is of `NARROW`."""
    return np.asarray((keys & _ONE) == 0)


def _hashed(columns: Columns, nodes: Nodes) -> Keys:
    """Hashes of all that keys may be made of: shape (n, choices)."""
    of = columns.vocabularies
    wholes, derived = tuple([of[sort].hash for sort in _WHOLES]), tuple([of[sort].parts for sort in _PARTED])
    return _hashes(nodes, columns.ids, wholes, derived, _SOURCES)


@compiled
def _hashes(nodes: Nodes, ids: Ids, wholes: tuple[Hashes, ...], derived: tuple[Hashes, ...], sources: Nodes) -> Keys:
    """See `_hashed`. One choice after the other, so that what many nodes have is looked up without one waiting for the
    next."""
    found = np.empty((len(nodes), len(sources)), np.uint64)
    for choice in range(len(sources)):
        trait, sort, part = sources[choice]
        if part >= 0:
            hashes = derived[sort]
            for at in range(len(nodes)):
                found[at, choice] = hashes[ids[nodes[at], trait], part]
            continue
        values = wholes[sort]
        for at in range(len(nodes)):
            found[at, choice] = values[ids[nodes[at], trait]]
        if part == _HOME:
            # Street with its house number, where there is one: a hall has none, and a flat is at its house's door.
            numbers = wholes[_OF_NUMBER]
            for at in range(len(nodes)):
                if found[at, choice]:
                    number = np.uint64(numbers[ids[nodes[at], _NUMBER]])
                    found[at, choice] = found[at, choice] << _LOW | number
    return found


_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_HIGH, _LOW, _ONE = np.uint64(29), np.uint64(32), np.uint64(1)
_NOTHING: Final = np.uint64(0)


@compiled
def _made(hashes: Keys, choices: Nodes, salts: Keys, wide: Keys) -> Keys:
    """Keys of n nodes, shape (n, variants); 0 if a part is 0. The last bit says whether the key is narrow."""
    keys = np.zeros((len(hashes), len(salts)), np.uint64)
    for at in range(len(hashes)):
        for variant in range(len(salts)):
            key = salts[variant]
            for place in range(choices.shape[1]):
                choice = choices[variant, place]
                if choice < 0:
                    break
                part = hashes[at, choice]
                if part == _NOTHING:
                    key = _NOTHING
                    break
                key = _stirred(key, part)
            if key != _NOTHING:
                keys[at, variant] = key & ~_ONE | wide[variant]
    return keys


@compiled
def _stirred(key: np.uint64, part: np.uint64) -> np.uint64:
    """A key with one part more, mixed in as SplitMix64 mixes (Steele et al. 2014)."""
    key = (key * _SECOND ^ part) * _FIRST
    key = (key ^ key >> _HIGH) * _SECOND
    return key ^ key >> _LOW


@compiled
def _borne(
    hashes: Keys, nodes: Nodes, choices: Nodes, salts: Keys, wide: Keys, first: Nodes
) -> tuple[Keys, Nodes, Nodes]:
    """See `borne_keys`. Variants of a key may say the same of a node: then all but the first are made 0 here."""
    keys = _made(hashes, choices, salts, wide)
    starts = np.zeros(len(nodes) + 1, np.int64)
    for at in range(len(nodes)):
        size = 0
        for variant in range(len(first)):
            for before in range(first[variant], variant):
                if keys[at, before] == keys[at, variant]:
                    keys[at, variant] = _NOTHING
                    break
            size += keys[at, variant] > _NOTHING
        starts[at + 1] = starts[at] + size
    found, bearers = np.empty(starts[-1], np.uint64), np.empty(starts[-1], np.int64)
    for at in range(len(nodes)):
        place = starts[at]
        for variant in range(len(first)):
            if keys[at, variant] > _NOTHING:
                found[place], bearers[place] = keys[at, variant], nodes[at]
                place += 1
    return found, bearers, starts
