"""English and Welsh: which is spoken, how it writes dates, and that no message lacks its Welsh."""

from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from shared.web import catalogue
from shared.web.catalogue import file_of, said_in, untranslated, update
from shared.web.language import chosen, languages

PROJECT = Path(catalogue.HERE).parent.parent
SHARED = catalogue.HERE
SERVICES = sorted(folder for folder in (PROJECT / "services").iterdir() if (folder / "__init__.py").exists())
EXAMPLE = Path(__file__).parent / "example"
FOLDERS = [SHARED, EXAMPLE, *SERVICES, PROJECT / "local" / "subject_access"]
ENGLISH, WELSH = (languages([SHARED / "locale"])[code] for code in ("en", "cy"))
MOMENT = datetime(2026, 7, 3, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_message_has_its_welsh(folder: Path) -> None:
    assert [f"{message.place}: {message.message}" for message in untranslated(folder)] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_catalogue_has_nothing_that_is_no_longer_said(folder: Path) -> None:
    if not file_of(folder).exists():
        pytest.skip(f"{folder.name} says nothing of its own yet")
    with file_of(folder).open("rb") as text:
        kept = {message.id for message in read_po(text, locale="cy") if message.id}
    assert kept == {message.id for message in update(folder) if message.id}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_translation_has_the_places_of_its_message(folder: Path) -> None:
    problems = [
        f"{message.id}: {problem}"
        for message in catalogue.translated(folder)
        for problem in message.check(Catalog("cy"))
        if message.id
    ]
    assert problems == []


def test_messages_are_found_in_templates_and_in_python() -> None:
    said = {message.id for message in said_in(EXAMPLE)}
    assert {"Why this alert", "You acknowledged the alert about %(name)s."} <= said


@pytest.mark.parametrize(
    ("cookie", "accepted", "locale", "spoken"),
    [
        ("cy", "en", "en", "cy"),
        (None, "cy-GB,cy;q=0.9,en;q=0.5", "", "cy"),
        (None, "en;q=0.5, cy;q=0.9", "", "cy"),
        (None, "fr, cy;q=0", "cy", "cy"),
        (None, "fr;q=bad, de", "", "en"),
        (None, "", "cy", "cy"),
        ("fr", "", "", "en"),
        (None, "", "", "en"),
    ],
)
def test_what_a_person_chose_comes_before_browser_and_issuer(
    cookie: str | None, accepted: str, locale: str, spoken: str
) -> None:
    assert chosen(cookie, accepted, locale) == spoken


def test_dates_and_numbers_are_written_as_readers_write_them() -> None:
    assert ENGLISH.moment(MOMENT) == "3 July 2026, 14:05"
    assert WELSH.moment(MOMENT) == "3 Gorffennaf 2026, 14:05"
    assert WELSH.day(date(2026, 11, 3)) == "3 Tachwedd 2026"
    assert WELSH.hour(MOMENT) == "14:05"
    assert (WELSH.number(12345.5), ENGLISH.percent(0.123)) == ("12,345.5", "12%")


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        ENGLISH.moment(datetime(2026, 7, 3))  # noqa: DTZ001


def test_a_text_in_both_languages_is_chosen_from() -> None:
    assert WELSH.choose({"en": "Fire", "cy": "Tân"}) == "Tân"
    assert WELSH.choose({"en": "Fire"}) == "Fire"


def test_the_switch_is_remembered_and_leads_back(signed_in: httpx.Client) -> None:
    page = signed_in.get("/example/language", params={"to": "cy", "back": "/example/?page=2"})
    assert str(page.url).endswith("/example/?page=2")
    assert '<html lang="cy"' in page.text
    assert page.headers["content-language"] == "cy"
    assert "Rhybuddion – Jigsaw" in page.text
    assert '<html lang="cy"' in signed_in.get("/example/accessibility").text


def test_the_issuers_locale_counts_for_a_browser_that_says_nothing(browser: httpx.Client, tell) -> None:  # type: ignore[no-untyped-def]
    tell(person="nest")
    browser.headers["Accept-Language"] = "*"
    assert '<html lang="cy"' in browser.get("/example/").text


def test_welsh_counts_by_its_own_rule_not_by_the_english_one() -> None:
    welsh = languages([PROJECT / "services" / "linkage" / "locale", SHARED / "locale"])["cy"]
    said = [welsh.ngettext("%(num)s record", "%(num)s records", count) for count in (1, 2, 3, 4, 6)]
    assert said == ["1 cofnod", "2 gofnod", "3 chofnod", "4 cofnod", "6 chofnod"]
