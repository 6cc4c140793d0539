"""The agreements and the region's vocabulary say the same of the same events."""

from datetime import date
from pathlib import Path

import pytest

from region.vocabulary import EXPIRED, PARTNERS, Partner
from shared.access import Agreement, Agreements

AGREEMENTS = Agreements.load(Path(__file__).parents[2] / "agreements")


@pytest.mark.parametrize("partner", PARTNERS.values(), ids=list(PARTNERS))
def test_each_partner_publishes_exactly_what_its_agreement_names(partner: Partner) -> None:
    (agreement,) = AGREEMENTS.of_partner(partner.name)
    assert agreement.source == partner.source
    assert set(agreement.events) == {event.name for event in partner.events}
    for event in partner.events:
        named = agreement.events[event.name]
        assert (named.person or frozenset()) == frozenset(event.person)
        assert (named.place or frozenset()) == frozenset(event.place)
        assert (named.organisation or frozenset()) == frozenset(event.organisation)
        assert named.facts == dict(event.facts)


@pytest.mark.parametrize("agreement", AGREEMENTS.by_name.values(), ids=list(AGREEMENTS.by_name))
def test_recipients_are_given_only_what_the_agreement_shares_and_for_its_purposes(agreement: Agreement) -> None:
    shared = frozenset[str]()
    for event in agreement.events.values():
        shared |= frozenset(event.facts)
        for fields in (event.person, event.place, event.organisation):
            shared |= fields or frozenset()
    for recipient in agreement.recipients:
        assert recipient.fields <= shared
        assert recipient.purpose in agreement.purposes
    assert {recipient.purpose for recipient in agreement.recipients} == agreement.purposes


def test_one_agreement_has_ended_and_the_others_are_in_force() -> None:
    today = date(2026, 11, 22)
    ended = {a.partner.name for a in AGREEMENTS.by_name.values() if not a.in_force(today)}
    assert ended == {EXPIRED}
