"""Names as people in England and Wales bear and write them: folding, diminutives, sounds.

A small table (diminutives.txt) carries what no string distance can know: that Peggy is Margaret and that Siôn may be
John in an English office; a name alone on its line is nobody's slip of the hand. `sound` is a phonetic key of consonant
classes that reads English and Welsh spelling alike, so that Gruffydd/Griffith, Dafydd/David, Llwyd/Lloyd,
Nicholson/Nicolson and ap Rhys/Price meet.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from rapidfuzz.distance import OSA
from unidecode import unidecode

from shared.normal.text import listed

LONGEST = 64
"""Characters kept of one folded value: hostile fields may be megabytes, and no real name is longer."""

WRITTEN = {
    "wm": "william",
    "thos": "thomas",
    "chas": "charles",
    "geo": "george",
    "jas": "james",
    "jos": "joseph",
    "edw": "edward",
    "robt": "robert",
    "richd": "richard",
    "benj": "benjamin",
    "alexr": "alexander",
    "eliz": "elizabeth",
    "saml": "samuel",
    "danl": "daniel",
    "margt": "margaret",
}
"""Abbreviations of clerks, read as the name itself."""

HONORIFICS = listed(
    "mr mrs miss ms mx dr prof professor rev reverend sir dame lord lady capt captain col major sgt cllr hon"
    " fr sr sister master messrs"
)
GENERATIONS = frozenset(["jr", "jnr", "junior", "snr", "senior", "ii", "iii", "iv", "esq"])
PATRONYMICS = frozenset(["ap", "ab", "ferch", "verch", "merch"])
PARTICLES = frozenset(["de", "la", "le", "van", "von", "der", "den", "du", "of", "the", "y"])

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_APOSTROPHE = re.compile(r"['’`´ʼ]")


def fold(text: str) -> str:
    """Text without case, accents, punctuation or control characters: words of a-z and 0-9 parted by single spaces.

    Scripts other than Latin are transliterated. At most `LONGEST` characters come back, whatever goes in.
    """
    text = text[: 4 * LONGEST]
    if not text.isascii():
        text = unidecode(unicodedata.normalize("NFC", text))
    return _NOT_WORD.sub(" ", _APOSTROPHE.sub("", text.lower())).strip()[:LONGEST].strip()


MOST_GROUPS: Final = 3
"""Groups of diminutives that one name is kept in: Chris is Christopher, Christine or Christian."""

Groups = tuple[int, ...]


def _groups() -> Mapping[str, Groups]:
    found: dict[str, list[int]] = {}
    for number, line in enumerate(Path(__file__).with_name("diminutives.txt").read_text().splitlines(), start=1):
        for at, name in enumerate(line.split()):
            found.setdefault(name, []).insert(len(found[name]) if at else 0, number)
    return {name: (*groups, *_NO_GROUPS)[:MOST_GROUPS] for name, groups in found.items()}


_NO_GROUPS: Final = (0,) * MOST_GROUPS
DIMINUTIVES: Mapping[str, Groups] = _groups()
"""Folded given name → the groups of names that one person may bear, that of its own first; 0 is no group."""


def _shortened(name: str) -> Iterator[str]:
    """The name without one letter, from the last to the first, in which a hand slips least."""
    return (name[:at] + name[at + 1 :] for at in reversed(range(len(name))))


def _nearly() -> Mapping[str, str]:
    known = [name for name in DIMINUTIVES if len(name) > 3]
    found = dict(zip(known, known, strict=True))
    for name in known:
        for near in _shortened(name):
            found.setdefault(near, name)
    return found


_NEARLY = _nearly()
"""What is left of a known given name of four letters or more when one is left out → that name (as SymSpell does it)."""


def diminutives(name: str) -> Groups:
    """The groups of a folded given name, or of the known one that it is a slip of the hand from."""
    if name in DIMINUTIVES or len(name) < 4:
        return DIMINUTIVES.get(name, _NO_GROUPS)
    meant = next((_NEARLY[near] for near in (name, *_shortened(name)) if near in _NEARLY), "")
    return DIMINUTIVES[meant] if meant and OSA.distance(name, meant, score_cutoff=1) <= 1 else _NO_GROUPS


# Longer spellings first; each consonant sound becomes one capital, vowels become a full stop and vanish at the end.
_SPELLINGS = (
    ("tch", "C"), ("sch", "S"), ("sh", "S"), ("si.", "S."), ("ch", "C"), ("ck", "C"), ("ph", "F"), ("ff", "F"),
    ("dd", "T"), ("th", "T"), ("ll", "L"), ("rh", "R"), ("wr", "R"), ("kn", "N"), ("gn", "N"), ("gh", ""), ("qu", "C"),
    ("ce", "S."), ("ci", "S."), ("cy", "S."), ("x", "CS"),
)  # fmt: skip
_LETTERS = str.maketrans({
    "b": "B", "p": "P", "f": "F", "v": "F", "c": "C", "k": "C", "q": "C", "g": "G", "j": "S", "s": "S", "z": "S",
    "d": "T", "t": "T", "l": "L", "m": "M", "n": "N", "r": "R", "h": "", "w": ".", "a": ".", "e": ".", "i": ".",
    "o": ".", "u": ".", "y": ".", ".": ".", " ": "",
})  # fmt: skip
_SIAN = re.compile(r"si([aoeuw])")
_DOUBLED = re.compile(r"([A-Z])\1+")
_PATRONYMIC = re.compile(r"^(?:ap|ab) ([a-z]+)")


@lru_cache(maxsize=65536)
def sound(name: str) -> str:
    """Phonetic key of one folded name: its consonant classes in order, vowels only when the name begins with one.

    `ap`/`ab` before a name joins it as it did in history: ap Rhys → Price, ab Owen → Bowen.
    """
    if joined := _PATRONYMIC.match(name):
        name = ("b" if joined[1][0] in "aeiouwy" else "p") + joined[1].removeprefix("h")
    text = _SIAN.sub(r"s\1", name)
    for spelling, code in _SPELLINGS:
        text = text.replace(spelling, code)
    code = _DOUBLED.sub(r"\1", text.translate(_LETTERS))
    return ("." if code.startswith(".") else "") + code.replace(".", "")


def given_names(text: str) -> list[str]:
    """The names in a folded given or whole name: honorifics and generations dropped, abbreviations written out."""
    words = [WRITTEN.get(word, word) for word in text.split()]
    kept = [word for word in words if word not in HONORIFICS and word not in GENERATIONS]
    return kept or words
