"""Whatever the order, the same end: scores, merges and erasures are shuffled, cut into batches and repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.domain import LIVE, Alert
from services.alerts.judgement import Heard, Key, Known, judge
from services.alerts.standing import Score, Standing
from shared.contracts.alerts import State
from tests.alerts.examples import NOW, RULES, entity, score

Said = tuple[Key, Score] | tuple[UUID, UUID] | UUID


@dataclass
class Kept:
    """What the store keeps, in memory: everything known is handed to every judgement."""

    redirects: dict[UUID, UUID] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    standings: dict[Key, Standing] = field(default_factory=dict)
    alerts: dict[UUID, Alert] = field(default_factory=dict)
    changes: list[tuple[UUID, str]] = field(default_factory=list)

    def hear(self, batch: Sequence[Said]) -> None:
        said = heard_of(batch)
        known = Known(dict(self.redirects), frozenset(self.erased), dict(self.standings), list(self.alerts.values()))
        changes = judge(known, said, RULES, NOW)
        self.redirects |= changes.redirects
        self.erased |= {*said.erased}
        self.standings |= changes.standings
        self.alerts |= {step.after.id: step.after for step in changes.steps}
        self.changes += [(step.after.id, step.change) for step in changes.steps]
        live = [(a.initiative, a.entity) for a in self.alerts.values() if a.state in LIVE]
        assert len(live) == len(set(live)), "two live alerts of one person"

    @property
    def end(self) -> object:
        """What people see in the end: who needs attention, with which score, and who was merged into whom."""
        live = {(a.initiative, a.entity): (a.score, a.team, a.band) for a in self.alerts.values() if a.state in LIVE}
        return live, self.redirects


def heard_of(batch: Sequence[Said]) -> Heard:
    return Heard(
        scores=[one for one in batch if isinstance(one, tuple) and isinstance(one[1], Score)],
        said_merges=[one for one in batch if isinstance(one, tuple) and isinstance(one[0], UUID)],
        erased=[one for one in batch if isinstance(one, UUID)],
    )


values = st.sampled_from([None, 0.0, 0.3, 0.45, 0.5, 0.6, 0.7, 0.95])
areas = st.sampled_from([None, "north", "south"])
said_scores = st.builds(
    lambda who, version, value, area: (("neet", entity(who)), score(version, value, of=entity(who), area=area)),
    st.integers(1, 4), st.integers(1, 6), values, areas,
)  # fmt: skip
# Merges lead from a higher to a lower id: linkage never says a circle.
said_merges = st.tuples(st.integers(1, 4), st.integers(1, 4)).filter(lambda pair: pair[0] > pair[1])


def _merge(one: int, two: int, version: int) -> Said:
    """As linkage says it (0), or as scoring does."""
    if version == 0:
        return entity(one), entity(two)
    return ("neet", entity(one)), replace(score(version, None, of=entity(one)), into=entity(two))


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Said], list[list[Said]]]:
    """What was said, and the same shuffled, with repetitions, in batches."""
    scores = draw(st.lists(said_scores, max_size=14, unique_by=lambda one: (one[0], one[1].version)))
    merges = draw(st.lists(said_merges, max_size=3, unique_by=lambda pair: pair[0]))
    remaining = [who for who in range(1, 5) if who not in {one for one, _ in merges}]  # the merged have no later life
    erased = draw(st.lists(st.sampled_from(remaining).map(entity), max_size=1))
    said: list[Said] = [*scores, *(_merge(one, two, draw(st.integers(0, 6))) for one, two in merges), *erased]
    again = draw(st.lists(st.sampled_from(said), max_size=3)) if said else []
    shuffled = draw(st.permutations([*said, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    edges = [0, *cuts, len(shuffled)]
    return said, [list(shuffled[a:b]) for a, b in pairwise(edges)]


@given(stories())
@settings(max_examples=400, deadline=None)
def test_any_order_any_batches_any_repetition_end_the_same(story: tuple[list[Said], list[list[Said]]]) -> None:
    said, batches = story
    one, many = Kept(), Kept()
    one.hear(said)
    for batch in batches:
        many.hear(batch)
    assert many.end == one.end


@given(stories())
@settings(max_examples=200, deadline=None)
def test_every_alert_that_opened_can_still_be_found_with_all_it_went_through(
    story: tuple[list[Said], list[list[Said]]],
) -> None:
    kept = Kept()
    for batch in story[1]:
        kept.hear(batch)
    for alert in kept.alerts.values():
        assert (alert.id, "opened") in kept.changes
        assert alert.entity == kept.redirects.get(alert.entity, alert.entity)
        if alert.state is State.JOINED:
            assert kept.alerts[alert.joined_into or entity(0)].initiative == alert.initiative


def test_two_open_alerts_of_people_who_are_one_become_one_and_both_histories_stay() -> None:
    kept = Kept()
    kept.hear([(("neet", entity(1)), score(1, 0.8, of=entity(1))), (("neet", entity(2)), score(1, 0.9, of=entity(2)))])
    kept.hear([(entity(2), entity(1))])
    states = sorted(alert.state for alert in kept.alerts.values())
    assert states == [State.JOINED, State.OPEN]
    assert {alert.entity for alert in kept.alerts.values()} == {entity(1)}
    assert [change for _, change in kept.changes][:4] == ["opened", "opened", "moved", "joined"]


def test_the_erased_leave_nothing_but_that_there_was_an_alert() -> None:
    kept = Kept()
    kept.hear([(("neet", entity(1)), score(1, 0.8))])
    kept.hear([entity(1)])
    kept.hear([(("neet", entity(1)), score(2, 0.9))])
    (alert,) = kept.alerts.values()
    assert (alert.state, alert.reasons, alert.score) == (State.ERASED, (), None)


@pytest.mark.parametrize("ended", [True, False])
def test_an_ended_alert_forgets_why_when_a_record_of_its_person_is_no_longer_held(ended: bool) -> None:
    kept = Kept()
    kept.hear([(("neet", entity(1)), score(1, 0.8)), (entity(2), entity(1))])
    if ended:
        kept.hear([(("neet", entity(1)), score(2, 0.1))])
    known = Known(kept.redirects, frozenset(), kept.standings, list(kept.alerts.values()))
    steps = judge(known, Heard(thinned=[entity(2)]), RULES, NOW).steps
    assert [(one.change, one.after.reasons, one.news) for one in steps] == [("forgotten", (), True)] * ended


def test_a_score_of_an_initiative_nobody_has_heard_of_is_refused_loudly() -> None:
    with pytest.raises(LookupError, match="add its folder"):
        Kept().hear([(("unheard", entity(1)), score(1, 0.8))])
