"""Normal forms: what offices write, and what a person would have written."""

import re
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.contracts import Kind
from shared.normal import Finding, normalise
from shared.normal.addresses import address, postcode, postcode_within
from shared.normal.contacts import email, phone
from shared.normal.dates import birth_date
from shared.normal.identifiers import company_number, nhs_number, nino, sex, uprn, vehicle
from shared.normal.names import family, parsed, whole
from shared.normal.subjects import READERS
from shared.normal.text import clean, plain

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "first", "middle", "last"),
    [
        ("Fred Smith", "Fred", "", "Smith"),
        ("SMITH, Fred", "Fred", "", "Smith"),
        ("SMITH, Dr Fred Arthur", "Fred", "Arthur", "Smith"),
        ("Jones Mr Fred", "Fred", "", "Jones"),
        ("SMITH Fred", "Fred", "", "Smith"),
        ("Smith, Mr", "", "", "Smith"),
        ("Mrs Smith", "", "", "Smith"),
        ("Dave", "Dave", "", ""),
        ("Fred Smith, Jr", "Fred", "", "Smith"),
        ("Cllr Non Evans OBE (deceased)", "Non", "", "Evans"),
        ("Y Parch Dafydd Jones", "Dafydd", "", "Jones"),
        ("J.R.R. Tolkien", "J", "R R", "Tolkien"),
        ("Rhys ap Dafydd", "Rhys", "", "ap Dafydd"),
        ("ap Rhys, Dafydd", "Dafydd", "", "ap Rhys"),
        ("GWENLLIAN FERCH LLYWELYN", "Gwenllian", "", "ferch Llywelyn"),
        ("Owain ap Gruffydd ap Cynan", "Owain", "", "ap Gruffydd ap Cynan"),
        ("van der Berg, Jan", "Jan", "", "van der Berg"),
        ("Maria de la Cruz", "Maria", "", "de la Cruz"),
        ("Mohamed Al Hussein", "Mohamed", "", "Al Hussein"),
        ("Al Smith", "Al", "", "Smith"),
        ("Ian St. John", "Ian", "", "St John"),
        ("MARY-JANE O’BRIEN", "Mary-Jane", "", "O'Brien"),
        ("Siân Lloyd - Jones", "Siân", "", "Lloyd-Jones"),
        ("RONALD MCDONALD", "Ronald", "", "McDonald"),
        ('William "Bill" Jones', "William", "", "Jones"),
        ("Fred Smith aka Freddy", "Fred", "", "Smith"),
        ("Li Wei MA", "Li", "Wei", "Ma"),
    ],
)
def test_a_name_on_one_line_comes_apart(text: str, first: str, middle: str, last: str) -> None:
    name = parsed(whole(text)[0])
    assert (name.given, name.middle, name.family, name.reason) == (first, middle, last, "")


@pytest.mark.parametrize("text", ["Mary Smith née Jones", "Mary Smith (nee JONES)", "Mary Smith (formerly Jones)"])
def test_the_name_at_birth_is_taken_from_the_line(text: str) -> None:
    name = parsed(text)
    assert (name.given, name.family, name.birth_family) == ("Mary", "Smith", "Jones")


@pytest.mark.parametrize(
    "text", ["Mr & Mrs J Smith", "J and A Smith", "Mr J Smith and Mrs A Jones", "Smith J / Smith A"]
)
def test_of_a_couple_the_first_is_taken_and_said_so(text: str) -> None:
    name = parsed(text)
    assert name.reason == "several_people"
    assert "J" in (name.given, name.family)


