"""Places and organisations by rules: cases that people would settle at a glance, and one partition in any order."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.linkage.index import entities as survival
from services.linkage.index.changes import Change, Decide, Remove, Stored, Upsert, Verdict
from services.linkage.index.entities import EntityChange
from services.linkage.index.partition import Decisions
from services.linkage.ruled import businesses, premises, ruled
from services.linkage.ruled.decided import decided
from services.linkage.ruled.ruled import RuledIndex
from shared.contracts import Kind
from shared.normal import normalise
from tests.linkage.limits import limited
from tests.linkage.people import record

Said = Mapping[str, str]


def new_index(kind: Kind) -> RuledIndex[Any]:
    if kind is Kind.PLACE:
        return RuledIndex(kind, premises.premises, premises.RULES)
    return RuledIndex(kind, businesses.business, businesses.RULES)


def entities(kind: Kind, *said: Said) -> list[set[int]]:
    """Which of these records, as partners write them, are of one."""
    index = new_index(kind)
    index.apply([Upsert(record(at), normalise(kind, one)[0]) for at, one in enumerate(said)])
    place = {record(at): at for at in range(len(said))}
    return sorted(({place[one] for one in members} for members in index.entities().values()), key=min)


@pytest.mark.parametrize(
    "other",
    [
        {"address": "10, THE GRANGE", "postcode": "nw10aa"},
        {"address": "10 The Grnage", "postcode": "NW1 0AA"},
        {"address": "10 Grange", "town": "Camden", "postcode": "NW1 0A"},
        {"address": "10 The Grange", "town": "Camden"},
        {"address": "10 Y Faenor", "postcode": "NW1 0AA"},
        {"address": "10 The Grange, NW1 0AA"},
        {"uprn": "990000000010"},
    ],
)
def test_one_place_written_twice_is_one(other: Said) -> None:
    grange = {"address": "10 The Grange", "town": "Camden", "postcode": "NW1 0AA", "uprn": "990000000010"}
    assert entities(Kind.PLACE, grange, other) == [{0, 1}]


@pytest.mark.parametrize(
    "other",
    [
        {"address": "Flat A, 10 The Grange", "town": "Camden", "postcode": "NW1 0AA"},
        {"address": "11 The Grange", "town": "Camden", "postcode": "NW1 0AA"},
        {"address": "10 The Grange", "town": "Cardiff", "postcode": "CF10 1AA"},
        {"address": "10A The Grange", "town": "Camden", "postcode": "NW1 0AA"},
        {"address": "10 The Grange", "town": "Camden", "postcode": "NW1 0AA", "uprn": "990000000011"},
        {"address": "no fixed abode", "town": "Camden"},
    ],
)
def test_two_places_however_alike_stay_two(other: Said) -> None:
    grange = {"address": "10 The Grange", "town": "Camden", "postcode": "NW1 0AA", "uprn": "990000000010"}
    assert entities(Kind.PLACE, grange, other) == [{0}, {1}]


def test_an_address_that_may_be_either_of_two_is_neither() -> None:
    here = {"address": "10 High Street", "town": "Aberwern", "uprn": "990000000010", "postcode": "AW1 1AA"}
    there = {"address": "10 High Street", "town": "Aberwern", "uprn": "990000000011", "postcode": "AW1 9ZZ"}
    vague = {"address": "10 High Street", "town": "Aberwern"}
    assert entities(Kind.PLACE, here, there, vague) == [{0}, {1}, {2}]


def test_a_vague_address_joins_no_two_that_are_apart() -> None:
    here, there = ({"address": "10 High Street", "town": "Aberwern", "postcode": p} for p in ("AW1 1AA", "AW1 9ZZ"))
    assert entities(Kind.PLACE, here, there, {"address": "10 High Street", "town": "Aberwern"}) == [{0}, {1}, {2}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Caffi Wigmoor Cyf", "town": "Wigmoor"}, {"name": "CAFFI WIGMOOR CYFYNGEDIG", "town": "Wigmoor"}),
        ({"name": "Smith & Sons Ltd", "postcode": "AW1 1AA"},
         {"name": "Smith and Sons Limited", "postcode": "AW1 1AA"}),
        ({"name": "A1 Foods Ltd t/a The Golden Fish", "postcode": "AW1 1AA"},
         {"name": "The Golden Fish", "postcode": "AW1 1AA"}),
        ({"name": "Clunbridge Butches", "phone": "01414960320"},
         {"name": "Clunbridge Butchers", "phone": "0141 496 0320"}),
        ({"name": "Anything", "company_number": "04812365"}, {"name": "Else", "company_number": "4812365"}),
    ],
)  # fmt: skip
def test_one_organisation_written_twice_is_one(one: Said, other: Said) -> None:
    assert entities(Kind.ORGANISATION, one, other) == [{0, 1}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Spar", "town": "Aberwern", "postcode": "AW1 1AA"},
         {"name": "Spar", "town": "Aberwern", "postcode": "AW1 9ZZ"}),
        ({"name": "Spar Ltd", "company_number": "04812365", "postcode": "AW1 1AA"},
         {"name": "Spar Ltd", "company_number": "04812366", "postcode": "AW1 1AA"}),
        ({"name": "Wern Dental", "phone": "01414960320"}, {"name": "Wern Solicitors", "phone": "01414960320"}),
        ({"name": "Pugh Plumbing", "town": "Aberwern"}, {"name": "Pugh Plumbing", "town": "Clunbridge"}),
    ],
)  # fmt: skip
def test_two_organisations_however_alike_stay_two(one: Said, other: Said) -> None:
    assert entities(Kind.ORGANISATION, one, other) == [{0}, {1}]


def test_what_says_nothing_is_nobody_in_particular() -> None:
    assert entities(Kind.ORGANISATION, {"town": "Aberwern"}, {"town": "Aberwern"}) == [{0}, {1}]


def _sayings(kind: Kind) -> list[Said]:
    """Few subjects, written in many ways, numbers now and then, and now and then another's."""
    rng = Random(7)
    fields = {
        "address": ["10 High Street", "10 High Stret", "10 Stryd Fawr", "Flat 1, 10 High Street", "Wern Hall"],
        "postcode": ["AW1 1AA", "AW1 1AB", "AW1 1A", ""],
        "town": ["Aberwern", "Clunbridge", ""],
        "uprn": ["", "", "", "990000000001", "990000000002"],
    }  # fmt: skip
    if kind is Kind.ORGANISATION:
        fields |= {
            "name": ["Caffi Wern Cyf", "Caffi Werm", "Caffi Wern", "Spar t/a Caffi Wern", "Spar"],
            "company_number": ["", "", "", "04812365", "04812366"],
            "phone": ["", "+441597960001", "+441597960002"],
        }
    drawn = [{name: rng.choice(values) for name, values in fields.items()} for _ in range(80)]
    return [{name: value for name, value in one.items() if value} for one in drawn]


