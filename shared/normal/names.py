"""Personal names: one line taken apart, titles and letters after the name put aside, capitals made bearable.

The library of choice for this (nameparser) takes "Rhys ap Dafydd" for a Mr Dafydd with two forenames, so this is a
small parser of its own that knows the patronymics of Wales as it knows van der and de la.
"""

import re
from dataclasses import dataclass

from shared.normal.text import UNKNOWN, Reading, cached, clean, listed

TITLES = listed(
    "mr mrs miss ms mx messrs master dr doctor prof professor rev revd reverend fr father sister canon sir dame lord"
    " lady baroness hon cllr councillor capt captain col colonel maj major sgt sergeant lt pc dc ds supt judge hhj imam"
    " rabbi parch parchedig cyng athro bonwr"
)
LETTERS = listed(
    "jr jnr junior sr snr senior ii iii iv esq esquire obe mbe cbe kbe dbe gbe bem phd dphil msc bsc qc kc jp rgn frcp"
    " frcs mrcp mrcgp decd deceased"
)
"""After a name. MA, BA, MD and MP are left out: they are surnames too."""
PATRONYMICS = listed("ap ab ferch verch merch")
PARTICLES = PATRONYMICS | listed("van von der de del di da dos du la le ter zu bin binti bint ibn al el st")
"""A surname may begin with one; given names that look the same (Della, Ten) are left out."""
_FIRST_PARTICLES = PARTICLES - {"al", "el", "di", "da", "le"}
_SMALL = PARTICLES - {"st"}
_ADDRESS_FORMS = listed("mr mrs miss ms mx")
_NOBODY = UNKNOWN | listed(
    "unknown male|unknown female|unknown unknown|male|female|a n other|an other|mr x|baby|gwryw|benyw|dyn|dynes"
    "|occupier|the occupier|y deiliad|resident|patient|caller",
    "|",
)

_APOSTROPHES = str.maketrans("’‘`´ʼ‐‑–", "'''''---")
_BORN = re.compile(r"\(?\b(?:n[ée]e?|formerly|born|ganwyd)\b:?\s+([^\s()]+(?:[ -][^\s()]+)?)\)?", re.IGNORECASE)
_ALIAS = re.compile(r"\s(?:a\.?k\.?a\.?|alias|known as)[\s:].*", re.IGNORECASE)
_ASIDE = re.compile(r"\([^)]*\)?|\[[^\]]*\]?|[\"“”][^\"“”]*[\"“”]?|(?<=\s)'[^']*'(?=\s)")
_COUPLE = re.compile(r"\s(?:&|\+|and)\s|\s?/\s?", re.IGNORECASE)
_AROUND_HYPHEN = re.compile(r"[\s.]*-[\s.]*")
_O_APART = re.compile(r"^O['\s]\s?(?=\w)", re.IGNORECASE)
_PARTS_OF_WORD = re.compile(r"([-'])")
_DOTS = re.compile(r"\.(?=\S)")


@dataclass(frozen=True, slots=True)
class Name:
    """A personal name taken apart; "" where there is nothing. ``reason`` is of a finding about the whole."""

    given: str = ""
    middle: str = ""
    family: str = ""
    birth_family: str = ""
    reason: str = ""


@cached(8192)
def whole(text: str) -> Reading:
    """A name on one line as published, cleaned; nothing when it stands for nobody."""
    value, reason = clean(text.translate(_APOSTROPHES) if not text.isascii() else text)
    return ("", "placeholder" if value else reason) if _is_nobody(value) else (value, reason)


@cached(4096)
def given(text: str) -> Reading:
    """Forenames: ``Mr. fred`` is ``Fred``, ``J.R.`` is ``J R``."""
    value, reason = whole(text)
    words = _without_titles(_words(value))
    return (_cased(words), reason) if words else ("", reason or ("placeholder" if value else ""))


@cached(4096)
def family(text: str) -> Reading:
    """A surname: ``SMITH Jnr`` is ``Smith``, ``O BRIEN`` is ``O'Brien``, ``AP RHYS`` is ``ap Rhys``."""
    value, reason = whole(text)
    words = _without_letters(_words(_O_APART.sub("O'", value)), 1)
    return (_cased(words), reason) if words else ("", reason or ("placeholder" if value else ""))


