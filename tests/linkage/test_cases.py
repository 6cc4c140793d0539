"""Whom the index takes for one person, and whom never: the cases that matter, under the model that ships."""

from datetime import date, timedelta
from random import Random

import pytest

from services.linkage.index.changes import Decide, Remove, Upsert
from services.linkage.index.entities import MOST_TOGETHER
from tests.linkage.people import Identity, are_one, groups, index_of, record
from tests.linkage.test_golden import SOURCES

HOME = {"address": "14 Castle Street", "town": "Aberwern", "postcode": "AW1 8FZ"}
SIAN: Identity = {"given": "Siân", "family": "Pritchard", "birth_date": "1987-06-14", "sex": "F", **HOME}


def changed(**fields: str) -> Identity:
    """Siân's record with some fields changed; empty ones are left out."""
    return {name: value for name, value in {**SIAN, **fields}.items() if value}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"given": "Siân"}, {"given": "Sian"}),
        ({"given": "Dafydd", "sex": "M"}, {"given": "David", "sex": "M"}),
        ({"given": "Gruffydd", "sex": "M"}, {"given": "Griffith", "sex": "M"}),
        ({"given": "Margaret"}, {"given": "Peggy"}),
        ({"given": "Elizabeth"}, {"given": "Beth"}),
        ({"family": "Gruffydd"}, {"family": "Griffiths"}),
        ({"family": "ap Rhys"}, {"family": "Price"}),
        ({"family": "Llwyd"}, {"family": "Lloyd"}),
        ({"given": "Pritchard", "family": "Siân"}, {}),
        ({"given": "Prichard", "family": "Siân"}, {}),
        ({"given": "Malgorzata"}, {"given": "Gosia"}),
        ({"given": "Muhammad", "sex": "M"}, {"given": "Mo", "sex": "M"}),
        ({"family": "Pritchard-Jones"}, {}),
        ({"family": "Pritchard Jones"}, {"family": "Jones"}),
        ({"family": "Bowen", "birth_family": "Pritchard"}, {}),
        ({"family": "Bowen"}, {"family": "Pritchard", "birth_family": ""}),
        ({"birth_date": "1987-06-04"}, {"birth_date": "1987-04-06"}),
        ({"birth_date": "1987-06-14"}, {"birth_date": "1978-06-14"}),
        ({"birth_date": "1900-01-01"}, {}),
        ({"birth_date": "1900-01-01"}, {"birth_date": "1901-01-01"}),
        ({"birth_date": "1987-06"}, {}),
        ({"birth_date": "1987-06-31"}, {}),
        ({"birth_date": "1987-07-02"}, {}),
        ({"given": "S"}, {}),
        ({"given": "Anthony", "sex": "M"}, {"given": "Tonny", "sex": "M"}),
        ({"given": "Siân", "middle": "Mair"}, {"given": "Mair", "middle": "S"}),
        ({"given": "Sain"}, {}),
        ({"postcode": "AW1 8FX"}, {"address": "14 Castle St"}),
        ({"address": "2 New Road", "town": "Wigmoor", "postcode": "AW7 2QU"}, {}),
        ({"given": "", "family": "", "name": "Siân Pritchard"}, {}),
        ({"given": "", "family": "", "name": "PRITCHARD, Sian"}, {}),
    ],
)
def test_one_person_written_twice_is_one(one: Identity, other: Identity) -> None:
    assert are_one(changed(**one), changed(**other))


@pytest.mark.parametrize(("given", "middle"), [("Noah", "Nicholas"), ("Noah", "N"), ("Noah", "Nick")])
def test_two_given_names_in_the_other_order_are_one_persons(given: str, middle: str) -> None:
    one = {"given": "Nicholas", "middle": "Noah", "family": "Cook", **HOME}
    other = {"given": given, "middle": middle, "family": "Cook", **HOME}
    brother = {"given": "Noah", "middle": "Samuel", "family": "Cook", **HOME}
    assert are_one(one, other)
    assert not are_one(one, brother)


def test_a_street_with_an_english_and_a_welsh_name_is_one_street() -> None:
    index = index_of([SIAN, changed(address="14 Stryd y Castell")])
    assert next(field.level for field in index.why(record(0), record(1)).fields if field.field == "address") == "same"


def test_twins_at_one_address_stay_two_people() -> None:
    twin = {"family": "Hopkins", "birth_date": "2014-09-03", "phone": "+441597960912", **HOME}
    erin, ffion = twin | {"given": "Erin", "sex": "F"}, twin | {"given": "Isabella", "sex": "F"}
    assert not are_one(erin, ffion)
    more = [erin | {"phone": ""}, ffion | {"email": "hopkins@post.test"}]
    assert len(groups(index_of([erin, ffion, *more, erin, ffion]))) == 2


