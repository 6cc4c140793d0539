"""A value is shown under the agreement it came in by, also when its record has had several."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.linkage.desk.showing import Sight, shown
from services.linkage.records import Published, fold
from shared.access import Decision
from shared.contracts import Kind
from tests.linkage.answering import NOON, record

FIELDS = ("given", "family", "email", "nhs_number")
AGREEMENTS = ("old", "new")
grants = st.fixed_dictionaries({name: st.frozensets(st.sampled_from(FIELDS)) for name in AGREEMENTS})
saids = st.lists(
    st.tuples(st.sampled_from(AGREEMENTS), st.frozensets(st.sampled_from(FIELDS), min_size=1), st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


def sight(granted: dict[str, frozenset[str]]) -> Sight:
    return Sight(Decision("purpose", granted), {"partner": frozenset(AGREEMENTS)})


@given(grants, saids)
def test_no_value_is_shown_that_the_agreement_of_its_event_would_not_show(
    granted: dict[str, frozenset[str]], said: list[tuple[str, frozenset[str], int]]
) -> None:
    """Every value names the agreement of the event that published it."""
    id = record("partner").id
    events = [
        Published(
            id, Kind.PERSON, "partner", agreement, {f: f"{f} {n} by {agreement}" for f in fields},
            NOON + timedelta(hours=hour),
        )
        for n, (agreement, fields, hour) in enumerate(said)
    ]  # fmt: skip
    kept = fold(events, None)
    for visible in shown(id, id, Kind.PERSON, [kept], sight(granted)).records:
        for field, value in visible.identity.items():
            assert field in granted[value.rsplit(" ", 1)[1]]


def test_a_value_is_shown_when_every_agreement_it_may_have_come_by_shows_it() -> None:
    first = Published(record("partner").id, Kind.PERSON, "partner", "old", {"given": "Siân", "email": "s@x.org"}, NOON)
    later = Published(first.id, Kind.PERSON, "partner", "new", {"given": "Siân"}, NOON + timedelta(hours=1))
    kept = fold([first, later], None)
    both = sight({"old": frozenset({"email"}), "new": frozenset({"given", "email"})})
    only_new = sight({"old": frozenset(), "new": frozenset({"given", "email"})})
    assert shown(kept.id, kept.id, kept.kind, [kept], both).fields == ["given", "email"]
    assert shown(kept.id, kept.id, kept.kind, [kept], only_new).fields == ["given"]
