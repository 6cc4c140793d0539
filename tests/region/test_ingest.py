"""Ingest's own judgement of the region's events against what the region says must become of each."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from region import Region, generate
from services.ingest.domain import Judgement, Rules, Sender, judge
from shared.access import Agreements

ROOT = Path(__file__).parents[2]
START = date(2026, 1, 5)


@pytest.fixture(scope="module")
def judged() -> tuple[Region, list[Judgement]]:
    """A region as large as one with every kind of fault, and its judgements on the day after its last."""
    region = generate(seed=7, people=4000, start=START)
    agreements = Agreements.load(ROOT / "agreements")
    rules, now = Rules(agreements), datetime.combine(START + timedelta(days=100), time(), UTC)
    senders = {
        partner: Sender(partner, frozenset(a.source for a in agreements.of_partner(partner)), 1)
        for partner in {event.partner for event in region.events}
    }
    return region, [judge(event.cloudevent(), senders[event.partner], rules, now) for event in region.events]


def test_ingest_accepts_and_rejects_what_the_region_expects(judged: tuple[Region, list[Judgement]]) -> None:
    region, judgements = judged
    for event, expected, judgement in zip(region.events, region.expected, judgements, strict=True):
        assert judgement.reason == expected.reason, event
        assert (judgement.body is None) == (expected.verdict == "rejected"), event


def test_every_kind_of_fault_occurs(judged: tuple[Region, list[Judgement]]) -> None:
    reasons = {expected.reason for expected in judged[0].expected}
    assert reasons == {
        "", "not_in_agreement", "agreement_ended", "time_in_future", "time_too_old", "time_unreadable", "missing",
        "no_data", "specversion", "nothing_to_link", "fact_type", "foreign_source",
    }  # fmt: skip


def test_parts_that_no_agreement_covers_are_dropped_and_nothing_else_is(judged: tuple[Region, list[Judgement]]) -> None:
    region, judgements = judged
    for event, expected, judgement in zip(region.events, region.expected, judgements, strict=True):
        if expected.verdict == "accepted":
            dropped = {f.field for f in judgement.findings if f.reason in ("field_not_in_agreement", "fact_type")}
            assert dropped == set(expected.dropped), event


def test_every_accepted_subject_is_known_to_the_truth(judged: tuple[Region, list[Judgement]]) -> None:
    region, judgements = judged
    books = {"person": region.truth.people, "place": region.truth.places, "organisation": region.truth.organisations}
    for event, judgement in zip(region.events, judgements, strict=True):
        if judgement.body is not None:
            assert isinstance(event.data, dict)
            for record in judgement.body.records:
                key = event.data[record.kind].get("id") or event.id
                assert (event.partner, key) in books[record.kind]


def test_most_of_what_is_known_survives_reading(judged: tuple[Region, list[Judgement]]) -> None:
    """Dirt is dirt, not noise: of the persons accepted nearly all have a name, and most a date of birth."""
    judgements = judged[1]
    identities = [r.identity for j in judgements if j.body for r in j.body.records if r.kind == "person"]
    named = sum("family" in identity for identity in identities) / len(identities)
    dated = sum("birth_date" in identity for identity in identities) / len(identities)
    assert named > 0.95
    assert dated > 0.6