def test_twins_that_a_whole_county_writes_down_stay_two_people() -> None:
    twin = {"family": "Hopkins", "birth_date": "2014-09-03", "phone": "+441597960912", **HOME}
    erin = twin | {"given": "Erin", "sex": "F", "middle": "Haf"}
    efa = twin | {"given": "Efa", "sex": "F", "middle": "Haf"}
    ways: list[Identity] = [{}, {"town": ""}, {"phone": ""}, {"address": ""}, {"reference": "P0071"}, {"middle": ""}]
    records = [{name: text for name, text in {**one, **way}.items() if text} for one in (erin, efa) for way in ways[:4]]
    assert groups(index_of(records)) == {frozenset(map(record, range(4))), frozenset(map(record, range(4, 8)))}


def test_twins_stay_two_people_when_one_has_moved() -> None:
    twin = {"family": "Hopkins", "birth_date": "2002-09-03", "phone": "+441597960912", "sex": "F"}
    away = {"address": "2 New Road", "town": "Wigmoor", "postcode": "AW7 2QU"}
    assert not are_one(twin | HOME | {"given": "Erin"}, twin | away | {"given": "Isabella"})


def test_one_child_under_two_names_is_one_when_the_health_service_says_so() -> None:
    child = {"family": "Hopkins", "birth_date": "2014-09-03", "nhs_number": "9434765919", **HOME}
    assert are_one(child | {"given": "Erin"}, child | {"given": "Isabella"})


def test_father_and_son_of_one_name_stay_two_people() -> None:
    name = {"given": "Rhodri", "family": "Vaughan", "sex": "M", "phone": "+441597960877", **HOME}
    father, son = name | {"birth_date": "1961-02-20"}, name | {"birth_date": "1993-11-07"}
    assert not are_one(father, son)
    index = index_of([father, son, father | {"email": "rv@post.test"}, son | {"town": "Aber Wern"}, father, son])
    assert len(index.entities()) == 2


def test_namesakes_with_e_mail_addresses_made_of_their_name_stay_two_people() -> None:
    one = {
        "given": "Alfred",
        "family": "Green",
        "email": "alfred.green8@post.test",
        "town": "Aberwern",
        "postcode": "AW1 8FZ",
    }
    other = {
        "given": "Alfred",
        "family": "Green",
        "email": "alfred.green33@post.test",
        "town": "Wigmoor",
        "postcode": "AW7 2QU",
    }
    assert not are_one(one, other)


def test_people_of_one_household_stay_as_many_as_they_are() -> None:
    home = {"family": "Okafor", "phone": "+441597960415", "email": "okafor.family@post.test", **HOME}
    people = [
        home | {"given": "Chidi", "birth_date": "1979-03-12", "sex": "M"},
        home | {"given": "Ngozi", "birth_date": "1981-08-30", "sex": "F"},
        home | {"given": "Emeka", "birth_date": "2009-01-19", "sex": "M"},
        home | {"given": "Ada", "birth_date": "2011-05-04", "sex": "F"},
    ]
    assert len(groups(index_of(people * 2))) == len(people)


def test_a_number_that_contradicts_everything_else_does_not_decide() -> None:
    other = {"given": "Marek", "family": "Wojcik", "birth_date": "1958-12-01", "sex": "M",
             "address": "3 Mill Lane", "town": "Wigmoor", "postcode": "AW7 1XQ"}  # fmt: skip
    assert not are_one({**SIAN, "nhs_number": "9434765919"}, {**other, "nhs_number": "9434765919"})


def test_two_numbers_of_one_person_do_not_part_them() -> None:
    """A number was mistyped, or belongs to somebody else: all the rest agrees."""
    assert are_one(changed(nhs_number="9434765919"), changed(nhs_number="9434765870", phone="+441597960001"))
    assert are_one(changed(nino="AB123456C"), changed(nino="PZ654321A", email="sian@post.test"))


def test_a_telephone_and_an_e_mail_that_two_share_make_nobody_one() -> None:
    shared = {"phone": "+441597960415", "email": "the.thomases@post.test"}
    assert not are_one(
        shared | {"given": "Gareth", "family": "Thomas", "birth_date": "1971-03-12"},
        shared | {"given": "Nia", "family": "Thomas", "birth_date": "1974-08-30"},
    )