@cached(8192)
def parsed(text: str) -> Name:
    """The parts of a name on one line, as ``whole`` gives it: ``SMITH, Dr Fred``, ``Gwen ferch Rhys (née Pugh)``.

    Of a couple the first, with a finding: one record is about one person. A single word is a surname after a title and
    else a given name.
    """
    birth_family = ""
    if born := _BORN.search(text):
        birth_family = family(born[1])[0]
        text = _BORN.sub(" ", text)
    text = " ".join(_ASIDE.sub(" ", _ALIAS.sub("", text)).split())
    text, reason = _first_of_couple(text)
    given_words, family_words = _split(text)
    return Name(
        _cased(given_words[:1]), _cased(given_words[1:]), family(" ".join(family_words))[0] if family_words else "",
        birth_family, reason,
    )  # fmt: skip


def _is_nobody(text: str) -> bool:
    lowered = text.lower().replace(".", "").strip(" ()[]*?'\",")
    return lowered in _NOBODY or not any(letter.isalpha() for letter in lowered)


def _words(text: str) -> list[str]:
    """``J.R. Smith - Jones,`` → J, R, Smith-Jones. ``St.`` keeps nothing of its dot, ``Lee-`` of its hyphen."""
    return [word for part in _AROUND_HYPHEN.sub("-", _DOTS.sub(" ", text)).split() if (word := part.strip(".,;:*'\"-"))]


def _without_titles(words: list[str]) -> list[str]:
    """``Y Parch`` (the Rev) is two words."""
    while words and (words[0].lower() in TITLES or [w.lower() for w in words[:2]] == ["y", "parch"]):
        words = words[2:] if words[0].lower() == "y" else words[1:]
    return words


def _without_letters(words: list[str], least: int) -> list[str]:
    while len(words) > least and words[-1].lower().replace(".", "") in LETTERS:
        words = words[:-1]
    return words


def _first_of_couple(text: str) -> Reading:
    """``Mr & Mrs J Smith``, ``John and Mary Smith``, ``Mr J Smith and Mrs A Jones``: the first person's name."""
    people = [part for part in _COUPLE.split(text) if part.strip()]
    if len(people) < 2:
        return text, ""
    first, second = _without_titles(_words(people[0])), _without_titles(_words(people[1]))
    if not first:
        return f"{people[0]} {' '.join(second)}", "several_people"
    if len(first) == 1 and second and "," not in text:
        return f"{first[0]} {second[-1]}", "several_people"
    return people[0], "several_people"


def _split(text: str) -> tuple[list[str], list[str]]:
    """Given names and surname of one person's name without asides."""
    before, *after = [_words(part) for part in text.split(",")]
    rest = [word for part in after for word in _without_letters(_without_titles(part), 0)]
    if rest:
        return rest, _without_letters(_without_titles(before), 1)
    words = _without_letters(_without_titles(before), 1)
    if len(words) == 1:
        alone = len(_words(text)) == 1 and not text.rstrip().endswith(",")
        return (words, []) if alone else ([], words)
    if form := next((i for i, word in enumerate(words) if word.lower() in _ADDRESS_FORMS), 0):
        return words[form + 1 :], words[:form]
    if words and words[0].isupper() and len(words[0]) > 2 and not any(len(w) > 1 and w.isupper() for w in words[1:]):
        return words[1:], words[:1]
    start = next((i for i, word in enumerate(words[:-1]) if i and word.lower() in PARTICLES), len(words) - 1)
    if words and words[0].lower() in _FIRST_PARTICLES:
        start = 0
    return words[:start], words[start:]


def _cased(words: list[str]) -> str:
    text = " ".join(words)
    if not (text.isupper() or text.islower()):
        return text
    if len(words) == 1 and len(text) == 1:
        return text.upper()
    return " ".join(_cased_word(word, alone=len(words) == 1) for word in words)


def _cased_word(word: str, *, alone: bool) -> str:
    """``MCDONALD`` → McDonald, ``O'BRIEN`` → O'Brien, ``AP`` → ap. MACDONALD stays one word: Macey is no MacEy."""
    lowered = word.lower()
    if lowered in _SMALL and not alone:
        return lowered
    if lowered.startswith("mc") and len(lowered) > 3:
        return f"Mc{lowered[2:].capitalize()}"
    return "".join(part.capitalize() for part in _PARTS_OF_WORD.split(lowered))
