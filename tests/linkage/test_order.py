"""The partition is a function of (records, model, decisions): in any order, by any batches, any number of times."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from uuid import UUID

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.linkage.engines.duck import DuckDB
from services.linkage.following import News, follow, touched_by
from services.linkage.index import entities as survival
from services.linkage.index.changes import Change, Decide, Remove, Stored, Upsert
from services.linkage.index.index import Index
from services.linkage.index.rows import EDGE
from services.linkage.purposes.terms import NOBODY
from services.linkage.store import NOTHING, StoredRow
from shared.contracts import Kind
from tests.linkage.limits import limited
from tests.linkage.people import groups, model, record

RECORDS = 40
SMALL = replace(model(), block_cap=3)
"""With so low a cap keys overflow, wake and turn into crowds all the time."""


def some_identities(seed: int = 5, count: int = 60) -> list[Mapping[str, str]]:
    """Few people, often alike, often of one home, written in many ways."""
    rng = Random(seed)
    people = [
        {
            "given": rng.choice(["Siân", "Dafydd", "Rhodri", "Rhian", "Margaret", "Tom"]),
            "family": rng.choice(["Pugh", "Vaughan", "ap Rhys", "Price", "Hopkins"]),
            "birth_date": f"19{rng.randrange(60, 63)}-0{rng.randrange(1, 4)}-1{rng.randrange(3)}",
            "address": rng.choice(["1 High Street", "2 High Street", "Wern Hall"]),
            "postcode": rng.choice(["AW1 1AA", "AW1 1AB"]),
            "phone": rng.choice(["01597960001", "01597960002"]),
            "sex": rng.choice("FM"),
            "source": rng.choice(["schools", "council-tax", "bench"]),
        }
        for _ in range(14)
    ]
    spoilt = {
        "given": "Rhian",
        "family": "Prise",
        "birth_date": "1961-03-11",
        "phone": "",
        "postcode": "",
        "address": "",
    }
    return [
        {k: spoilt[k] if k in spoilt and rng.random() < 0.2 else v for k, v in rng.choice(people).items()}
        for _ in range(count)
    ]


IDENTITIES = [*some_identities(), *[{"given": "Dewi", "family": "Jones"}] * 3]
records = st.integers(0, RECORDS - 1).map(record)
identities = st.sampled_from(IDENTITIES)
upserts = st.builds(Upsert, records, identities)
changes = st.lists(st.one_of(upserts, upserts, upserts, st.builds(Remove, records)), min_size=1, max_size=12)
verdicts = st.sampled_from(["must", "must_not", None])


def edges_of(index: Index) -> dict[UUID, list[tuple[int, ...]]]:
    """For each record the edges of its node: other end, weight, conflict."""
    return {
        one: sorted(np.frombuffer(row, EDGE).tolist()) for one, row in index.rows(index.records()).items()
    }  # fmt: skip


def test_who_starts_anew_knows_how_its_clusters_merged() -> None:
    told = [Upsert(record(at), one) for at, one in enumerate(some_identities(count=200))]
    lived, again = Index(model()), Index(model())
    lived.apply(told)
    rows = lived.rows(lived.records())
    again.restore([[Stored(one.record, one.identity, rows[one.record], lived.entity(one.record)) for one in told]])
    merged = np.isfinite(lived._partition._low)
    assert merged.any()
    for known in ("_label", "_first", "_low"):
        assert getattr(again._partition, known).tolist() == getattr(lived._partition, known).tolist()


class Office(RuleBasedStateMachine):
    """An index that lives through anything, beside the plain facts of what it was told."""

    @initialize()
    def open(self) -> None:
        self.index = Index(SMALL)
        self.records: dict[UUID, Mapping[str, str]] = {}
        self.rows: dict[UUID, tuple[int, bytes]] = {}
        self.version = 0
        self.other, self.touched = Index(SMALL), NOTHING
        self.decisions: dict[frozenset[UUID], Decide] = {}
        self.entities: dict[UUID, tuple[UUID, ...]] = {}
        self.newest: UUID | None = None

    def tell(self, told: list[Change]) -> None:
        delta = self.index.apply(told)
        self.keep(delta.rows)
        self.rows = {one: row for one, row in self.rows.items() if one in self.records}
        self.touched |= touched_by([(Kind.PERSON, one) for one in told], delta.entities)
        for change in delta.entities:
            assert self.entities.get(change.entity, ()) == change.before
            self.entities[change.entity] = change.after
            assert (change.into is not None) == (change.change == "merged")
            assert change.into is None or self.index.members(change.into)
            self.newest = max(self.newest or change.entity, change.entity)
        self.entities = {entity: members for entity, members in self.entities.items() if members}

    def keep(self, rows: Mapping[UUID, bytes]) -> None:
        self.version += 1
        self.rows |= {one: (self.version, row) for one, row in rows.items()}

    @rule(told=changes)
    def records_come_and_go(self, told: list[Change]) -> None:
        for one in told:
            if isinstance(one, Upsert):
                self.records[one.record] = one.identity
            elif isinstance(one, Remove):
                self.records.pop(one.record, None)
        self.tell(told)

    @rule(left=records, right=records, verdict=verdicts)
    def a_steward_decides(self, left: UUID, right: UUID, verdict: str) -> None:
        if left != right:
            decision = Decide(left, right, verdict)  # type: ignore[arg-type]
            self.decisions[frozenset((left, right))] = decision
            self.tell([decision])

    @precondition(lambda self: self.records)
    @rule(data=st.data())
    def records_are_delivered_again(self, data: st.DataObject) -> None:
        again = data.draw(st.lists(st.sampled_from(sorted(self.records)), max_size=8))
        before = groups(self.index)
        self.tell([Upsert(one, self.records[one]) for one in again])
        assert groups(self.index) == before

    @rule(lost=st.sets(records, max_size=5))
    def the_process_starts_anew(self, lost: set[UUID]) -> None:
        """Some rows may be of another model, and count as lost."""
        stored = []
        for one, identity in self.records.items():
            version, row = self.rows[one]
            known = None if one in lost else row
            stored.append(Stored(one, identity, known, self.index.entity(one), version=version))
        Random(len(self.rows)).shuffle(stored)  # a table has no order
        before, edges = dict(self.index.entities()), edges_of(self.index)
        self.index = Index(SMALL, DuckDB())
        self.index.restore([stored[:9], stored[9:]], self.newest, list(self.decisions.values()))
        assert edges_of(self.index) == edges
        assert {e: set(m) for e, m in self.index.entities().items()} == {e: set(m) for e, m in before.items()}

    def source(self, one: UUID) -> str:
        return self.records[one].get("source", "")

    @rule()
    def another_replica_follows(self) -> None:
        rows = [
            StoredRow(one, Kind.PERSON, self.records[one], None, 0, self.index.entity(one), self.source(one))
            for one in self.touched.records & self.records.keys()
        ]
        decided = [
            (*sorted(pair), one.verdict)
            for pair, one in self.decisions.items() if one.verdict and pair & self.touched.records
        ]  # fmt: skip
        news = News(self.touched, rows, decided, (), NOBODY)  # type: ignore[arg-type]
        asyncio.run(follow({Kind.PERSON: self.other}, news))
        self.touched = NOTHING
        assert {e: set(m) for e, m in self.other.entities().items()} == {
            e: set(m) for e, m in self.index.entities().items()
        }
        assert edges_of(self.other) == edges_of(self.index)

    @rule()
    def it_fails_and_a_replica_takes_its_place(self) -> None:
        self.another_replica_follows()
        self.index, self.other = self.other, self.index

    @precondition(lambda self: self.records)
    @rule()
    def everybody_is_linked_anew_at_once(self) -> None:
        filled = Index(SMALL, DuckDB())
        told = [Upsert(one, identity) for one, identity in self.records.items()]
        filled.fill([told[:7], told[7:]], list(self.decisions.values()))
        assert groups(filled) == groups(self.index)
        assert filled.adopt(self.index.entities(), self.newest) == []
        assert edges_of(filled) == edges_of(self.index)
        self.index = filled
        self.keep(filled.rows(self.records))

    @invariant()
    def it_says_what_an_index_says_that_heard_it_otherwise(self) -> None:
        rng = Random(len(self.records))
        told: list[Change] = [Upsert(one, identity) for one, identity in self.records.items()]
        told += self.decisions.values()
        rng.shuffle(told)
        other, size = Index(SMALL), rng.choice([1, 5, 1000])
        for start in range(0, len(told), size):
            other.apply(told[start : start + size])
        assert groups(self.index) == groups(other)

    @invariant()
    def its_entities_are_what_it_told(self) -> None:
        assert {e: set(m) for e, m in self.entities.items()} == {e: set(m) for e, m in self.index.entities().items()}
        assert set(self.records) == {one for members in self.entities.values() for one in members}
        assert all(one in self.entities[self.index.entity(one)] for one in self.records)


# More than three records are a crowd: nobody in particular.
Crowded = limited(Office, survival, "MOST_TOGETHER", 3)
Office.TestCase.settings = Crowded.TestCase.settings = settings(
    max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOffice, TestCrowdedOffice = Office.TestCase, Crowded.TestCase


def test_a_decision_that_was_taken_back_leaves_nothing_that_a_restart_could_lose() -> None:
    identities = [IDENTITIES[0] | {"email": email} for email in ("a@v.example", "")]
    index = Index(model())
    rows = dict(index.apply([Upsert(record(n), one) for n, one in enumerate(identities)]).rows)
    for verdict in ("must", None):
        rows |= index.apply([Decide(record(0), record(1), verdict)]).rows  # type: ignore[arg-type]
    stored = [Stored(record(n), one, rows[record(n)], index.entity(record(n))) for n, one in enumerate(identities)]
    again = Index(model())
    again.restore([stored])
    for one in (index, again):
        one.apply([Upsert(record(2), IDENTITIES[0])])
        one.apply([Remove(record(2))])
    assert groups(again) == groups(index) == {frozenset(map(record, range(2)))}


def test_a_thin_record_that_a_steward_joined_to_another_is_still_joined_after_a_restart() -> None:
    said = [IDENTITIES[0], {"given": "Dewi", "family": "Jones"}]
    index, decision = Index(model()), Decide(record(0), record(1), "must")
    rows = dict(index.apply([Upsert(record(number), identity) for number, identity in enumerate(said)]).rows)
    rows |= index.apply([decision]).rows
    assert groups(index) == {frozenset([record(0), record(1)])}
    anew = Index(model(), DuckDB())
    stored = [Stored(one, said[at], rows[one], index.entity(one)) for at, one in enumerate(map(record, range(2)))]
    anew.restore([stored], None, [decision])
    assert anew.entities() == index.entities()


def test_records_of_one_content_that_were_stored_apart_are_together_again_once_one_of_them_is_touched() -> None:
    said = [IDENTITIES[0], IDENTITIES[0] | {"email": "a@v.example"}] * 2
    index = Index(model())
    rows = index.apply([Upsert(record(number), identity) for number, identity in enumerate(said)]).rows
    assert len(index.entities()) == 1
    apart = [index.entity(record(0)), survival.entity_id("person", 7, [record(2)])]
    anew = Index(model())
    anew.restore([[Stored(record(at), one, rows[record(at)], apart[at // 2]) for at, one in enumerate(said)]])
    assert len(anew.entities()) == 2
    anew.apply([Upsert(record(4), IDENTITIES[0])])
    assert groups(anew) == {frozenset(map(record, range(5)))}
