"""Which reasons of a score a role may see: both services that show any ask the same function."""

from collections.abc import Mapping

import pytest

from shared.access import Agreement, Agreements, Decision, shows_reason
from shared.initiatives import Feature
from shared.settings import PROJECT

MISSED = Feature(name="missed", kind="ratio", events=("attendance",), fact="missed", over="possible")
PERMANENT = Feature(name="permanent", kind="count", events=("exclusion",), where={"permanent": True})
TIMES = Feature(name="times", kind="count", events=("attendance", "exclusion"))


def agreements(events: Mapping[str, Mapping[str, str]]) -> Agreements:
    """One agreement, called schools, with the facts of each of its events."""
    real = Agreements.load(PROJECT / "agreements").by_name["schools"]
    written = real.model_dump() | {"events": {name: {"facts": facts} for name, facts in events.items()}}
    return Agreements([Agreement.model_validate(written)])


SCHOOLS = agreements(
    {"attendance": {"missed": "number", "possible": "number"}, "exclusion": {}, "offer": {"days": "number"}}
)


@pytest.mark.parametrize(
    ("feature", "granted", "shown"),
    [
        (MISSED, {"missed"}, True),
        (MISSED, {"possible"}, True),
        (MISSED, {"days"}, False),
        (MISSED, set(), False),
        (TIMES, {"possible"}, True),
        (TIMES, {"days"}, False),
        (PERMANENT, {"permanent"}, False),
    ],
    ids=[
        "its fact is shown", "its denominator is shown", "only another event's fact is shown", "nothing is shown",
        "a count is made of all facts of its events", "but of no other event's", "its event brings no facts here",
    ],
)  # fmt: skip
def test_a_reason_is_shown_to_whom_a_fact_that_its_events_bring_is_shown(
    feature: Feature, granted: set[str], shown: bool
) -> None:
    decision = Decision("neet", {"schools": frozenset(granted)})
    assert shows_reason(SCHOOLS, decision, feature) is shown


def test_a_fact_shown_under_one_agreement_opens_nothing_that_came_in_by_another() -> None:
    decision = Decision("neet", {"police": frozenset({"missed", "possible"})})
    assert not shows_reason(SCHOOLS, decision, MISSED)
