"""Addresses in free text, read into unit, number, street: what says *where*, for people's homes and for places."""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.linkage.reading.names import fold

_UNIT = re.compile(
    r"^(?:(?:flat|flt|apartment|apt|unit|room|rm|fflat|suite|studio|maisonette)\.? ?(?:no )?([a-z]|\d+[a-z]?)\b"
    r"|((?:first|second|third|ground|top|basement|upper|lower|lower ground) floor)(?: flat)?\b)[ ,]*"
)
_NUMBER = re.compile(r"\b(\d+)(?: ?(?!(?<= )y\b)([a-z])\b)?(?: (?:to|\d+)\b(?= \d*[a-z]))?")
_WORDS = {
    "st": "street", "str": "street", "rd": "road", "ave": "avenue", "av": "avenue", "ln": "lane", "dr": "drive",
    "cl": "close", "ct": "court", "crt": "court", "cres": "crescent", "cr": "crescent", "gdns": "gardens",
    "gdn": "garden", "pl": "place", "sq": "square", "terr": "terrace", "ter": "terrace", "tce": "terrace",
    "pk": "park", "grn": "green", "gr": "grove", "gro": "grove", "hse": "house", "bldg": "building",
    "blvd": "boulevard", "hwy": "highway", "pde": "parade", "cct": "circuit", "mt": "mount", "maes": "field",
}  # fmt: skip
_WELSH_TYPES = {
    "ffordd": "road", "heol": "road", "stryd": "street", "lon": "lane", "clos": "close", "rhodfa": "avenue",
    "teras": "terrace", "cilgant": "crescent", "sgwar": "square", "gerddi": "gardens", "rhes": "row",
}  # fmt: skip
_WELSH_NAMES = {
    "fawr": "high", "newydd": "new", "hir": "long", "fer": "short", "las": "green", "werdd": "green", "uchaf": "upper",
    "isaf": "lower", "orsaf": "station", "eglwys": "church", "capel": "chapel", "bont": "bridge", "felin": "mill",
    "parc": "park", "ysgol": "school", "castell": "castle", "farchnad": "market", "afon": "river", "nant": "brook",
    "ffynnon": "well", "bryn": "hill", "brenin": "king", "frenhines": "queen", "tywysog": "prince", "coed": "wood",
    "mor": "sea", "traeth": "beach", "llan": "church", "cae": "field", "berllan": "orchard", "gogledd": "north",
    "de": "south", "dwyrain": "east", "gorllewin": "west", "efail": "smithy", "ficerdy": "vicarage", "abaty": "abbey",
    "ysbyty": "hospital", "llyfrgell": "library", "dderwen": "oak", "onnen": "ash", "gelynnen": "holly",
    "prifysgol": "university", "brifysgol": "university", "gwyn": "white", "wen": "white", "goch": "red",
    "ddu": "black",
}  # fmt: skip
"""What streets in Wales are called in both languages, mutated as it is after a street's type."""
STREET_TYPES = frozenset(
    ("street", "road", "avenue", "lane", "drive", "close", "court", "crescent", "gardens", "garden", "place", "square",
     "terrace", "park", "green", "grove", "house", "building", "way", "walk", "row", "rise", "view", "hill", "mews",
     "field", "flat", "parade", "circuit", "highway", "boulevard")
)  # fmt: skip
"""What many streets and houses are called besides their name."""
_SILENT = frozenset(("the", "y", "yr"))
_NOWHERE = re.compile(
    r"^(?:c o\b|co\b(?= (?:mr|mrs|the)\b)|care of\b)|\bno fixed (?:abode|address)\b|^nfa$|^(?:temporary|temp)\b"
    r"|^(?:unknown|not known|n a|na|none|nil|homeless|same|as above|tbc|not given|address)$"
)


@dataclass(frozen=True, slots=True)
class Address:
    """One folded address line: each part may be empty. `street` is what is left when unit and number are taken out."""

    unit: str = ""
    number: str = ""
    street: str = ""


NOWHERE = Address()


@lru_cache(maxsize=65536)
def read_address(line: str) -> Address:
    """Unit, house number and street of an address written on one line, without its postcode.

    An address that is nobody's home (c/o, no fixed abode, "unknown") reads as `NOWHERE`.
    """
    text = fold(line)
    if not text or _NOWHERE.search(text):
        return NOWHERE
    unit = ""
    if found := _UNIT.match(text):
        unit, text = found[1] or found[2], text[found.end() :]
    number = ""
    if found := _NUMBER.search(text):
        number = found[1].lstrip("0") + (found[2] or "")
        text = text[: found.start()] + text[found.end() :]
    words = [word for word in text.split() if word not in _SILENT]
    return Address(unit, number, " ".join(_in_english(words)))


def _in_english(words: list[str]) -> list[str]:
    """A street's words without abbreviations, and as its other name has them: of two names of one street, one."""
    at = next((at for at, word in enumerate(words) if word in _WELSH_TYPES), len(words))
    name = [_WELSH_NAMES.get(word, "") for word in words[at + 1 :]]
    if name and all(name):
        return [*map(_in_full, words[:at]), *name, _WELSH_TYPES[words[at]]]
    return [*map(_in_full, words)]


def _in_full(word: str) -> str:
    return _WELSH_TYPES.get(word) or _WORDS.get(word, word)
