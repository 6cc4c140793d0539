"""The region: the same for the same seed, with the truth kept out of the events and the dirt in them."""

import csv
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import openpyxl  # type: ignore[import-untyped, unused-ignore]
import pytest
import uk_postcodes_parsing
import yaml

from region import Region, generate
from region.numbers import nhs_check_digit
from region.people import year_group
from region.vocabulary import EVENT_TYPES, PARTNERS
from shared.normal import normalise


@pytest.fixture(scope="module")
def region() -> Region:
    return generate(seed=1, people=2500)


def test_the_same_seed_gives_the_same_region_and_another_seed_another(region: Region) -> None:
    again, other = generate(seed=1, people=2500), generate(seed=2, people=2500)
    assert again.events == region.events
    assert (again.truth, again.expected, again.outcomes) == (region.truth, region.expected, region.outcomes)
    assert other.events != region.events


def test_there_are_exactly_as_many_people_as_asked_for(region: Region) -> None:
    assert len(region.world.people) == 2500
    assert len({person.id for person in region.world.people}) == 2500


@pytest.mark.parametrize(("people", "days"), [(99, 90), (500, 6)])
def test_a_region_that_is_too_small_is_refused(people: int, days: int) -> None:
    with pytest.raises(ValueError, match="too small"):
        generate(seed=1, people=people, days=days)


def test_no_event_carries_a_true_id_or_an_outcome(region: Region) -> None:
    sent = "\n".join(json.dumps(event.cloudevent()) for event in region.events)
    assert "person-0" not in sent
    assert "household-" not in sent
    assert "organisation-0" not in sent
    assert "neet" not in sent.lower()


def test_events_are_in_the_order_of_sending_and_some_tell_of_days_before(region: Region) -> None:
    sent = [event.sent for event in region.events]
    assert sent == sorted(sent)
    accepted = [e for e, x in zip(region.events, region.expected, strict=True) if x.verdict == "accepted"]
    delays = [event.sent - datetime.fromisoformat(event.time) for event in accepted]
    assert min(delays) >= timedelta(0)
    assert 0.02 < sum(delay > timedelta(days=1) for delay in delays) / len(delays) < 0.06


def test_most_events_come_from_a_record_that_the_partner_has_published_before(region: Region) -> None:
    seen: set[tuple[str, str]] = set()
    known = 0
    persons = [e for e in region.events if isinstance(e.data, dict) and "id" in e.data.get("person", {})]
    for event in persons:
        assert isinstance(event.data, dict)
        key = (event.partner, json.dumps(event.data["person"], sort_keys=True))
        known += key in seen
        seen.add(key)
    assert known / len(persons) > 0.6


def test_a_few_per_cent_must_be_refused(region: Region) -> None:
    verdicts = Counter(expected.verdict for expected in region.expected)
    assert 0.015 < verdicts["rejected"] / len(region.events) < 0.06
    assert verdicts["duplicate"] > 0


def test_a_duplicate_is_the_same_event_sent_before(region: Region) -> None:
    first: dict[tuple[str, str], dict[str, object]] = {}
    for event, expected in zip(region.events, region.expected, strict=True):
        if expected.verdict == "duplicate":
            assert first[event.partner, event.id] == event.cloudevent()
        elif expected.verdict == "accepted":
            assert (event.partner, event.id) not in first
            first[event.partner, event.id] = event.cloudevent()


def test_numbers_are_valid_in_form_and_belong_to_nobody(region: Region) -> None:
    for person in region.world.people:
        assert nhs_check_digit(person.nhs_number[:9]) == int(person.nhs_number[9])
        assert person.nhs_number.startswith("999")
        assert not person.mobile or person.mobile.startswith("077009")
        assert not person.email or person.email.rsplit(".", 1)[1] in ("example", "com", "org", "net")
    for person in region.world.people[::20]:
        fields = {"nhs_number": person.nhs_number, "nino": person.nino, "email": person.email}
        fields = {name: value for name, value in fields.items() if value}
        identity, findings = normalise("person", fields)
        assert (set(identity), findings) == (set(fields), [])
    for place in list(region.world.gazetteer)[::50]:
        assert uk_postcodes_parsing.parse(place.postcode) is not None
        assert place.uprn.isdigit()
        assert len(place.uprn) == 12


