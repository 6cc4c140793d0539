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
    "blvd": "boulevard", "hwy": "highway", "pde": "parade", "cct": "circuit", "mt": "mount", "ffordd": "road",
    "heol": "road", "stryd": "street", "lon": "lane", "clos": "close", "rhodfa": "avenue", "maes": "field",
}  # fmt: skip
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
    words = [_WORDS.get(word, word) for word in text.split() if word not in _SILENT]
    return Address(unit, number, " ".join(words))
