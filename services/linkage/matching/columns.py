"""The index's memory of traits: one row of value ids a node, one vocabulary a sort of value.

A value is kept once however many nodes bear it, with what comparison and blocking derive from it (sounds, prefixes,
parts of a date, frozen frequency), so that scoring a thousand pairs is arithmetic on arrays.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.matching.arrays import grown
from services.linkage.reading.names import MOST_GROUPS, diminutives, sound
from services.linkage.reading.normal import TRAITS, Traits
from services.linkage.reading.places import STREET_TYPES

Ids = NDArray[np.int32]
Hashes = NDArray[np.uint32]
Codes = NDArray[np.uint8]
Places = NDArray[np.int64]

RARITY_STEPS: Final = 8
"""Rarity is −log2 of a value's frozen frequency, stored in eighths of a bit: 0 is everyone, 255 is 1 in 3.9 billion."""

GROUPS: Final = tuple(f"group_{at}" for at in range(MOST_GROUPS))
"""The parts of a name that say which groups of diminutives it is in."""

_NOT_LETTER: Final = re.compile(r"[^a-z@]")
_OUTWARD: Final = re.compile(r"^[A-Z]{1,2}\d[A-Z\d]?$")

MEASURED: Final = ("letters", "length")
"""The first parts of what may have to be measured as a text (`pairs.may_be_like`)."""
_TEXT: Final = (*MEASURED, "head", "tail", "four")

Frequencies = Mapping[str, Callable[[str], int]]
"""Field → rarity (in `RARITY_STEPS` a bit, 0–255) of a value of it."""


def hashed(text: str) -> int:
    """32 bits of the text, never 0 (0 is absence): the same on every machine (CRC-32)."""
    return (crc32(text.encode()) or 1) if text else 0


def lettered(text: str) -> tuple[int, int]:
    """Which letters a text has, a bit each (some share one), and how many: what texts can at most have in common."""
    found = 0
    for letter in text:
        found |= 1 << (ord(letter) & 31)
    return found, len(text)


def _of_name(name: str) -> tuple[int, ...]:
    heard = sound(name)
    # One consonant is no likeness: Ash and Eze would sound alike.
    alike = hashed(heard if len(heard.strip(".")) > 1 else name)
    return *lettered(name), *diminutives(name), alike, hashed(name[:3]), hashed(name[:4]), ord(name[0])


def _of_date(date: str) -> tuple[int, ...]:
    """Year; year and then month and day with a hexadecimal digit for each of theirs; their hashes; and which day it is,
    every month counted as one of 31, 0 if the date is not whole."""
    year, month, day = date[:4], date[4:6], date[6:]
    rest, whole = month + day, (int(year) * 12 + int(month)) * 31 + int(day)
    said = rest != "0000"
    return (
        int(year), int(year, 16), int(rest, 16), hashed("y" + year), said and hashed("d" + rest), said and whole
    )  # fmt: skip


def _of_postcode(code: str) -> tuple[int, ...]:
    """Sector, outward code and area of a British postcode, whole or outward only; shorter prefixes of any other."""
    british = len(code) >= 5 and code[-1].isalpha() and code[-2].isalpha() and code[-3].isdigit()
    outward = code[:-3] if british else code if _OUTWARD.match(code) else code[:-2]
    area = code[: 2 if code[1:2].isalpha() else 1] if code[:1].isalpha() else code[:1]
    sector = code[:-2] if british else code[:-1]
    return *lettered(code), hashed("s" + sector), hashed("o" + outward), hashed("a" + area)


def _of_street(text: str) -> tuple[int, ...]:
    """As of any text, but that no two streets are alike for both being a Road."""
    words = text.split()
    told = [word for word in words if word not in STREET_TYPES] or words
    return *lettered(text), hashed(told[0]), hashed(told[-1]), hashed(text[:4])


def _of_text(text: str) -> tuple[int, ...]:
    words = text.split()
    return *lettered(text), hashed(words[0]), hashed(words[-1]), hashed(text[:4])


