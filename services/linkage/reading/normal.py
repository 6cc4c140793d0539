"""From a record's identity, clean text as a person would write it, to the traits that linkage compares.

Traits are a tuple of short folded strings in the order of `TRAITS`, empty when absent. Two records with the same traits
are one node of the index, so a trait never holds more than comparison needs. Placeholders read as absent.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from services.linkage.reading.names import GENERATIONS, HONORIFICS, PARTICLES, PATRONYMICS, fold, given_names
from services.linkage.reading.places import read_address
from shared.normal.text import listed

TRAITS = (
    "given", "family", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3",
    "sex", "date", "postcode", "unit", "number", "street", "town", "uprn", "phone_1", "phone_2", "email",
    "nhs_number", "nino", "reference", "vehicle", "birth_place", "occupation", "source",
)  # fmt: skip

PLACEHOLDER_DATES = listed(
    "19000101 18991230 18991231 19010101 17530101 18000101 19700101 00010101 99991231 11111111 22221231 29991231"
)
_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_NOT_CODE = re.compile(r"[^A-Z0-9]+")
_NOT_DIGIT = re.compile(r"\D+")
_RUN = re.compile(r"^(.)\1*$|^0?123456789?0?$")
_NO_MAIL = re.compile(r"^(?:no|none|noemail|nomail|unknown|test|na|n/a|nil|x+)@|@(?:test|none|invalid)\b")
_NO_WORD = listed("unknown none nil na not known tbc unk baby infant male female test xx xxx xxxx")
_NO_TEXT = _NO_WORD | {"n a", "n k", "not known", "not given"}
_ORDINAL = re.compile(r"^\d+(?:st|nd|rd|th)?$")
_TITLES = listed("baron baronet bt duke earl marquess viscount count countess duchess baroness knight")
_SEX_OF_TITLE = dict.fromkeys(("mr", "master", "sir", "lord"), "M") | dict.fromkeys(
    ("mrs", "miss", "ms", "dame", "lady"), "F"
)
_DROPPED = HONORIFICS | GENERATIONS | PARTICLES | _TITLES

Traits = tuple[str, ...]


def traits(identity: Mapping[str, str]) -> Traits:
    """The traits of one identity. Any text is taken: gigantic, hostile or empty values shorten or vanish, no error."""
    get = identity.get
    given, family, middles = _names(get("given", ""), get("middle", ""), get("family", ""), get("name", ""))
    words = [word for word in family.split() if word not in PATRONYMICS] or family.split()
    birth = _family(get("birth_family", ""))
    address = read_address(get("address", "")[:256])
    phones = sorted({number for key in ("phone", "mobile") if (number := _phone(get(key, "")))})
    return (
        given, family, words[0] if words else "", words[-1] if len(words) > 1 else "",
        birth if birth != family else "",
        *(*middles, "", "", "")[:3],
        get("sex", "")[:1].upper() or _sex_of(get("name", "") or get("given", "")), _date(get("birth_date", "")),
        _code(get("postcode", "")),
        address.unit, address.number, address.street, _text(get("town", "")), _code(get("uprn", "")).lstrip("0"),
        phones[0] if phones else "", phones[1] if len(phones) > 1 else "", _email(get("email", "")),
        _code(get("nhs_number", "")), _code(get("nino", "")), _code(get("reference", "")), _code(get("vehicle", "")),
        _text(get("birth_place", "")), _text(get("occupation", "")),
        get("source", "")[:64],
    )  # fmt: skip


def content(values: Traits) -> bytes:
    """Eight bytes that name the content: equal traits, equal bytes, on every machine (BLAKE2b)."""
    return hashlib.blake2b("\x1f".join(values).encode(), digest_size=8).digest()


_NAMING = ("given", "family", "birth_family", "phone_1", "email", "nhs_number", "nino", "reference")
_naming = itemgetter(*map(TRAITS.index, _NAMING))
_places = itemgetter(*map(TRAITS.index, ("postcode", "street", "town", "uprn", "birth_place")))
_DATE_AT = TRAITS.index("date")


def is_nameless(values: Traits) -> bool:
    """Whether nothing here names a subject: a date or a place alone is nobody's."""
    return not any(_naming(values)) and not (values[_DATE_AT] and any(_places(values)))


def _sex_of(name: str) -> str:
    """What the title before a name says."""
    return _SEX_OF_TITLE.get(name[:8].lower().partition(" ")[0].rstrip("."), "")


def _names(given: str, middle: str, family: str, name: str) -> tuple[str, str, list[str]]:
    """Given name, family name and up to three further words, from parts, a whole name, or both. Parts repeat among
    people as whole names do not, so it is parts that are remembered."""
    firsts, last = _given(given[:256]), _family(family[:256])
    if not firsts and not last and name:
        firsts, last = _split_name(name[:256])
    known = {*firsts[:1], *last.split()}
    words = (*firsts[1:], *_words(middle[:256]), *_words(name[:256]))
    rest = [word for word in dict.fromkeys(words) if word not in known and not _is_noise(word)]
    return firsts[0] if firsts else "", last, rest[:3]


@lru_cache(maxsize=65536)
def _given(text: str) -> Sequence[str]:
    folded = fold(text)
    return () if folded in _NO_TEXT else tuple(word for word in given_names(folded) if not _is_noise(word))


@lru_cache(maxsize=65536)
def _words(text: str) -> Sequence[str]:
    return tuple(fold(text).split())


def _is_noise(word: str) -> bool:
    return word in _DROPPED or word in _NO_WORD or _ORDINAL.match(word) is not None


def _split_name(name: str) -> tuple[Sequence[str], str]:
    before, comma, after = name.partition(",")
    if comma and len(before.split()) <= 2 and after.split():
        return given_names(fold(after)), _family(before)
    words = [word for word in given_names(fold(before)) if word not in _NO_WORD and not _ORDINAL.match(word)]
    if len(words) < 2:
        return words, ""
    cut = next((at for at, word in enumerate(words[1:], 1) if word in PATRONYMICS or word in PARTICLES), len(words) - 1)
    return words[:cut], _family(" ".join(words[cut:]))


@lru_cache(maxsize=65536)
def _family(text: str) -> str:
    """A family name: particles joined to what they belong to, generations and placeholders dropped."""
    folded = fold(text[:256])
    words = [word for word in folded.split() if word not in GENERATIONS and word not in _NO_WORD]
    if folded in _NO_TEXT:
        return ""
    if len(words) > 1 and words[0] in PATRONYMICS:
        return f"{words[0]} {words[1]}"
    return " ".join(words[:3])


def _date(text: str) -> str:
    """YYYYMMDD, with 00 for a missing part; empty when there is no year or the date is a placeholder."""
    found = _DATE.match(text)
    if not found:
        return ""
    date = found[1] + (found[2] or "00") + (found[3] or "00")
    return "" if date in PLACEHOLDER_DATES else date


def _code(text: str) -> str:
    if not text:
        return ""
    code = _NOT_CODE.sub("", text[:64].upper())[:24]
    return "" if len(code) > 3 and _RUN.match(code) else code


def _phone(text: str) -> str:
    digits = _NOT_DIGIT.sub("", text[:32])[-10:]
    return "" if len(digits) < 6 or _RUN.match(digits[-6:]) else digits


def _email(text: str) -> str:
    text = text[:96].strip().lower()
    return text if "@" in text[1:] and not _NO_MAIL.search(text) else ""


@lru_cache(maxsize=65536)
def _text(text: str) -> str:
    folded = fold(text[:256])
    return "" if folded in _NO_TEXT else folded