def test_mr_null_keeps_his_name_and_mr_unknown_has_none() -> None:
    assert family("NULL") == ("Null", "")
    assert whole("Unknown Male") == ("", "placeholder")
    assert whole("A N OTHER") == ("", "placeholder")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1990-03-04", "1990-03-04"),
        ("1990-03-04T00:00:00Z", "1990-03-04"),
        ("04/03/1990 00:00:00", "1990-03-04"),
        ("4-3-1990", "1990-03-04"),
        ("04.03.90", "1990-03-04"),
        ("03/25/1990", "1990-03-25"),
        ("4 March 1990", "1990-03-04"),
        ("4th Mar, 90", "1990-03-04"),
        ("March 4, 1990", "1990-03-04"),
        ("4 Mawrth 1990", "1990-03-04"),
        ("4ydd o Fawrth 1990", "1990-03-04"),
        ("Dydd Sul, 4 Mawrth 1990", "1990-03-04"),
        ("1 Gorff. 1999", "1999-07-01"),
        ("19900304", "1990-03-04"),
        ("04031990", "1990-03-04"),
        ("32936", "1990-03-04"),
        ("32936.0", "1990-03-04"),
        ("01.02.26", "2026-02-01"),
        ("01.02.27", "1927-02-01"),
        ("1900-01-01", "1900-01-01"),
    ],
)
def test_a_date_is_read_as_offices_here_write_it(text: str, day: str) -> None:
    assert birth_date(text, TODAY) == (day, "")


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        ("31/02/1990", "1990-02-31", "date_impossible"),
        ("1856-86-18", "1856-86-18", "date_impossible"),
        ("1990", "1990", "date_incomplete"),
        ("March 1990", "1990-03", "date_incomplete"),
        ("03/1990", "1990-03", "date_incomplete"),
        ("1990-03", "1990-03", "date_incomplete"),
        ("1990-77", "1990", "date_incomplete"),
        ("next week", "", "date_unreadable"),
        ("2090-01-01", "2090-01-01", "date_out_of_range"),
        ("1630-08-01", "1630-08-01", "date_out_of_range"),
        ("N/K", "", "placeholder"),
    ],
)
def test_a_date_that_cannot_be_is_a_finding_and_what_it_says_is_kept(text: str, kept: str, reason: str) -> None:
    assert birth_date(text, TODAY) == (kept, reason)


@given(st.dates(min_value=date(1900, 1, 1), max_value=TODAY))
def test_every_date_survives_day_first_iso_and_excel(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    ways = [day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day:%-d %B %Y}", f"{day:%Y%m%d}"]
    ways += [str(serial)] if serial >= 10_000 else []
    assert {birth_date(way, TODAY) for way in ways} == {(day.isoformat(), "")}


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("nw1 0aa", ("NW1 0AA", "")),
        ("NW10AA", ("NW1 0AA", "")),
        ("NW1 OAA", ("NW1 0AA", "repaired")),
        ("ZZ99 3VZ", ("", "placeholder")),
        ("nowhere", ("nowhere", "postcode_unreadable")),
    ],
)
def test_postcodes(text: str, reading: tuple[str, str]) -> None:
    assert postcode(text) == reading


def test_an_address_gives_up_its_postcode_and_its_capitals() -> None:
    text = "FLAT 2B,\n12 HIGH STREET,, ABERWERN, SA1 1AA"
    assert address(text) == ("Flat 2B, 12 High Street, Aberwern", "")
    assert postcode_within(text) == "SA1 1AA"
    assert address("No fixed abode") == ("", "placeholder")


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("01632 960123", ("+441632960123", "")),
        ("(029) 2018 0123", ("+442920180123", "")),
        ("+44 (0)7700 900123", ("+447700900123", "")),
        ("7700900123", ("+447700900123", "")),
        ("07700 900123 / 01632 960123", ("+447700900123", "")),
        ("+33 1 23 45 67 89", ("+33123456789", "")),
        ("01632960123 ext 4", ("+441632960123", "")),
        ("960123", ("960123", "phone_unreadable")),
        ("07777777777", ("", "placeholder")),
        ("0123456789", ("", "placeholder")),
    ],
)
def test_phones(text: str, reading: tuple[str, str]) -> None:
    assert phone(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("Fred.Smith@Example.COM", ("fred.smith@example.com", "")),
        ("<fred@nhs.uk>", ("fred@nhs.uk", "")),
        ("siân@cymru.wales", ("siân@cymru.wales", "")),
        ("fred@gmail", ("fred@gmail", "email_unreadable")),
        ("fred..smith@example.com", ("fred..smith@example.com", "email_unreadable")),
        ("fred", ("", "email_unreadable")),
        ("none@none.com", ("", "placeholder")),
    ],
)
def test_emails(text: str, reading: tuple[str, str]) -> None:
    assert email(text) == reading


