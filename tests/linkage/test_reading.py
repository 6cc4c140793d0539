"""Names, dates, codes and addresses as linkage reads them."""

import pytest

from services.linkage.reading.names import diminutives, fold, sound
from services.linkage.reading.normal import TRAITS, content, traits
from services.linkage.reading.places import NOWHERE, Address, read_address


def read(**identity: str) -> dict[str, str]:
    return {trait: value for trait, value in zip(TRAITS, traits(identity), strict=True) if value}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gruffydd", "griffith"), ("dafydd", "david"), ("ap rhys", "price"), ("ap hywel", "powell"),
        ("ab owen", "bowen"), ("ab evan", "bevan"), ("ap huw", "pugh"), ("llwyd", "lloyd"), ("sian", "shan"),
        ("nicholson", "nicolson"), ("meredith", "maredudd"), ("rhys", "reese"), ("catherine", "kathryn"),
    ],
)  # fmt: skip
def test_names_that_sound_alike_in_english_or_welsh_have_one_key(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_folding_takes_case_accents_and_control_characters_away() -> None:
    assert fold("  Siân\u202e O’Neill-\x00JONES ") == "sian oneill jones"


def test_a_whole_name_is_taken_apart() -> None:
    assert read(name="Dr Rhys Emlyn ap Gruffudd") == {
        "given": "rhys", "family": "ap gruffudd", "family_1": "gruffudd", "middle_1": "emlyn"
    }  # fmt: skip
    assert read(name="SMITH-JONES, Mary Ann")["family"] == "smith jones"
    assert read(given="Wm", family="Price")["given"] == "william"


@pytest.mark.parametrize("date", ["1900-01-01", "1901-01-01", "9999-12-31", "0001-01-01", "unknown", ""])
def test_placeholders_for_a_date_of_birth_are_missing(date: str) -> None:
    assert "date" not in read(birth_date=date)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("10 The Grange", Address("", "10", "grange")),
        ("Flat A 10 The Grange", Address("a", "10", "grange")),
        ("flat 3b, 12a High St", Address("3b", "12a", "high street")),
        ("Apt 4, 0017 Ffordd y Môr", Address("4", "17", "sea road")),
        ("3 Heol yr Orsaf", Address("", "3", "station road")),
        ("Fflat 2, Llys Derw, 4 Lôn y Felin", Address("2", "4", "llys derw mill lane")),
        ("12 Ffordd Caerdydd", Address("", "12", "road caerdydd")),
        ("Rose Cottage, Church Ln", Address("", "", "rose cottage church lane")),
        ("c/o Mrs Jones, 3 High Street", NOWHERE),
        ("No fixed abode", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_addresses_are_read(line: str, address: Address) -> None:
    assert read_address(line) == address


def test_a_date_is_compared_as_far_as_it_goes() -> None:
    assert [read(birth_date=text)["date"] for text in ("1987", "1987-06", "1987-02-31", "1630-08-01")] == [
        "19870000", "19870600", "19870231", "16300801",
    ]  # fmt: skip


def test_an_initial_is_a_name_and_a_stand_in_is_none() -> None:
    assert read(given="A", family="Mohammed")["given"] == "a"
    assert read(name="N Mary Jones") == {"given": "n", "middle_1": "mary", "family": "jones", "family_1": "jones"}
    assert "given" not in read(given="N/A", family="Mohammed")


def test_a_title_says_the_sex_where_nothing_else_does() -> None:
    assert [read(name=name).get("sex") for name in ("Mr Rhys Pugh", "MRS S PUGH", "Dr Pugh", "Mrhys Pugh")] == [
        "M", "F", None, None,
    ]  # fmt: skip
    assert read(name="Mr Pugh", sex="X")["sex"] == "X"


@pytest.mark.parametrize(("slip", "name"), [("tonny", "tony"), ("elizabteh", "elizabeth"), ("margret", "margaret")])
def test_a_slip_of_the_hand_hides_no_diminutive(slip: str, name: str) -> None:
    assert set(diminutives(slip)) & set(diminutives(name)) - {0}


@pytest.mark.parametrize(("name", "other"), [("ethan", "bethan"), ("holly", "olly"), ("ryan", "bryan")])
def test_a_name_of_its_own_is_nobodys_slip(name: str, other: str) -> None:
    assert not set(diminutives(name)) & set(diminutives(other)) - {0}


def test_what_is_like_no_known_name_has_no_other_form() -> None:
    assert [diminutives(name) for name in ("jones", "quetzal", "al-masri", "q")] == [(0, 0, 0)] * 4


def test_the_home_telephone_and_the_mobile_are_one_set() -> None:
    assert content(traits({"phone": "07700 900123"})) == content(traits({"mobile": "+447700900123"}))


def test_a_number_typed_to_get_past_the_form_is_missing() -> None:
    assert read(phone="00000000000", nhs_number="9999999999", email="none@none.com", reference="123456789") == {}
