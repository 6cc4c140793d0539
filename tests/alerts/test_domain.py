"""One alert's life, and what a standing means for it."""

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.alerts.domain import (
    REOPENS_WITHIN,
    TRANSITIONS,
    Actor,
    Alert,
    Band,
    Command,
    Impossible,
    Outcome,
    Person,
    Step,
    acknowledge,
    apply,
    close,
    closing,
    decide,
    drawing,
)
from services.alerts.standing import Score, Standing, heard
from shared.contracts.alerts import State
from tests.alerts.examples import NEET, NOW, entity, score

README = Path(__file__).parents[2] / "services" / "alerts" / "README.md"
MAIR = Actor("mair", "Mair Evans", "caseworker")


def person(*scores: Score, alerts: tuple[Alert, ...] = (), standing: Standing | None = None) -> Person:
    standing = standing or Standing()
    for one in scores:
        standing = heard(standing, one, NEET.thresholds)
    return Person(entity(1), NEET, standing, (), alerts)


def opened(value: float = 0.8) -> Alert:
    (step,) = decide(person(score(1, value)), NOW).steps
    return step.after


@pytest.mark.parametrize(("state", "command"), [*itertools.product(State, Command)])
def test_every_pair_of_state_and_command_is_in_the_table_or_impossible(state: State, command: Command) -> None:
    alert = replace(opened(), state=state)
    if (state, command) in TRANSITIONS:
        after = apply(alert, command, NOW)
        assert after.state is TRANSITIONS[state, command]
        assert after.version == alert.version + 1
    else:
        with pytest.raises(Impossible, match=f"that is {state} cannot {command}"):
            apply(alert, command, NOW)


def test_the_readme_shows_the_life_cycle_as_it_is() -> None:
    assert f"```mermaid\n{drawing()}\n```" in README.read_text(), f"put this into {README}:\n{drawing()}"


def test_opens_at_the_upper_threshold_and_goes_to_the_team_of_the_area() -> None:
    assert decide(person(score(1, 0.599)), NOW).steps == ()
    (step,) = decide(person(score(1, 0.6, area="south")), NOW).steps
    assert (step.before, step.after.state, step.after.team) == (None, State.OPEN, "youth-south")
    assert step.after.band is Band.HIGH
    assert opened(0.8).band is Band.VERY_HIGH


@pytest.mark.parametrize("value", [0.59, 0.45])
def test_between_the_thresholds_an_open_alert_stays_and_says_that_it_is_easing(value: float) -> None:
    alert = opened()
    (step,) = decide(person(score(1, 0.8), score(2, value), alerts=(alert,)), NOW).steps
    assert step.after.state is State.OPEN
    assert step.after.band is Band.EASING


@pytest.mark.parametrize("value", [0.449, None])
def test_below_the_lower_threshold_an_open_alert_lapses(value: float | None) -> None:
    (step,) = decide(person(score(1, 0.8), score(2, value), alerts=(opened(),)), NOW).steps
    assert step.after.state is State.LAPSED
    assert step.change == "lapsed"


def test_what_somebody_has_taken_on_only_a_person_ends() -> None:
    taken = acknowledge(opened(), MAIR, "I know the family", NOW).after
    (step,) = decide(person(score(1, 0.8), score(2, 0.1, area="south"), alerts=(taken,)), NOW).steps
    assert (step.after.state, step.after.band, step.after.team) == (State.ACKNOWLEDGED, Band.LOW, "youth-north")
    assert close(step.after, MAIR, Outcome.NOT_NEEDED, "", NOW).after.state is State.CLOSED


def test_an_alert_whose_score_is_taken_back_stays_with_its_team_and_no_longer_says_why() -> None:
    (step,) = decide(person(score(1, 0.8), score(2, None, area=None), alerts=(opened(),)), NOW).steps
    assert (step.after.state, step.after.team, step.after.reasons) == (State.LAPSED, "youth-north", ())


def test_a_rise_soon_after_a_lapse_is_the_same_alert_and_later_a_new_one() -> None:
    first = person(score(1, 0.8))
    lapsed = decide(replace(person(score(2, 0.1), standing=decide(first, NOW).standing), alerts=(opened(),)), NOW)
    again = person(score(3, 0.7), standing=lapsed.standing, alerts=(lapsed.steps[0].after,))
    (soon,) = decide(again, NOW + REOPENS_WITHIN - timedelta(seconds=1)).steps
    assert (soon.change, soon.after.id) == ("reopened", opened().id)
    (later,) = decide(again, NOW + REOPENS_WITHIN).steps
    assert (later.change, later.after.episode) == ("opened", 2)
    assert later.after.id != opened().id


def test_a_closed_alert_opens_again_only_after_the_score_has_fallen() -> None:
    dealt_with = closing(person(score(1, 0.8)))
    assert dealt_with.settled
    assert decide(person(score(2, 0.9), standing=dealt_with), NOW).steps == ()
    fallen = decide(person(score(2, 0.2), standing=dealt_with), NOW).standing
    assert len(decide(person(score(3, 0.7), standing=fallen), NOW).steps) == 1


def test_closing_what_has_already_fallen_does_not_silence_the_next_rise() -> None:
    fallen = closing(person(score(1, 0.8), score(2, 0.1)))
    assert not fallen.settled


def test_of_two_live_alerts_the_one_somebody_has_taken_on_stays() -> None:
    older, newer = opened(), replace(opened(), id=entity(9), opened_at=NOW + timedelta(hours=1))
    taken = acknowledge(newer, MAIR, "", NOW).after
    steps = decide(person(score(1, 0.8), alerts=(older, taken)), NOW).steps
    assert [(step.after.state, step.after.joined_into) for step in steps[:1]] == [(State.JOINED, taken.id)]


def test_a_digit_of_a_score_is_kept_but_is_no_news() -> None:
    alert = opened(0.9)
    (step,) = decide(person(score(1, 0.9), score(2, 0.91), alerts=(alert,)), NOW).steps
    assert step.after.score == 0.91
    assert not step.news


def test_a_change_keeps_the_old_and_the_new_value() -> None:
    step = acknowledge(opened(), MAIR, "I know the family", NOW)
    assert isinstance(step, Step)
    assert step.differences == {"state": (State.OPEN, State.ACKNOWLEDGED), "keeper": (None, "mair")}
