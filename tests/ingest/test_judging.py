"""Judging one event: pure, for every event there can be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain import FACTS, MOST_FINDINGS, Judgement, Rules, Sender, judge
from services.ingest.reasons import FINDINGS, REJECTIONS
from shared.access import Agreements
from shared.contracts import Kind, RecordsAccepted, record_id, without_id
from shared.settings import PROJECT
from tests.ingest.events import event, person

AGREEMENTS = Agreements.load(PROJECT / "agreements")
HOUSING = Sender("housing", frozenset({"/partners/housing"}), 1500)
NOW = datetime.now(UTC)


def judged(sent: Any, now: datetime = NOW) -> Judgement:
    return judge(sent, HOUSING, Rules(AGREEMENTS), now)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"id": None}, "missing", "id"),
        ({"id": ""}, "missing", "id"),
        ({"id": 7}, "not_text", "id"),
        ({"id": "x" * 201}, "too_long", "id"),
        ({"id": "a\u0000b"}, "hidden_characters", "id"),
        ({"id": "a\u202eb"}, "hidden_characters", "id"),
        ({"source": None}, "missing", "source"),
        ({"source": "/partners/police"}, "foreign_source", "source"),
        ({"type": None}, "missing", "type"),
        ({"type": ["x"]}, "not_text", "type"),
        ({"type": "police.incident.v1"}, "not_in_agreement", "type"),
        ({"specversion": None}, "missing", "specversion"),
        ({"specversion": "0.3"}, "specversion", "specversion"),
        ({"time": None}, "missing", "time"),
        ({"time": "yesterday"}, "time_unreadable", "time"),
        ({"time": "2026-03-01T09:30:00"}, "time_unreadable", "time"),
        ({"time": (NOW + timedelta(minutes=6)).isoformat()}, "time_in_future", "time"),
        ({"time": "2001-01-01T00:00:00Z"}, "time_too_old", "time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time_too_old", "time"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time_in_future", "time"),
        ({"data": None}, "no_data", "data"),
        ({"data": "text"}, "no_data", "data"),
        ({"data": {}}, "nothing_to_link", "data"),
        ({"data": {"facts": {"weeks": 1}}}, "nothing_to_link", "data"),
        ({"data": {"person": {"id": "T-1"}}}, "nothing_to_link", "data"),
        ({"data": {"person": {"birth_date": "03/04/1990", "postcode": "SA1 1AA"}}}, "nothing_to_link", "data"),
        ({"data": {"person": {"given": "N/A", "family": "?"}}}, "nothing_to_link", "data"),
        ({"data": {"organisation": {"name": "Smith Ltd"}}}, "nothing_to_link", "data"),
        ({"data": {"person": person(), "facts": {"weeks": "6"}}}, "fact_type", "data.facts.weeks"),
        ({"data": {"person": person(), "facts": {"weeks": True}}}, "fact_type", "data.facts.weeks"),
        ({"data": {"person": person(), "facts": {"notice": 1}}}, "fact_type", "data.facts.notice"),
        ({"data": {"person": person(), "facts": {"role": {"a": 1}}}}, "fact_type", "data.facts.role"),
    ],
)
def test_an_event_is_rejected_for_a_reason_at_a_place(changes: dict[str, Any], reason: str, field: str) -> None:
    judgement = judged(event(**changes))
    assert (judgement.reason, judgement.field, judgement.body) == (reason, field, None)
    assert REJECTIONS[reason]


@pytest.mark.parametrize("sent", [None, 7, "x", [], [[]], True])
def test_what_is_no_object_is_no_event(sent: object) -> None:
    assert judged(sent).reason == "not_an_event"


@pytest.mark.parametrize(
    ("data", "findings"),
    [
        ({"person": person(shoe=9)}, [("data.person.shoe", "field_not_in_agreement")]),
        ({"person": person(sex="F")}, [("data.person.sex", "field_not_in_agreement")]),
        ({"person": person(nino="AB123456")}, [("data.person.nino", "nino_unreadable")]),
        ({"person": person(phone={"home": 1})}, [("data.person.phone", "field_not_text")]),
        ({"person": person(id={"a": 1})}, [("data.person.id", "field_not_text")]),
        ({"person": person(id="a\u0000")}, [("data.person.id", "hidden_characters")]),
        ({"person": person(email=None, phone="")}, []),
        ({"person": person(), "pet": {"name": "Rex"}}, [("data.pet", "part_unknown")]),
        ({"person": person(), "organisation": {"name": "x"}}, [("data.organisation", "subject_not_in_agreement")]),
        ({"person": person(), "place": [1]}, [("data.place", "not_an_object")]),
        ({"person": person(), "place": {"town": "Aberwern"}}, [("data.place", "subject_unrecognisable")]),
        ({"person": person(), "facts": [1]}, [("data.facts", "not_an_object")]),
        ({"person": person(), "facts": {"rent": 1}}, [("data.facts.rent", "field_not_in_agreement")]),
        ({"person": person(), "facts": {"weeks": None}}, []),
    ],
)
def test_what_cannot_be_kept_is_dropped_and_said(data: dict[str, Any], findings: list[tuple[str, str]]) -> None:
    judgement = judged(event(data=data))
    assert judgement.body is not None
    assert [tuple(finding) for finding in judgement.findings] == findings
    assert all(FINDINGS[finding.reason] for finding in judgement.findings)


def test_numbers_that_a_spreadsheet_made_of_text_are_read() -> None:
    body = judged(event(data={"person": person(uprn=100012345678, phone=7700900123.0)})).body
    assert body is not None
    assert {"uprn": "100012345678", "phone": "+447700900123"}.items() <= body.records[0].identity.items()


def test_a_record_is_what_the_partner_calls_it_or_else_the_event() -> None:
    named, nameless = event(), event(data={"person": {"family": "Smith"}})
    body, other = judged(named).body, judged(nameless).body
    assert body is not None
    assert other is not None
    assert body.records[0].id == record_id("housing", Kind.PERSON, "T-1")
    assert other.records[0].id == record_id("housing", Kind.PERSON, without_id(nameless["source"], nameless["id"]))
    called = judged(event(data={"person": {"id": nameless["id"], "family": "Price"}})).body
    assert called is not None
    assert called.records[0].id != other.records[0].id, "a local id may look like an event's"


def test_a_place_without_an_id_is_one_record_however_often_it_is_described_and_people_are_not() -> None:
    smith, hall = {"family": "Smith"}, {"uprn": "1234"}
    said = [event(data={"person": smith, "place": place}) for place in (hall, hall, hall | {"postcode": "AW1 1AA"})]
    records = [body.records for each in said if (body := judged(each).body)]
    people, places = ([record.id for record in some] for some in zip(*records, strict=True))
    assert len(set(people)) == 3
    assert places[0] == places[1] != places[2]


def test_an_agreement_that_has_ended_covers_nothing_from_the_next_day() -> None:
    ends = AGREEMENTS.by_name["housing"].ends
    last = datetime(ends.year, ends.month, ends.day, 12, tzinfo=UTC)
    rules = Rules(AGREEMENTS)
    days = (last, last + timedelta(days=1))
    verdicts = [judge(event(time=day.isoformat()), HOUSING, rules, day) for day in days]
    assert [judgement.reason for judgement in verdicts] == ["", "agreement_ended"]


def test_a_judgement_is_a_contract_that_can_be_said() -> None:
    body = judged(event(data={"person": person(), "facts": {"weeks": 6, "notice": False, "role": "tenant"}})).body
    assert body is not None
    assert RecordsAccepted.model_validate_json(body.model_dump_json()) == RecordsAccepted.model_validate(
        body.model_dump()
    )


_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats() | st.text(max_size=30)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
)
_FIELDS = st.dictionaries(
    st.sampled_from(["id", "name", "given", "family", "birth_date", "phone", "email", "uprn", "nino", "address"]), _JSON
)
_DATA = st.dictionaries(st.sampled_from([*Kind, "facts", "x"]), _FIELDS | _JSON)


@settings(max_examples=300)
@given(_JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(event(), _JSON)))
def test_nothing_that_is_json_makes_judging_fail(sent: object) -> None:
    judgement = judged(sent)
    assert (judgement.body is None) == bool(judgement.reason)


@settings(max_examples=300)
@given(_DATA)
def test_whatever_the_data_an_accepted_event_keeps_to_its_agreement(data: dict[str, Any]) -> None:
    judgement = judged(event(data=data))
    assert len(judgement.findings) <= MOST_FINDINGS
    if judgement.body is not None:
        named = AGREEMENTS.by_name["housing"].events["housing.arrears.v1"]
        assert judgement.body.records
        assert set(judgement.body.facts) <= set(named.facts)
        for record in judgement.body.records:
            allowed = named.fields_of(record.kind) or frozenset()
            derived = {"given", "middle", "family", "birth_family"} if "family" in allowed else set()
            assert set(record.identity) <= allowed | derived
            assert all(isinstance(value, str) for value in record.identity.values())


@given(_JSON)
def test_a_fact_is_of_its_type_or_none(value: object) -> None:
    types = {"number": int | float, "boolean": bool, "string": str, "date": str}
    for name, read in FACTS.items():
        fact = read(value)
        assert fact is None or isinstance(fact, types[name])
