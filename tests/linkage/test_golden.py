"""The golden record: the guide's table exactly, and the general rules behind it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest

from services.linkage.golden import golden_of
from services.linkage.records import Kept
from shared.contracts import Kind

SOURCES: Mapping[str, Mapping[str, str]] = {
    "A": {"name": "Fred Smith", "given": "Fred", "family": "Smith", "birth_date": "1995-01-10", "sex": "M",
          "address": "10 The Grange", "town": "Camden", "postcode": "NW1 0AA", "reference": "1007689",
          "nino": "AB123456B", "mobile": "+447988674707", "vehicle": "FG12KJK"},
    "B": {"name": "Freddie Smith", "given": "Freddie", "family": "Smith", "birth_date": "1900-01-01", "sex": "M",
          "address": "Flat A 10 The Grange", "town": "Camden", "postcode": "NW1 0A", "phone": "0231-987-7866",
          "mobile": "077134563", "email": "fsmith@v.com"},
    "C": {"name": "Frederick Smith", "given": "Frederick", "family": "Smith", "birth_date": "1995-01-10", "sex": "M",
          "address": "10 The Grange", "town": "Camden", "postcode": "NW1", "reference": "1007689",
          "phone": "0205-937-996", "email": "smithy@bt.com", "vehicle": "LA56YBB"},
    "D": {"name": "Fred Smith", "given": "Fred", "family": "Smith", "address": "Flat A 10 The Grange",
          "town": "Camden", "postcode": "NW1 0AA", "reference": "1007699"},
    "E": {"name": "Fried Smith", "given": "Fried", "family": "Smith", "birth_date": "1995-01-10", "sex": "M",
          "address": "10 Grange", "town": "Camden", "postcode": "NW1 0AA", "reference": "1007689"},
}  # fmt: skip
GOLDEN = {
    "name": "Fred Smith", "given": "Fred", "family": "Smith", "birth_date": "1995-01-10", "sex": "M",
    "address": "Flat A 10 The Grange", "town": "Camden", "postcode": "NW1 0AA", "reference": "1007689",
    "nino": "AB123456B", "phone": "0205-937-996", "mobile": "+447988674707", "email": "fsmith@v.com",
    "vehicle": "FG12KJK",
}  # fmt: skip
START = datetime(2026, 1, 5, tzinfo=UTC)


def kept(number: int, partner: str, identity: Mapping[str, str], at: datetime = START) -> Kept:
    fields = sorted(identity)
    times = dict.fromkeys(fields, at.timestamp())
    return Kept(UUID(int=number), Kind.PERSON, partner, "agreement", identity, times, fields, b"", at)


@pytest.mark.parametrize("order", list(permutations("ABCDE"))[::17])
def test_the_guides_five_sources_make_its_golden_column(order: tuple[str, ...]) -> None:
    records = [kept(number, source, SOURCES[source]) for number, source in enumerate(order, 1)]
    assert {field: value.value for field, value in golden_of(records).items()} == GOLDEN


def test_every_value_names_its_record_and_its_date() -> None:
    records = [kept(number, source, SOURCES[source]) for number, source in enumerate("ABCDE", 1)]
    golden = golden_of(records)
    assert (golden["address"].partner, golden["nino"].partner, golden["email"].partner) == ("D", "A", "B")
    assert all(value.at == START for value in golden.values())
    assert golden["vehicle"].because == "current"
    assert golden["phone"].because == "agrees"
    assert golden["birth_date"].because == "valid"
    assert golden["nino"].because == "only"


def test_a_move_outweighs_what_old_records_say() -> None:
    old = [kept(n, f"old {n}", {"address": "1 Mill Lane", "postcode": "SY11 1AA"}, datetime(2020, 1, 1, tzinfo=UTC))
           for n in range(1, 5)]  # fmt: skip
    new = kept(9, "housing", {"address": "7 High Street", "postcode": "SY11 2BB"})
    golden = golden_of([*old, new])
    assert (golden["address"].value, golden["postcode"].value) == ("7 High Street", "SY11 2BB")


def test_a_source_that_is_known_to_be_better_counts_for_more() -> None:
    records = [kept(1, "census", {"birth_date": "1980-03-01"}), kept(2, "a", {"birth_date": "1980-01-03"}),
               kept(3, "b", {"birth_date": "1980-01-03"})]  # fmt: skip
    assert golden_of(records)["birth_date"].value == "1980-01-03"
    assert golden_of(records, {"census": 5.0})["birth_date"].value == "1980-03-01"


def test_nothing_known_makes_nothing_golden() -> None:
    assert golden_of([kept(1, "police", {})]) == {}