records = st.integers(0, 24).map(record)
verbs = st.one_of(
    st.builds(lambda one, at: (one, at), records, st.integers(0, 79)),
    st.builds(lambda one: (one, None), records),
)


class Registry(RuleBasedStateMachine):
    """An index that lives through anything, beside the plain facts of what it was told."""

    kind = Kind.PLACE

    @initialize()
    def open(self) -> None:
        self.sayings = _sayings(self.kind)
        self.index, self.known = new_index(self.kind), dict[UUID, Said]()
        self.members, self.newest = dict[UUID, tuple[UUID, ...]](), UUID(int=0)
        self.decided = dict[tuple[UUID, UUID], Verdict | None]()

    @rule(told=st.lists(verbs, min_size=1, max_size=8))
    def records_come_change_and_go(self, told: list[tuple[UUID, int | None]]) -> None:
        changes: list[Change] = []
        for one, at in told:
            changes.append(Remove(one) if at is None else Upsert(one, self.sayings[at]))
            if at is None:
                self.known.pop(one, None)
            else:
                self.known[one] = self.sayings[at]
        self._hear(self.index.apply(changes).entities)

    def _hear(self, changes: Iterable[EntityChange]) -> None:
        for change in changes:
            assert self.members.get(change.entity, ()) == change.before
            self.members[change.entity] = change.after
            self.newest = max(self.newest, change.entity)

    @rule(left=records, right=records, verdict=st.sampled_from([None, "must", "must", "must_not", "must_not"]))
    def a_steward_decides(self, left: UUID, right: UUID, verdict: Verdict | None) -> None:
        if left != right:
            self.decided[min(left, right), max(left, right)] = verdict
            self._hear(self.index.apply([Decide(left, right, verdict)]).entities)

    @rule()
    def the_process_starts_anew(self) -> None:
        before = dict(self.index.entities())
        stored = [Stored(one, said, b"", self.index.entity(one)) for one, said in self.known.items()]
        self.index = new_index(self.kind)
        decided = [Decide(*pair, verdict) for pair, verdict in self.decided.items()]
        self.index.restore([stored], self.newest if self.newest.int else None, decided)
        assert {e: set(m) for e, m in self.index.entities().items()} == {e: set(m) for e, m in before.items()}

    @invariant()
    def it_says_what_an_index_says_that_heard_it_otherwise(self) -> None:
        told: list[Change] = [Upsert(one, said) for one, said in self.known.items()]
        told += [Decide(*reversed(pair), verdict) for pair, verdict in self.decided.items()]
        rng = Random(len(told))
        rng.shuffle(told)
        other, size = new_index(self.kind), rng.choice([1, 3, 100])
        for start in range(0, len(told), size):
            other.apply(told[start : start + size])
        assert _groups(self.index) == _groups(other)

    @invariant()
    def it_is_what_decisions_make_of_what_rules_make(self) -> None:
        plain, decisions = new_index(self.kind), Decisions()
        plain.apply([Upsert(one, said) for one, said in self.known.items()])
        for pair, verdict in self.decided.items():
            decisions.set(*pair, verdict)
        assert _groups(self.index) == {frozenset(one) for one in decided(plain.entities().values(), decisions)}

    @invariant()
    def must_not_holds_and_must_where_it_can(self) -> None:
        place = {one: members for members in _groups(self.index) for one in members}
        here = {pair: verdict for pair, verdict in self.decided.items() if set(pair) <= set(place)}
        apart = [pair for pair, verdict in here.items() if verdict == "must_not"]
        assert all(place[one] != place[other] for one, other in apart)
        for one, other in (pair for pair, verdict in here.items() if verdict == "must"):
            both = place[one] | place[other]
            assert place[one] == place[other] or any(set(pair) <= both for pair in apart)

    @invariant()
    def its_entities_are_what_it_told(self) -> None:
        living = {entity: set(members) for entity, members in self.members.items() if members}
        assert living == {entity: set(members) for entity, members in self.index.entities().items()}
        assert set(self.known) == {one for members in living.values() for one in members}


class Companies(Registry):
    kind = Kind.ORGANISATION


def _groups(index: RuledIndex[Any]) -> set[frozenset[UUID]]:
    return {frozenset(members) for members in index.entities().values()}


# Keys overflow and come back all the time; more than three records are a crowd, nobody in particular.
Crowded = limited(Registry, ruled, "MOST_UNDER_A_KEY", 3)
Busy = limited(Registry, survival, "MOST_TOGETHER", 3)

_SETTINGS = settings(max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
for _one in (Registry, Companies, Crowded, Busy):
    _one.TestCase.settings = _SETTINGS
TestPlaces, TestOrganisations, TestCrowdedPlaces = Registry.TestCase, Companies.TestCase, Crowded.TestCase
TestBusyPlaces = Busy.TestCase
