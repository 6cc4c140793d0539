"""Break-glass in memory: how long it lasts, what words it wants, who may judge it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.digests import letters
from services.alerts.domain import Actor, Alert, Band, Outcome
from services.alerts.overrides import (
    LONGEST_REASON,
    SHORTEST_REASON,
    Fault,
    Override,
    OwnOverride,
    Reviewed,
    Unworded,
    Verdict,
    give,
    review,
    worded,
)
from services.alerts.showing import Scope
from shared.contracts.alerts import State
from shared.web import Viewer
from tests.alerts.examples import NOW, entity

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
OWEN, HELEN = Actor("owen", "Owen Carter", "youth-worker"), Actor("helen", "Helen Griffiths", "supervisor")
WHY = "The young person is in our office"
ALERT = Alert(
    entity(100), "neet", entity(1), entity(1), 1, "youth-north", State.OPEN, 0.9, Band.HIGH, (), entity(200), NOW, NOW,
    NOW,
)  # fmt: skip
GIVEN = give(ALERT, OWEN, "youth-south", WHY, None, NOW, HOUR)


def test_it_ends_to_the_second() -> None:
    assert [GIVEN.is_open(NOW + HOUR + change) for change in (-SECOND, timedelta(), SECOND)] == [True, False, False]


def test_asked_again_while_it_is_open_it_stays_as_it_was_and_later_it_wants_other_words() -> None:
    assert give(ALERT, OWEN, "youth-south", "Something else", GIVEN, NOW + HOUR - SECOND, HOUR) is GIVEN
    for same in (WHY, f"  {WHY.upper()} \n"):
        with pytest.raises(Unworded) as raised:
            give(ALERT, OWEN, "youth-south", same, GIVEN, NOW + HOUR, HOUR)
        assert raised.value.fault is Fault.SAME
    again = give(ALERT, OWEN, "youth-south", "She is still here", GIVEN, NOW + HOUR, HOUR)
    assert (again.id != GIVEN.id, again.until) == (True, NOW + 2 * HOUR)


@given(st.text(st.characters(codec=None), max_size=2 * LONGEST_REASON))
def test_words_are_readable_and_neither_none_nor_too_many(text: str) -> None:
    try:
        words = worded(text)
    except Unworded as error:
        if error.fault is Fault.LONG:
            assert len(text) > LONGEST_REASON
        else:
            assert sum(letter.isprintable() and letter != " " for letter in text) < SHORTEST_REASON
        return
    assert words.isprintable()
    assert SHORTEST_REASON <= len(words) <= LONGEST_REASON
    assert worded(words) == words
    words.encode()  # what PostgreSQL takes


@pytest.mark.parametrize("text", [
    "", "  \n ", "ab", "\0\0\0\0", "a\u202e\u202e", "\u3164" * 5, "\u2800" * 5, "\ud800\ud800\ud800",
])  # fmt: skip
def test_what_nobody_can_read_is_no_reason(text: str) -> None:
    with pytest.raises(Unworded) as raised:
        worded(text)
    assert raised.value.fault is Fault.SHORT


def test_nobody_reviews_their_own_whatever_their_role() -> None:
    with pytest.raises(OwnOverride):
        review(GIVEN, replace(OWEN, role="supervisor"), Verdict.JUSTIFIED, "It was", NOW)


def test_a_verdict_is_final_and_said_twice_harmless() -> None:
    judged = review(GIVEN, HELEN, Verdict.JUSTIFIED, "I called", NOW + SECOND)
    assert (judged.verdict, judged.reviewer, judged.until) == (Verdict.JUSTIFIED, "helen", GIVEN.until)
    assert review(judged, HELEN, Verdict.JUSTIFIED, "I called again", NOW + HOUR) is judged
    for by, verdict in ((HELEN, Verdict.NOT_JUSTIFIED), (replace(HELEN, id="huw"), Verdict.JUSTIFIED)):
        with pytest.raises(Reviewed):
            review(judged, by, verdict, "No", NOW + HOUR)


def test_not_justified_ends_what_is_open_and_prolongs_nothing() -> None:
    ended = review(GIVEN, HELEN, Verdict.NOT_JUSTIFIED, "No emergency", NOW + SECOND)
    assert not ended.is_open(NOW + SECOND)
    late = review(GIVEN, HELEN, Verdict.NOT_JUSTIFIED, "No emergency", NOW + 2 * HOUR)
    assert late.until == GIVEN.until
    early = review(GIVEN, HELEN, Verdict.NOT_JUSTIFIED, "Their clock is behind", NOW - SECOND)
    assert early.until == GIVEN.given_at


def scope(team: str | None, override: Override | None = None, *, features: bool = True) -> Scope:
    person = Viewer("owen", "Owen Carter", "", "youth-worker", team or "", "")
    whole = Scope(person, team, {"neet": frozenset()} if features else {})
    return whole.opened(entity(1), override, NOW)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", [None, Outcome.NOT_NEEDED])
def test_the_rule_of_who_sees_what(state: State, outcome: Outcome | None) -> None:
    """Team × override × agreement: an override stands in for the team, and for nothing else."""
    alert = replace(ALERT, state=state, outcome=outcome)
    ended = replace(GIVEN, until=NOW)
    for team, override, features in (
        (team, override, features)
        for team in ("youth-north", "youth-south", None)
        for override in (None, GIVEN, ended)
        for features in (True, False)
    ):
        one = scope(team, override, features=features)
        own = team in ("youth-north", None)
        assert one.holds(alert) is (features and (own or override is GIVEN))
        assert one.opens(alert) is (features and not own and state is not State.ERASED)
        assert one.override_of(alert) is (GIVEN if override is GIVEN and not own else None)
        other = replace(alert, entity=entity(2))
        assert one.holds(other) is (features and own), "another person's"


def test_each_team_is_told_once_and_led_to_its_own_alert_and_the_reviewers_to_their_queue() -> None:
    alerts = [
        replace(ALERT, id=entity(101)), ALERT, replace(ALERT, id=entity(102), team="housing"),
    ]  # fmt: skip
    told = letters(GIVEN, alerts, "{team}@region.example", "supervisors@region.example")
    assert {(letter.address, letter.alert) for letter in told} == {
        ("supervisors@region.example", None),
        ("youth-north@region.example", ALERT.id),
        ("housing@region.example", entity(102)),
    }
    assert len({letter.id for letter in told}) == len(told) == 3
    assert told == letters(GIVEN, alerts, "{team}@region.example", "supervisors@region.example")


def test_a_form_s_field_that_is_full_is_not_too_long() -> None:
    """It has counted each end of a line once, and sends two characters for it."""
    typed = "\n".join(["a" * 49] * 10) + "b"
    assert len(typed) == LONGEST_REASON
    assert worded(typed.replace("\n", "\r\n")) == typed.replace("\n", " ")
