"""Features against a plain recount of the facts, whatever the order and however the records are merged."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.features import DAY, EMPTY, TILE_BYTES, Features, State
from shared.initiatives import Feature
from tests.scoring.counting import update, vector

START = datetime(2026, 1, 1, tzinfo=UTC)
ATTENDANCE, EXCLUSION, MISSING = "education.attendance.v1", "education.exclusion.v1", "police.missing.v1"
Occurrence = tuple[str, datetime, dict[str, bool | int | float | str]]


def feature(name: str, kind: str, event: str, **rest: object) -> Feature:
    return Feature.model_validate({"name": name, "kind": kind, "events": [event], **rest})


FEATURES = [
    feature("absence", "ratio", ATTENDANCE, fact="missed", over="possible", days=28),
    feature("late", "sum", ATTENDANCE, fact="late", days=28),
    feature("worst", "max", ATTENDANCE, fact="missed", days=90),
    feature("typical", "mean", ATTENDANCE, fact="missed"),
    feature("last", "latest", ATTENDANCE, fact="missed", default=-1.0),
    feature("exclusions", "count", EXCLUSION, days=365),
    feature("permanent", "any", EXCLUSION, where={"permanent": True}),
    feature("missing_at_risk", "count", MISSING, where={"risk": ["medium", "high"]}, days=7),
    feature("quiet", "days_since", MISSING, days=60, default=60.0),
]

moments = st.integers(0, 400 * DAY).map(lambda s: START + timedelta(seconds=s))
numbers = st.integers(0, 10) | st.decimals(0, 10, places=2).map(float)
occurrences = st.one_of(
    st.tuples(
        st.just(ATTENDANCE),
        moments,
        st.fixed_dictionaries({}, optional={"missed": numbers, "possible": numbers, "late": numbers}),
    ),
    st.tuples(st.just(EXCLUSION), moments, st.fixed_dictionaries({"permanent": st.booleans()})),
    st.tuples(st.just(MISSING), moments, st.fixed_dictionaries({"risk": st.sampled_from(["low", "medium", "high"])})),
)


def recount(facts: Sequence[Occurrence], as_of: datetime) -> list[float]:
    """The features by their definition, from the facts themselves."""

    def within(event: str, days: int | None, *names: str) -> list[Occurrence]:
        first = as_of.toordinal() - (days or 10**5)
        return sorted(
            (f for f in facts if f[0] == event and f[1].toordinal() > first and all(n in f[2] for n in names)),
            key=lambda f: (f[1], *(f[2][n] for n in names)),
        )

    def values(name: str, days: int | None) -> list[float]:
        return [float(f[2][name]) for f in within(ATTENDANCE, days, name)]

    pairs = within(ATTENDANCE, 28, "missed", "possible")
    possible = sum(float(f[2]["possible"]) for f in pairs)
    ever, silent = values("missed", None), within(MISSING, 60)
    return [
        sum(float(f[2]["missed"]) for f in pairs) / possible if possible else 0.0,
        sum(values("late", 28)),
        max(values("missed", 90), default=0.0),
        sum(ever) / len(ever) if ever else 0.0,
        ever[-1] if ever else -1.0,
        len(within(EXCLUSION, 365)),
        float(any(f[2]["permanent"] for f in within(EXCLUSION, None))),
        sum(f[2]["risk"] != "low" for f in within(MISSING, 7)),
        as_of.toordinal() - silent[-1][1].toordinal() if silent else 60.0,
    ]


def state_of(features: Features, facts: Sequence[Occurrence]) -> State:
    state = EMPTY
    for fact in facts:
        state = update(features, state, *fact)
    return state


@given(st.lists(occurrences, max_size=20), st.randoms(use_true_random=False), st.integers(1, 4), st.integers(0, 100))
@settings(max_examples=150, deadline=None)
def test_any_order_and_any_split_into_records_gives_the_recount(facts, random, records, later) -> None:  # type: ignore[no-untyped-def]
    features = Features(FEATURES)
    as_of = max((f[1] for f in facts), default=START) + timedelta(days=later)
    shuffled = random.sample(facts, len(facts))
    states = [state_of(features, shuffled[i::records]) for i in range(records)]
    counted = vector(features, features.merge(states), as_of)
    assert counted.tolist() == pytest.approx(recount(facts, as_of), abs=1e-5)
    whole = state_of(features, facts)
    assert vector(features, whole, as_of).tobytes() == counted.tobytes()
    assert features.merge(states) == features.merge([whole])


@given(st.lists(occurrences, min_size=1, max_size=10))
@settings(max_examples=80, deadline=None)
def test_nothing_changes_before_the_day_that_is_due(facts) -> None:  # type: ignore[no-untyped-def]
    features = Features(FEATURES)
    state, newest = state_of(features, facts), max(f[1] for f in facts)
    days = [newest + timedelta(days=n) for n in range(0, 100)]
    for today, tomorrow in pairwise(days):
        due = features.evaluated([state], [today]).due[0]
        before, after = vector(features, state, today), vector(features, state, tomorrow)
        assert due is None or due > today.date()
        if due is None or due > tomorrow.date():
            assert before.tobytes() == after.tobytes()


def test_a_state_does_not_grow_with_history() -> None:
    features = Features([FEATURES[0], FEATURES[5]])
    state = EMPTY
    for week in range(500):
        at = START + timedelta(weeks=week)
        state = update(features, state, ATTENDANCE, at, {"missed": 1, "possible": 10})
    assert len(state) == 2 * 4 * TILE_BYTES


def test_a_text_where_a_number_belongs_is_not_counted() -> None:
    features = Features(FEATURES)
    assert update(features, EMPTY, ATTENDANCE, START, {"missed": "many", "possible": "?"}) == EMPTY
