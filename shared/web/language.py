"""English and Welsh. The English sentence is the message id; `.po` files are read at the start, none is compiled."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from fastapi import Request

LANGUAGES = {"en": "English", "cy": "Cymraeg"}
DEFAULT = "en"
ZONE = ZoneInfo("Europe/London")
When = TypeVar("When", date, datetime)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translated later", known to every extractor
    """Marks a message for the catalogue where no viewer's language is known yet."""
    return message


@dataclass(frozen=True)
class Language:
    """One language: its code and messages; says days, moments and numbers as its readers write them."""

    code: str
    catalogue: NullTranslations

    @property
    def name(self) -> str:
        """ "English", "Cymraeg"."""
        return LANGUAGES[self.code]

    @property
    def locale(self) -> Locale:
        """Both languages as written in the United Kingdom."""
        return Locale(self.code, "GB")

    def gettext(self, message: str, **values: object) -> str:
        """The message in this language, ``%(name)s`` filled in."""
        said = self.catalogue.ugettext(message) if message else ""  # gettext keeps the catalogue's header under ""
        return said % values if values else said

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """As gettext, in the form the count asks for (our Welsh catalogues tell five)."""
        return self.catalogue.ungettext(one, many, count) % {"num": count, **values}

    def choose(self, texts: Mapping[str, str] | str) -> str:
        """One of {"en": …, "cy": …}, as the card of a model carries them; English when Welsh is missing."""
        return texts if isinstance(texts, str) else texts.get(self.code) or texts[DEFAULT]

    def day(self, when: date) -> str:
        """3 November 2026 · 3 Tachwedd 2026."""
        return dates.format_date(local(when), "d MMMM y", self.locale)

    def moment(self, when: datetime) -> str:
        """3 November 2026, 14:05 · 3 Tachwedd 2026, 14:05, in British time."""
        return dates.format_datetime(local(when), "d MMMM y, HH:mm", locale=self.locale)

    def hour(self, when: datetime | time) -> str:
        """14:05, in British time."""
        return dates.format_time(local(when) if isinstance(when, datetime) else when, "HH:mm", locale=self.locale)

    def number(self, number: float) -> str:
        """12,345 · 0.25."""
        return numbers.format_decimal(number, locale=self.locale)

    def percent(self, share: float) -> str:
        """0.123 is 12%."""
        return numbers.format_percent(share, locale=self.locale)


def local(when: When) -> When:
    """British time; a datetime without a zone is refused, because nobody knows what it means."""
    if not isinstance(when, datetime):
        return when
    if when.tzinfo is None:
        raise ValueError(f"{when!r} has no time zone: pass an aware datetime")
    return when.astimezone(ZONE)


def languages(catalogues: Iterable[Path]) -> dict[str, Language]:
    """By code, with the messages of the ``locale`` folders (``cy/LC_MESSAGES/messages.po`` in each); the first wins."""
    english = Language("en", NullTranslations())
    welsh = Translations()
    files = [folder / "cy" / "LC_MESSAGES" / "messages.po" for folder in catalogues]
    for file in reversed([file for file in files if file.exists()]):
        found = _translations(file, "cy")
        welsh.merge(found)
        welsh.plural = found.plural  # merge() takes the messages and leaves the rule for their forms
    return {"en": english, "cy": Language("cy", welsh)}


def _translations(file: Path, code: str) -> Translations:
    compiled = io.BytesIO()
    with file.open("rb") as text:
        write_mo(compiled, read_po(text, locale=code))
    compiled.seek(0)
    return Translations(compiled)


def chosen(cookie: str | None, accepted: str, locale: str) -> str:
    """The language to speak: what the person chose, else what the browser asks for, else what the issuer says."""
    if cookie in LANGUAGES:
        return str(cookie)
    for code in [*_preferred(accepted), locale[:2].lower()]:
        if code in LANGUAGES:
            return code
    return DEFAULT


def _preferred(accepted: str) -> list[str]:
    """Primary codes of an Accept-Language header, best first (RFC 9110 §12.5.4); what cannot be read is left out."""
    weighed = []
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    return [code for weight, code in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def language(request: Request) -> Language:
    """FastAPI dependency: the language of this request."""
    spoken: Language = request.state.language
    return spoken
