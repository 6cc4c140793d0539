"""Text as it arrives: hidden characters, wrong encodings, stand-ins for "we do not know"."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

Reading = tuple[str, str]
"""A value in normal form ("" when there is none) and the reason of a finding ("" when there is nothing to report)."""

Reader = Callable[[str], Reading]
T = TypeVar("T")


class Finding(NamedTuple):
    """Something a partner should hear about a field: its name and a reason (a stable code), never its value."""

    field: str
    reason: str


LONGEST = 300
"""Characters of one field. Longer ones are not read at all: no name, address or number needs them."""

_SPACES = re.compile(r"\s+")
_MISENCODED = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u02dc\u2013-\u2122]")


def listed(text: str, between: str | None = None) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split(between))


UNKNOWN = listed(
    "unknown|not known|unk|u/k|n/k|n/a|not applicable|not available|not given|not provided|not recorded|not stated"
    "|not disclosed|unspecified|tbc|tba|to be confirmed|to follow|xx|xxx|xxxx|refused|withheld|declined|anonymous|anon"
    "|information not recorded|see notes|various|anhysbys|ddim yn hysbys|dim gwybodaeth|amherthnasol|i'w gadarnhau",
    "|",
)
"""What offices in England and Wales type when they do not know. Compared in lower case."""

NOTHING = listed("na none nil null nan no dim blank empty undefined test")
"""Stand-ins everywhere but in names: people are called Na, Nil and Null."""


_RUNS = frozenset({"12345", "123456", "1234567", "12345678", "123456789", "0123456789", "1234567890"})


def cached(size: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Remember the last ``size`` readings: partners repeat themselves. An entry takes about 400 bytes."""
    return lru_cache(maxsize=size)


def clean(text: str) -> Reading:
    """NFC, without control and formatting characters, single spaces, nothing around it.

    Formatting characters are category Cf: among them the direction overrides by which a text can look like another.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(), ""
    reason = ""
    if _MISENCODED.search(text):
        text, reason = _decoded_again(text)
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    if not text.isprintable():
        text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
        text, reason = _SPACES.sub(" ", text), "hidden_characters"
    return text.strip(), reason


def _decoded_again(text: str) -> Reading:
    """``SiÃ¢n``, which is UTF-8 read as Windows-1252 on its way, back to ``Siân``."""
    try:
        return text.encode("cp1252").decode(), "misencoded"
    except UnicodeError:
        return text, ""


def stands_for_nothing(text: str) -> bool:
    """Whether a cleaned text only says that there is no value: ``N/A``, ``TBC``, ``-``, ``????``."""
    lowered = text.lower().strip(" .()[]*")
    return lowered in UNKNOWN or lowered in NOTHING or not any(letter.isalnum() for letter in lowered)


def unknown_digits(digits: str) -> bool:
    """``0000000000`` and its like, and keys pressed in their order."""
    return not digits.strip("0") or (len(digits) > 4 and len(set(digits)) == 1) or digits in _RUNS


def plain(text: str) -> Reading:
    """Any text: cleaned, or nothing when it stands for nothing."""
    value, reason = clean(text)
    return ("", "placeholder" if value else reason) if stands_for_nothing(value) else (value, reason)


def without_shouting(text: str) -> str:
    """Capitals in a text that has no others become a person's way of writing; words with digits stay (``FLAT 2B``)."""
    if not (text.isupper() or text.islower()):
        return text
    return " ".join(word if any(letter.isdigit() for letter in word) else word.capitalize() for word in text.split(" "))