def test_partners_that_have_nobody_in_common_need_more_to_be_of_one() -> None:
    """Under the shipped model: no child pays council tax, so there the same name at the same home is the parent's."""
    name = {"given": "Jack", "family": "Vaughan", **HOME}
    pupil = name | {"birth_date": "2014-07-04", "reference": "P0071"}
    weights = [
        index_of([name | {"source": source}, pupil | {"source": "schools"}]).why(record(0), record(1)).bits
        for source in ("council-tax", "hospital", "somebody new")
    ]
    assert weights[0] < weights[2]
    assert weights[0] < weights[1]


def test_nobody_who_is_at_school_pays_council_tax_whoever_says_when_they_were_born() -> None:
    """Under the shipped model, which was told nothing of ages: a parent and a child of one name at one home."""
    name = {"given": "Jack", "family": "Vaughan", **HOME}
    taxed = name | {"source": "council-tax"}
    weights = [
        index_of([taxed, name | {"source": "hospital", "birth_date": born}]).why(record(0), record(1)).bits
        for born in ("1981-07-04", "2017-07-04")
    ]
    assert weights[0] > 2
    assert weights[1] < weights[0] - 3


def test_initials_that_are_the_same_are_no_more_than_initials() -> None:
    home = {"address": "14 Castle Street", "postcode": "AW1 8FZ"}
    same = [home | {"given": "E", "middle": "M", "family": "Lewis"}] * 2
    initial = [same[0], home | {"given": "Eileen", "middle": "Mary", "family": "Lewis"}]
    fields = [
        {one.field: one.level for one in index_of([one | {"source": s} for one, s in zip(pair, "ab", strict=True)])
         .why(record(0), record(1)).fields}
        for pair in (same, initial)
    ]  # fmt: skip
    assert [(found["given"], found["middle"]) for found in fields] == [("initial", "alike or initial")] * 2


def test_two_streets_are_not_alike_for_being_streets() -> None:
    broad, east, y_castell = (
        {"given": "David", "family": "White", "address": address}
        for address in ("35 Broad Street", "35 East Street", "35 Stryd Broad")
    )
    levels = [
        {one.field: one.level for one in index_of([broad, other]).why(record(0), record(1)).fields}["address"]
        for other in (east, y_castell)
    ]
    assert levels == ["number only", "alike"]


def test_an_address_of_four_hundred_people_makes_nobody_one() -> None:
    hall = {"address": "Wern Hall, University Way", "postcode": "AW1 5GJ", "town": "Aberwern"}
    given = [
        "Tom", "Ada", "Omar", "Beca", "Kofi", "Zara", "Ivan", "Mali", "Noor", "Huw",
        "Anya", "Bryn", "Cara", "Dev", "Ella", "Finn", "Gwen", "Hugo", "Iona", "Jia",
    ]  # fmt: skip
    family = [
        "Abbott", "Bellamy", "Chadwick", "Dunn", "Eze", "Frost", "Gill", "Hale", "Ito", "Judd",
        "Khan", "Lunt", "Moss", "Nkemelu", "Odell", "Pugh", "Quinn", "Rees", "Shaw", "Todd",
    ]  # fmt: skip
    rng = Random(4)
    people = [
        {"given": g, "family": f, "birth_date": str(date(1945, 1, 1) + timedelta(days=rng.randrange(22_000))), **hall}
        for g in given
        for f in family
    ]
    index = index_of(people)
    assert len(index.entities()) == len(people)
    assert index.overflowing > 0, "the address overflows, and is counted"


def test_the_first_house_of_a_hundred_high_streets_is_no_crowds_address() -> None:
    people = [
        {"given": f"Given{n}", "family": f"Family{n}", "address": "1 High Street", "town": f"Tre{chr(97 + n % 26) * 4}"
         f"{chr(97 + n // 26) * 3}", "postcode": f"AW{n} 1AA"}
        for n in range(100)
    ]  # fmt: skip
    index = index_of([*people, {**people[7], "birth_date": "1987-06-14"}])
    assert {"address", "postcode"} <= {field.field for field in index.why(record(7), record(100)).fields}
    hostel = index_of([*({**one, "town": "Aberwern", "postcode": "AW1 8FZ"} for one in people), people[7] | HOME])
    hostel.apply([Upsert(record(101), {**people[7], "town": "Aberwern", "postcode": "AW1 8FZ", "sex": "F"})])
    assert not {"address", "postcode"} & {field.field for field in hostel.why(record(7), record(101)).fields}