def test_there_are_twins_namesakes_marriages_moves_and_many_at_one_address(region: Region) -> None:
    world = region.world
    twins = namesakes = 0
    for household in world.households:
        family = [(person.family, person.birth_date) for person in household.members]
        twins += len(family) - len(set(family))
        names = [(person.given, person.family) for person in household.members]
        namesakes += len(names) - len(set(names))
    assert twins > 0
    assert namesakes > 0
    assert world.history.names
    assert world.history.moves
    assert max(len(household.members) for household in world.households) >= 20
    assert any(person.birth_family for person in world.people)


def test_a_partner_hears_of_a_move_late_and_its_record_then_changes() -> None:
    region = generate(seed=3, people=2500)
    addresses: dict[tuple[str, str], set[str]] = {}
    for event in region.events:
        if isinstance(event.data, dict) and "id" in event.data.get("person", {}):
            person = event.data["person"]
            addresses.setdefault((event.partner, person["id"]), set()).add(person.get("address", ""))
    assert sum(len(found) > 1 for found in addresses.values()) > 10


def test_some_people_have_two_local_ids_at_one_partner(region: Region) -> None:
    held = Counter((partner, true) for (partner, key), true in region.truth.people.items() if "-" not in key)
    assert max(held.values()) == 2


def test_what_becomes_of_a_young_person_follows_their_chance_and_stays_rare() -> None:
    outcomes = generate(seed=4, people=8000).outcomes.values()
    share = sum(outcome.neet for outcome in outcomes) / len(outcomes)
    likely = [outcome.neet for outcome in outcomes if outcome.chance > 0.5]
    assert 0.03 < share < 0.15
    assert sum(likely) / len(likely) > 0.5


@pytest.mark.parametrize(
    ("born", "year"), [(date(2007, 9, 1), 13), (date(2007, 8, 31), 14), (date(2021, 8, 31), 0), (date(2014, 12, 25), 6)]
)
def test_school_years_turn_on_the_first_of_september(born: date, year: int) -> None:
    assert year_group(born, date(2026, 1, 5)) == year
    assert year_group(born, date(2026, 9, 1)) == year + 1


def test_the_stream_goes_on_from_the_same_place_each_time_in_the_present(region: Region) -> None:
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    once, twice = (list(islice(region.stream(5.0, start), 2000)) for _ in range(2))
    assert once == twice
    events = [event for event, _ in once]
    assert all(a.sent <= b.sent for a, b in pairwise(events))
    assert 200 < (events[-1].sent - start).total_seconds() < 800
    period = {(event.partner, event.id) for event in region.events}
    for event, expected in once:
        assert event.id == "" or (event.partner, event.id) not in period
        if expected.verdict == "accepted":
            assert start - timedelta(minutes=10) < datetime.fromisoformat(event.time) <= event.sent
            assert event.type in EVENT_TYPES


def test_the_files_of_all_formats_say_the_same_and_their_mapping_leads_back(region: Region, tmp_path: Path) -> None:
    small = generate(seed=5, people=300)
    written = small.export(tmp_path)
    assert {path.suffix for path in written} == {".csv", ".jsonl", ".xlsx", ".yaml"}
    sent = [e for e in small.events if e.partner == "hospital" and isinstance(e.data, dict)]
    mapping = yaml.safe_load((tmp_path / "mappings/hospital.yaml").read_text())
    lines = [json.loads(line) for line in (tmp_path / "hospital.jsonl").read_text().splitlines()]
    rows = list(csv.DictReader((tmp_path / "hospital.csv").open()))
    sheet = openpyxl.load_workbook(tmp_path / "hospital.xlsx")["events"]
    assert len(lines) == len(rows) == sheet.max_row - 1 == len(sent)
    assert mapping["partner"] == "hospital"
    for event, line, row in zip(sent, lines, rows, strict=True):
        assert isinstance(event.data, dict)
        for column, path in mapping["columns"].items():
            part, _, name = path.partition(".")
            value = event.data.get(part, {}).get(name) if name else event.cloudevent().get(part)
            assert line.get(column) == value
            assert row[column] in ("" if value is None else str(value), str(value).lower())


def test_a_format_that_cannot_be_written_is_refused(region: Region, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the formats are csv, jsonl, xlsx"):
        region.export(tmp_path, ["pdf"])


def test_every_partner_and_type_has_events() -> None:
    region = generate(seed=1, people=8000)
    sent = Counter(event.type for event, x in zip(region.events, region.expected, strict=True) if x.reason == "")
    ended = {event.name for event in PARTNERS["trading-standards"].events}
    assert set(EVENT_TYPES) - ended <= set(sent)
