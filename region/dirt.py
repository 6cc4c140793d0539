"""The dirt of real data: what happens to a value between the person and the screen."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from random import Random

from region.spellings import OTHER_SPELLINGS, SHORT_FORMS

_NEAR = "wa es rd ft gy hu ji ko lp o sq da fs gd hf jg kh lj k xs cz vx bc nv mb n"
_KEYBOARD = dict(zip("qwertyuiopasdfghjklzxcvbnm", _NEAR.split(" "), strict=True))
# How one sound is spelt in other ways; the first found in a name is written in another.
_SOUNDS: Sequence[tuple[str, str]] = (
    ("ff", "f"), ("ph", "f"), ("dd", "th"), ("ll", "l"), ("ae", "ai"), ("ie", "ei"), ("ey", "y"), ("ck", "k"),
    ("ch", "c"), ("th", "t"), ("y", "i"), ("w", "u"), ("ai", "ay"), ("ee", "ea"), ("s", "z"), ("nn", "n"), ("tt", "t"),
)  # fmt: skip
_STREET_SHORT = (
    ("Road", "Rd"), ("Street", "St"), ("Avenue", "Ave"), ("Lane", "Ln"), ("Close", "Cl"), ("Drive", "Dr"),
    ("Crescent", "Cres"), ("Stryd", "Str"), ("Flat", "Flt"), ("Ffordd", "Ffd"),
)  # fmt: skip
_ACCENTS = str.maketrans(
    "âêîôûŵŷáéíóúàèëïöüłńśźżąęćñçÂÊÎÔÛŴŶÁÉÍÓÚŁŃŚŹŻ", "aeiouwyaeiouaeeioulnszzaecncAEIOUWYAEIOULNSZZ"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLACEHOLDERS = (date(1900, 1, 1), date(1900, 1, 1), date(1901, 1, 1), date(1970, 1, 1))


def typo(rng: Random, text: str) -> str:
    """One slip of the keyboard: two letters swapped, one left out, doubled, or hit beside the key."""
    if len(text) < 3:
        return text
    at = rng.randrange(1, len(text) - 1)
    letter = text[at]
    match rng.randrange(4):
        case 0:
            return text[:at] + text[at + 1] + letter + text[at + 2 :]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return text[:at] + letter + text[at:]
        case _:
            return text[:at] + rng.choice(_KEYBOARD.get(letter.lower(), letter)) + text[at + 1 :]


def misheard(rng: Random, name: str) -> str:
    """The name as somebody spells it who has only heard it."""
    if others := OTHER_SPELLINGS.get(name):
        return rng.choice(others)
    fitting = [(sound, other) for sound, other in _SOUNDS if sound in name[1:].lower()]
    if not fitting:
        return typo(rng, name)
    sound, other = rng.choice(fitting)
    at = name.lower().index(sound, 1)
    return name[:at] + other + name[at + len(sound) :]


def short_form(rng: Random, given: str) -> str:
    """What the person is called every day; the name itself when no short form is known."""
    return rng.choice(SHORT_FORMS.get(given, (given,)))


def unaccented(text: str) -> str:
    """As a system without accents keeps it: Siân becomes Sian."""
    return text.translate(_ACCENTS)


def wrong_day(rng: Random, day: date) -> date:
    """A date of birth written down wrong: day and month swapped, a digit out, or a placeholder."""
    chance = rng.random()
    if chance < 0.35 and day.day <= 12:
        return date(day.year, day.day, day.month)
    if chance < 0.75:
        return _one_figure_out(rng, day)
    if chance < 0.88:
        return date(day.year, 1, 1)
    return rng.choice(_PLACEHOLDERS)


def _one_figure_out(rng: Random, day: date) -> date:
    """The day, the month or the year is out by a little."""
    match rng.randrange(3):
        case 0:
            return day.replace(day=max(1, min(28, day.day + rng.choice((-10, -1, 1, 10)))))
        case 1:
            return day.replace(month=(day.month + rng.choice((-1, 1)) - 1) % 12 + 1, day=min(day.day, 28))
        case _:
            return day.replace(year=day.year + rng.choice((-10, -1, -1, 1, 1)), day=min(day.day, 28))


DATES: Mapping[str, Callable[[date], str]] = {
    "iso": lambda d: d.isoformat(),
    "slashes": lambda d: f"{d.day:02d}/{d.month:02d}/{d.year}",
    "dashes": lambda d: f"{d.day}-{d.month}-{d.year}",
    "dots": lambda d: f"{d.day:02d}.{d.month:02d}.{d.year}",
    "eight": lambda d: f"{d.year}{d.month:02d}{d.day:02d}",
    "words": lambda d: f"{d.day} {_MONTHS[d.month - 1]} {d.year}",
    "midnight": lambda d: f"{d.isoformat()}T00:00:00",
}


def written_address(rng: Random, address: str) -> str:
    """An address as it is typed: abbreviated, without commas, or with its flat in another place."""
    match rng.randrange(4):
        case 0:
            for long, short in _STREET_SHORT:
                address = address.replace(long, short)
            return address
        case 1:
            return address.replace(",", "")
        case 2 if address.startswith(("Flat ", "Fflat ")):
            return address.replace("Flat ", "", 1).replace("Fflat ", "", 1)
        case _:
            return typo(rng, address)


def written_postcode(rng: Random, postcode: str) -> str:
    """Without its space, in lower case, cut short, or with a letter for a figure."""
    match rng.randrange(6):
        case 0 | 1 | 2:
            return postcode.replace(" ", "")
        case 3:
            return postcode.lower()
        case 4:
            return postcode[:-1]
        case _:
            return postcode[:-3] + postcode[-3:].replace("0", "O").replace("1", "I")


def written_number(rng: Random, digits: str) -> str:
    """A telephone or NHS number in another layout, now and then with two digits swapped."""
    bare = digits.replace(" ", "")
    match rng.randrange(8):
        case 0 | 1 if len(bare) == 11:
            return f"+44 {bare[1:5]} {bare[5:]}"
        case 2 | 3:
            return f"{bare[:5]} {bare[5:]}" if len(bare) == 11 else f"{bare[:3]} {bare[3:6]} {bare[6:]}"
        case 4 | 5:
            return f"{bare[:5]}-{bare[5:8]}-{bare[8:]}" if len(bare) == 11 else bare
        case 6:
            at = rng.randrange(4, len(bare) - 1)
            return bare[:at] + bare[at + 1] + bare[at] + bare[at + 2 :]
        case _:
            return bare