def _of_email(email: str) -> tuple[int, ...]:
    """What is before the @, and the letters: john.smith8@ and john.smith33@ are two namesakes', not one mistyped."""
    return *lettered(email), hashed(email.partition("@")[0]), hashed(_NOT_LETTER.sub("", email))


def _of_number(_: str) -> tuple[int, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of value: the traits that hold it, how its parts derive, and the fields whose rarity it has."""

    traits: tuple[str, ...]
    parts: tuple[str, ...] = ()
    derive: Callable[[str], tuple[int, ...]] = _of_number
    fields: tuple[str, ...] = ()


SORTS: Final[Mapping[str, Sort]] = {
    "name": Sort(
        ("given", "family", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3"),
        (*MEASURED, *GROUPS, "sound", "three", "four", "initial"),
        _of_name,
        ("given", "family"),
    ),
    "date": Sort(
        ("date",), ("year", "year_digits", "day_digits", "year_hash", "day_hash", "whole"), _of_date, ("year", "day")
    ),
    "postcode": Sort(("postcode",), (*MEASURED, "sector", "outward", "area"), _of_postcode, ("postcode",)),
    "number": Sort(("unit", "number")),
    "street": Sort(("street",), _TEXT, _of_street, ("address",)),
    "town": Sort(("town",), _TEXT, _of_text, ("town",)),
    "phone": Sort(("phone_1", "phone_2"), MEASURED, lettered, ("phone",)),
    "email": Sort(("email",), (*MEASURED, "local", "undigited"), _of_email, ("email",)),
    "birth_place": Sort(("birth_place",), _TEXT, _of_text, ("birth_place",)),
    "occupation": Sort(("occupation",), _TEXT, _of_text, ("occupation",)),
    "sex": Sort(("sex",), fields=("sex",)),
    "uprn": Sort(("uprn",), fields=("uprn",)),
    "source": Sort(("source",), fields=("source",)),
} | {name: Sort((name,), MEASURED, lettered, (name,)) for name in ("nhs_number", "nino", "reference", "vehicle")}

RARE: Final[Mapping[str, str]] = {
    "given": "given", "family": "family", "year": "date", "day": "date", "address": "street", "phone": "phone_1",
} | {
    name: name
    for name in ("sex", "postcode", "town", "uprn", "email", "nhs_number", "nino", "reference", "vehicle",
                 "birth_place", "occupation", "source")
}  # fmt: skip
"""Field → the trait whose value's rarity is a node's in this field (`Columns.rarities`)."""


def parts(sort: str) -> dict[str, int]:
    """Where each part of a sort's values is in `Vocabulary.parts`. The first, `text`, is the value's place in
    `Texts`."""
    return {name: at for at, name in enumerate(("text", *SORTS[sort].parts))}


class Texts:
    """The texts of all vocabularies, one after the other, so that those of many sorts are measured at once. Place 0 is
    absence."""

    def __init__(self) -> None:
        self.all: NDArray[np.object_] = np.full(256, "", object)
        self.size = 1

    def __getstate__(self) -> dict[str, Any]:
        return {"all": self.all[: self.size], "size": self.size}

    def add(self, text: str) -> int:
        at, self.size = self.size, self.size + 1
        self.all = grown(self.all, self.size)
        self.all[at] = text
        return at


class Vocabulary:
    """Values of one sort ↔ small ids. Id 0 is absence, whose parts and rarity are 0.

    `parts` (value, part) and `rarities` (value, field) are whole; `part` and `rarity` name their columns.
    """

    def __init__(self, sort: Sort, frequencies: Frequencies, texts: Texts) -> None:
        self._derive, self._texts = sort.derive, texts
        self._rarities = [frequencies[field] for field in sort.fields]
        self.ids: dict[str, int] = {"": 0}
        self.hash: Hashes = np.zeros(256, np.uint32)
        self.parts: NDArray[np.uint32] = np.zeros((256, 1 + len(sort.parts)), np.uint32)
        self.rarities: Codes = np.zeros((256, len(sort.fields)), np.uint8)
        self._bind(sort)

    def _bind(self, sort: Sort) -> None:
        self.part = {name: self.parts[:, at] for at, name in enumerate(("text", *sort.parts))}
        self.rarity = {name: self.rarities[:, at] for at, name in enumerate(sort.fields)}
        self._sort = sort

    def __getstate__(self) -> dict[str, Any]:
        """What comparing reads: a copy in another process knows the values there are, and takes in no others."""
        arrays = {name: getattr(self, name)[: len(self.ids)] for name in ("hash", "parts", "rarities")}
        return arrays | {"_sort": self._sort}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind(self._sort)

    def add(self, text: str) -> int:
        """The next id, for a value that was never met."""
        at = len(self.ids)
        if at >= len(self.hash):
            self.hash, self.parts = grown(self.hash, at + 1), grown(self.parts, at + 1)
            self.rarities = grown(self.rarities, at + 1)
            self._bind(self._sort)
        self.ids[text] = at
        self.hash[at] = hashed(text)
        self.parts[at] = (self._texts.add(text), *self._derive(text))
        for column, rarity in enumerate(self._rarities):
            self.rarities[at, column] = rarity(text)
        return at


class Columns:
    """Traits of all nodes as value ids: `ids[node, trait]` (int32), a node's beside each other, because they are asked
    for together; and how rare they are, `rarities[node, field]` in the order of `RARE`, 0 for what a node has not.
    Nodes are numbered as they come, from 0."""

    def __init__(self, frequencies: Frequencies) -> None:
        self._texts = Texts()
        self.vocabularies = {name: Vocabulary(sort, frequencies, self._texts) for name, sort in SORTS.items()}
        self.ids: Ids = np.zeros((256, len(TRAITS)), np.int32)
        self.rarities: Codes = np.zeros((256, len(RARE)), np.uint8)
        self.size = 0
        of = {trait: self.vocabularies[name] for name, sort in SORTS.items() for trait in sort.traits}
        self._of_trait = [of[trait] for trait in TRAITS]
        self.at = {trait: at for at, trait in enumerate(TRAITS)}
        self._rare = np.array([self.at[trait] for trait in RARE.values()])
        self._part = np.array([list(self.vocabulary(trait).rarity).index(field) for field, trait in RARE.items()])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"ids": self.ids[: self.size], "rarities": self.rarities[: self.size]}

    def append(self, rows: Sequence[Traits]) -> NDArray[np.int64]:
        """Number the rows as new nodes and keep their values."""
        first, self.size = self.size, self.size + len(rows)
        self.ids, self.rarities = grown(self.ids, self.size), grown(self.rarities, self.size)
        if rows:
            known = [(vocabulary.ids.get, vocabulary.add) for vocabulary in self._of_trait]
            new = slice(first, self.size)
            self.ids[new] = [
                [add(text) if (at := get(text)) is None else at for (get, add), text in zip(known, row, strict=True)]
                for row in rows
            ]
            tables = tuple([self._of_trait[at].rarities for at in self._rare.tolist()])
            _look_up(self.ids[new], self._rare, tables, self._part, self.rarities[new])
        return np.arange(first, self.size)

    def vocabulary(self, trait: str) -> Vocabulary:
        """The vocabulary that a trait's values are in."""
        return self._of_trait[self.at[trait]]

    @property
    def texts(self) -> NDArray[np.object_]:
        """All values' texts, by their part `text`."""
        return self._texts.all

    def traits(self, node: int) -> Traits:
        """The traits of one node, as they came."""
        return tuple(
            str(self.texts[vocabulary.part["text"][value]])
            for vocabulary, value in zip(self._of_trait, self.ids[node].tolist(), strict=True)
        )


@compiled
def _look_up(ids: Ids, traits: Places, tables: tuple[Codes, ...], parts: Places, into: Codes) -> None:
    """The rarities of n nodes: each field's trait, the table of its sort, and which part of that."""
    for node in range(len(ids)):
        for field in range(len(tables)):
            into[node, field] = tables[field][ids[node, traits[field]], parts[field]]
