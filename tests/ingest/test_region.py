"""A whole synthetic region: ingest says of each of its events what the region meant it to say."""

from datetime import UTC, datetime, timedelta

from region import generate
from services.ingest.domain import Rules, Sender, judge
from tests.ingest.test_judging import AGREEMENTS

DROPPED = {"field_not_in_agreement", "subject_not_in_agreement", "part_unknown"}


def test_every_event_is_judged_as_its_partner_would_expect() -> None:
    now = datetime.now(UTC)
    region = generate(seed=2, people=1_000, days=60, start=(now - timedelta(days=60)).date())
    rules, taken = Rules(AGREEMENTS), set()
    for event, expected in zip(region.events, region.expected, strict=True):
        sender = Sender(event.partner, frozenset({f"/partners/{event.partner}"}), 1)
        judgement = judge(event.cloudevent(), sender, rules, now)
        again = judgement.receipt is not None and judgement.receipt in taken
        verdict = "duplicate" if again else "accepted" if judgement.body else "rejected"
        assert verdict == expected.verdict, (event.id, judgement.reason, judgement.field)
        if verdict == "rejected":
            assert judgement.reason == expected.reason
        if verdict == "accepted":
            taken.add(judgement.receipt)
            assert {f.field for f in judgement.findings if f.reason in DROPPED} == set(expected.dropped)
    assert len(region.events) > 1_000