def test_numbers_of_registers() -> None:
    assert nhs_number("943 476 5919") == ("9434765919", "")
    assert nhs_number("943 476 5918") == ("9434765918", "check_digit")
    assert nhs_number("9999999999") == ("", "placeholder")  # its check digit is right
    assert nino("ab 12 34 56 c") == ("AB123456C", "")
    doubtful = ("BG123456A", "QQ123456C", "AB123456", "AO123456A")
    assert [nino(text) for text in doubtful] == [(text, "nino_unreadable") for text in doubtful]
    assert [nino(text)[0] for text in ("TN010190F", "see file")] == ["", ""]
    assert uprn("000100012345.0") == ("100012345", "")
    assert uprn("1.00012E+11") == ("", "uprn_unreadable")
    assert company_number("123123") == ("00123123", "")
    assert company_number("sc 123456") == ("SC123456", "")
    assert vehicle("ab12 cde") == ("AB12CDE", "")
    assert [sex(text)[0] for text in ("Female", "2", "Gwryw", "x", "not known")] == ["F", "F", "M", "X", ""]


def test_what_was_hidden_or_misencoded_is_put_right_and_said() -> None:
    assert clean("SiÃ¢n") == ("Siân", "misencoded")
    assert clean("a\u202eb\x00\u200b") == ("ab", "hidden_characters")
    assert clean("  a\u00a0\t b ") == ("a b", "")
    assert clean("Sia\u0302n") == ("Siân", "")
    assert [plain(text)[0] for text in ("N/A", "-", "TBC", "???", "Anhysbys")] == [""] * 5


def test_a_person_in_normal_form() -> None:
    identity, findings = normalise(
        "person",
        {"name": "SMITH, Fred (né Jones)", "birth_date": "3 o Fawrth 1990", "address": "12 HIGH ST, SA1 1AA",
         "phone": "07700 900123", "nhs_number": "9434765918", "sex": "", "occupation": "x" * 1_000_000},
        TODAY,
    )  # fmt: skip
    assert identity == {
        "name": "SMITH, Fred (né Jones)", "given": "Fred", "family": "Smith", "birth_family": "Jones",
        "birth_date": "1990-03-03", "address": "12 High St", "postcode": "SA1 1AA", "phone": "+447700900123",
        "nhs_number": "9434765918",
    }  # fmt: skip
    assert findings == [Finding("nhs_number", "check_digit"), Finding("occupation", "too_long")]


def test_a_whole_name_in_the_field_for_the_surname_comes_apart() -> None:
    identity, _ = normalise("person", {"family": "Smith, Fred"})
    assert (identity["given"], identity["family"]) == ("Fred", "Smith")


_FIELDS = {
    kind: st.dictionaries(st.sampled_from(sorted(readers)), st.text(max_size=60)) for kind, readers in READERS.items()
}


@settings(max_examples=300)
@given(st.sampled_from(Kind).flatmap(lambda kind: st.tuples(st.just(kind), _FIELDS[kind])))
def test_whatever_comes_in_what_goes_out_is_clean(published: tuple[Kind, dict[str, str]]) -> None:
    kind, fields = published
    identity, findings = normalise(kind, fields, TODAY)
    for field, value in identity.items():
        assert value.strip() == value
        assert value.isprintable()
        assert len(value) <= 310
        if field == "birth_date":
            assert re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", value)
    assert {finding.field for finding in findings} <= set(fields)


_LETTERS = st.text(st.sampled_from("abcDEF âêîôûŵŷ -'.,/0123456789@"), max_size=40)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(READERS[Kind.PERSON])), _LETTERS))
@example({"given": "D..-"})
@example({"given": "D-,.0"})
@example({"given": "0. -D"})
def test_normal_form_is_its_own_normal_form(fields: dict[str, str]) -> None:
    once, _ = normalise(
        "person", {field: text for field, text in fields.items() if field not in {"name", "family"}}, TODAY
    )
    again, _ = normalise("person", once, TODAY)
    assert again == once