def test_somebody_elses_address_is_no_evidence() -> None:
    for address in ("c/o The Wallich, 4 Bridge Street", "Temporary accommodation, 4 Bridge Street", "No fixed abode"):
        care = {"address": address, "given": "Sam"}
        index = index_of([care | {"family": "Reed"}, care | {"family": "Bowen", "birth_date": "1990-01-02"}])
        assert len(index.entities()) == 2
        assert "address" not in {field.field for field in index.why(record(0), record(1)).fields}


def test_records_with_next_to_nothing_in_them_are_nobody_in_particular() -> None:
    thin = {"given": "Dewi", "family": "Jones"}
    assert not are_one(thin, thin)
    assert not are_one({}, {})
    assert not are_one({"name": "Unknown"}, {"name": "unknown"})
    assert not are_one({"birth_date": "1987-06-14"}, SIAN)
    assert not are_one({"family": "Pritchard", "sex": "F"}, SIAN)


HOSTILE = {
    "gigantic": "x" * 1_000_000, "null bytes": "Si\x00an", "right to left": "\u202eנעמי\u202c",
    "emoji": "🧩" * 300, "combining": "Z̷̢͇a̴̛l̸g̶o̸" * 50, "separators": "\x1f\x1e\n\t",
    "sql": "'; DROP TABLE records; --", "digits": "0" * 400,
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_fields_link_nothing_and_break_nothing(text: str) -> None:
    fields = ("given", "family", "name", "middle", "birth_date", "address", "town", "postcode", "uprn", "phone",
              "email", "nhs_number", "nino", "reference", "vehicle", "sex", "birth_place", "occupation")  # fmt: skip
    index = index_of([dict.fromkeys(fields, text), SIAN, SIAN | {"birth_place": text, "middle": text}])
    assert groups(index) == {frozenset([record(0)]), frozenset([record(1), record(2)])}


def test_as_many_records_that_say_the_same_as_one_person_may_have_are_one_person() -> None:
    index = index_of([SIAN] * MOST_TOGETHER)
    assert len(index.entities()) == 1
    more = [index.apply([Upsert(record(MOST_TOGETHER + number), SIAN)]).crowded for number in range(2)]
    assert more == [MOST_TOGETHER + 1, 1], "operations are told how many stand alone"
    assert index.apply([Remove(record(MOST_TOGETHER + number)) for number in range(2)]).crowded == 0
    assert len(index.entities()) == 1
    index.apply([Remove(record(number)) for number in range(MOST_TOGETHER - 1)])
    assert groups(index) == {frozenset([record(MOST_TOGETHER - 1)])}


def test_the_guides_five_sources_are_one_person() -> None:
    assert are_one(*SOURCES.values())


def test_nicholson_and_nicolson_are_one_child() -> None:
    john = {"given": "John", "birth_date": "2012-05-19", "sex": "M", "address": "3 Queen Street", "postcode": "AW1 9LQ"}
    council = [john | {"family": "Nicholson"}, john | {"family": "Nicholson", "town": "Aberwern"},
               {"given": "John", "family": "Nicholson", "birth_date": "2012-05-19", "reference": "YJ0071"}]  # fmt: skip
    police = {"name": "John Nicolson", "birth_date": "2012-05-19", "postcode": "AW1 9LQ"}
    others = [john | {"family": "Nicolson"}, police]
    assert are_one(*council, *others)


def test_what_a_steward_decided_outranks_every_score() -> None:
    index = index_of([SIAN, SIAN | {"middle": "Mair"}, changed(given="Rhodri", sex="M", birth_date="1961-02-20")])
    one, two, other = (record(number) for number in range(3))
    assert groups(index) == {frozenset([one, two]), frozenset([other])}
    index.apply([Decide(one, two, "must_not"), Decide(two, other, "must")])
    assert groups(index) == {frozenset([one]), frozenset([two, other])}
    assert index.why(one, two).rule == "must_not"
    index.apply([Upsert(two, SIAN | {"middle": "Mair", "phone": "+441597960001"})])
    assert groups(index) == {frozenset([one]), frozenset([two, other])}, "arriving data undoes no decision"
    index.apply([Decide(one, two, None), Decide(two, other, None)])
    assert groups(index) == {frozenset([one, two]), frozenset([other])}


def test_why_adds_up() -> None:
    index = index_of([SIAN, changed(given="Sian", birth_date="1987-06-04", town="")])
    why = index.why(record(0), record(1))
    assert why.together
    assert sum(field.bits for field in why.fields) + why.prior + why.adjustment == pytest.approx(why.bits, abs=0.02)
    assert why.probability == pytest.approx(100 / (1 + 2**-why.bits), abs=0.1)
    assert {field.field: field.level for field in why.fields}["day"].startswith("one edit")
