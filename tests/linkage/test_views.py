"""What a purpose may see of an entity: the parts that its allowed records form by themselves, whatever the order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from services.linkage.index.changes import Decide, Upsert
from services.linkage.index.index import Index
from services.linkage.live import Kinds, Linked, LiveIndex, as_stored, restore
from services.linkage.models.registry import InUse
from services.linkage.purposes.terms import Strict, Term, Terms
from services.linkage.purposes.views import part_id
from services.linkage.records import Kept, Published, fold
from services.linkage.ruled import premises
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import StoredPart, StoredRow
from shared.contracts import Change, EntityChanged, Kind
from tests.linkage.people import groups, model, record
from tests.linkage.test_order import IDENTITIES

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


def term(*purposes: str, strict: bool = False) -> Term:
    return Term(frozenset(purposes), strict, date(2030, 1, 1), YEAR)


TERMS = Terms(
    {
        "schools": term("neet"), "police": term("neet", "hmo"), "fire": term("hmo", "fire-safety"), "tax": term("hmo"),
        "hospital": term("neet", "fire-safety", strict=True),
    },
    frozenset({"fire-safety"}),
)  # fmt: skip
PURPOSES = ("neet", "hmo", "fire-safety")


def made() -> Kinds:
    return {Kind.PERSON: Index(model()), Kind.PLACE: RuledIndex(Kind.PLACE, premises.premises, premises.RULES)}


def kept(number: int, agreement: str, identity: Mapping[str, str], kind: Kind = Kind.PERSON) -> Kept:
    return fold([Published(record(number), kind, agreement, agreement, identity, NOON)], None)


class Office:
    """A live index without a database, and what somebody holds for true who heard all it said."""

    def __init__(self) -> None:
        self.live = LiveIndex(InUse(model()), TERMS)
        self.live._kinds = made()
        self.records: dict[UUID, Kept] = {}
        self.decided: dict[tuple[UUID, UUID], str] = {}
        self.rows: dict[UUID, tuple[int, bytes]] = {}
        self.stored: dict[tuple[UUID, str], StoredPart] = {}
        self.heard: dict[UUID, EntityChanged] = {}
        self.erased: set[UUID] = set()
        self.version = 0

    def publish(self, records: Sequence[Kept]) -> None:
        self.records |= {one.id: one for one in records}
        self.version += 1
        self._hear(self.live.apply(records, self.version))

    def leave(self, records: Iterable[UUID]) -> None:
        leaving = {id: self.records.pop(id).kind for id in records if id in self.records}
        self.version += 1
        linked = self.live.remove(leaving, [], self.version)
        self._hear(linked)
        assert {r for one in linked.changes for r in one.gone} == set(leaving)

    def decide(self, left: UUID, right: UUID, verdict: str | None) -> None:
        self.decided[min(left, right), max(left, right)] = verdict  # type: ignore[assignment]
        self.version += 1
        self._hear(self.live.decide([Decide(left, right, verdict)], self.version))  # type: ignore[arg-type]

    def restart(self) -> None:
        places = {r: e for e, members in self.entities().items() for r in members}
        rows = [
            StoredRow(id, one.kind, one.identity, row, version, places[id], one.agreement)
            for id, one in self.records.items()
            for version, row in [self.rows[id]]
        ]
        newest = {Kind.PERSON: max(self.heard, key=lambda id: id.int)} if self.heard else {}
        decided = [(a, b, verdict) for (a, b), verdict in self.decided.items() if verdict]
        strict = Strict(TERMS.strict)
        self.live = LiveIndex(InUse(model()), TERMS)
        self.live._kinds = made()
        stored = {kind: [as_stored(row, strict) for row in rows if row.kind is kind] for kind in Kind}
        restore(self.live._kinds, lambda kind: [stored[kind]], newest, decided)  # type: ignore[arg-type]
        self.live._views.learn((row.id, row.agreement) for row in rows)
        self.live._views.restore([part for part in self.stored.values() if part.living])

    def entities(self) -> dict[UUID, tuple[UUID, ...]]:
        return {e: members for index in self.live.kinds.values() for e, members in index.entities().items()}

    def parts(self, purpose: str) -> dict[UUID, frozenset[UUID]]:
        """By what was said: every part of every living entity, for those records that the purpose allows."""
        found: dict[UUID, frozenset[UUID]] = {}
        for entity, change in self.heard.items():
            allowed = self.allowed(change.after, purpose)
            said = {part.entity: frozenset(part.records) for part in change.parts.get(purpose, [])}
            found |= said or ({entity: frozenset(allowed)} if allowed else {})
        return found

    def allowed(self, records: Collection[UUID], purpose: str) -> list[UUID]:
        return [r for r in records if purpose in TERMS.purposes(self.records[r].agreement)]

    def _hear(self, linked: Linked) -> None:
        self.rows |= {id: (self.version, row) for id, row in linked.rows.items()}
        self.stored |= {(part.id, part.purpose): part for part in linked.parts}
        for change in linked.changes:
            if change.change is Change.ERASED and not change.before:
                self.erased.add(change.entity)
            elif change.after:
                self.heard[change.entity] = change
            else:
                self.heard.pop(change.entity, None)


def alone(office: Office, records: Collection[UUID], *, strict: bool) -> set[frozenset[UUID]]:
    """The parts by their definition: an index in which there is nobody else."""
    index = Index(model())
    index.apply(
        [
            Upsert(r, office.records[r].compared, strict or TERMS.is_strict(office.records[r].agreement))
            for r in sorted(records)
        ]
    )
    index.apply([Decide(a, b, v) for (a, b), v in office.decided.items() if v and {a, b} <= set(records)])  # type: ignore[arg-type]
    return groups(index)


def holds_what_is_defined(office: Office) -> None:
    assert {e: frozenset(c.after) for e, c in office.heard.items()} == {
        e: frozenset(members) for e, members in office.entities().items()
    }
    for purpose in PURPOSES:
        strict, said = purpose in TERMS.strict_purposes, office.parts(purpose)
        expected: dict[UUID, frozenset[UUID]] = {}
        for entity, members in office.entities().items():
            allowed = office.allowed(members, purpose)
            whole = len(allowed) == len(members) and not strict
            parts = [frozenset(allowed)] if whole else sorted(alone(office, allowed, strict=strict), key=min)
            main = max(parts, key=len, default=None)
            expected |= {entity if part is main else part_id(purpose, min(part)): part for part in parts}
        assert said == expected
        living = {p.id: frozenset(p.members) for p in office.stored.values() if p.living and p.purpose == purpose}
        fallen = {p.entity: frozenset(p.records) for c in office.heard.values() for p in c.parts.get(purpose, [])}
        assert living == fallen, "what is kept is what was said"


step = st.one_of(
    st.tuples(st.just("publish"), st.lists(st.tuples(st.integers(0, 24), st.sampled_from(sorted(TERMS.by_agreement)),
              st.sampled_from(IDENTITIES)), min_size=1, max_size=8)),
    st.tuples(st.just("leave"), st.lists(st.integers(0, 24), min_size=1, max_size=3)),
    st.tuples(st.just("decide"), st.tuples(st.integers(0, 24), st.integers(0, 24),
              st.sampled_from(["must", "must_not", None]))),
    st.tuples(st.just("restart"), st.none()),
)  # fmt: skip


@given(st.lists(step, min_size=4, max_size=14))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_parts_are_what_the_allowed_records_form_alone_whatever_happened_before(
    steps: list[tuple[str, object]],
) -> None:
    office = Office()
    for what, told in steps:
        if what == "publish":
            office.publish(list({n: kept(n, a, i) for n, a, i in told}.values()))  # type: ignore[attr-defined]
        elif what == "leave":
            office.leave([record(n) for n in told])  # type: ignore[attr-defined]
        elif what == "decide" and told[0] != told[1]:  # type: ignore[index]
            office.decide(record(told[0]), record(told[1]), told[2])  # type: ignore[index]
        elif what == "restart":
            office.restart()
    holds_what_is_defined(office)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_parts_are_the_same_in_any_order_and_batches(seed: int) -> None:
    rng = Random(seed)
    records = [kept(n, rng.choice(sorted(TERMS.by_agreement)), rng.choice(IDENTITIES)) for n in range(40)]
    found = []
    for _ in range(3):
        office, size = Office(), rng.choice([1, 7, 40])
        rng.shuffle(records)
        for start in range(0, len(records), size):
            office.publish(records[start : start + size])
        found.append([set(office.parts(purpose).values()) for purpose in PURPOSES])
    assert found[0] == found[1] == found[2]


MOTHER = {"family": "Vaughan", "given": "Tegwen", "birth_date": "1971-08-29"}


def bridged() -> Office:
    """One woman: schools know her by her old name and home, the police by her new ones, and only the council's tax
    office, which may not speak for this purpose, by both."""
    office = Office()
    old = MOTHER | {"address": "4 Heol Fawr", "postcode": "AW3 2LX", "email": "teg@v.example"}
    new = {"given": "Tegwen", "family": "Probert", "mobile": "07700900111", "address": "12 Mill Lane",
           "postcode": "AW9 7QT", "nino": "AB123456C"}  # fmt: skip
    both = old | new | {"birth_family": "Vaughan", "family": "Probert"}
    office.publish([kept(0, "schools", old), kept(1, "police", new), kept(2, "tax", both)])
    return office


def test_a_link_that_only_a_foreign_record_carries_is_not_seen() -> None:
    office = bridged()
    assert len(office.entities()) == 1, "all together they are one"
    parts = office.parts("neet")
    assert set(parts.values()) == {frozenset({record(0)}), frozenset({record(1)})}
    (entity,) = office.entities()
    assert parts[entity] == {record(0)}, "of equally many the smallest record's keeps the id"
    assert parts[part_id("neet", record(1))] == {record(1)}
    assert len(office.parts("hmo")) == 1, "the tax office's own purpose sees police and tax office together"


def test_parts_come_together_again_and_one_whose_records_are_gone_is_erased() -> None:
    office = bridged()
    part = part_id("neet", record(1))
    office.leave([record(2)])
    assert len(office.entities()) == 2, "without the bridge they are two to everybody"
    assert not any(change.parts for change in office.heard.values())
    assert part not in office.erased, "its record is still here"
    office = bridged()
    office.leave([record(1)])
    assert office.erased == {part}
    office = bridged()
    office.decide(record(0), record(1), "must")
    assert set(office.parts("neet").values()) == {frozenset({record(0), record(1)})}


def test_where_probability_is_forbidden_only_a_rule_joins() -> None:
    office = Office()
    known = MOTHER | {"address": "4 Heol Fawr", "town": "Aberwern", "sex": "F", "email": "teg@v.example"}
    office.publish([kept(0, "fire", known), kept(1, "fire", known | {"given": "Teg"})])
    assert len(office.entities()) == 1, "by score they are one"
    assert len(office.parts("hmo")) == 1
    assert len(office.parts("fire-safety")) == 2
    same = {"nhs_number": "9434765919"}
    office.publish([kept(0, "fire", known | same), kept(1, "fire", known | {"given": "Teg"} | same)])
    assert len(office.parts("fire-safety")) == 1


def test_records_of_a_deterministic_agreement_are_joined_by_rules_alone_whoever_looks() -> None:
    office = Office()
    known = MOTHER | {"address": "4 Heol Fawr", "town": "Aberwern", "sex": "F", "nhs_number": "9434765919"}
    unnumbered = {field: value for field, value in known.items() if field != "nhs_number"}
    office.publish([kept(0, "schools", unnumbered), kept(1, "hospital", unnumbered), kept(2, "hospital", unnumbered)])
    assert len(office.entities()) == 3, "not even records that say the same"
    office.publish([kept(0, "schools", known), kept(1, "hospital", known)])
    assert groups(office.live.kinds[Kind.PERSON]) == {frozenset({record(0), record(1)}), frozenset({record(2)})}  # type: ignore[arg-type]
    office.publish([replace(office.records[record(1)], agreement="schools"), kept(2, "schools", unnumbered)])
    assert len(office.entities()) == 1, "under another agreement scores count"


def test_a_deterministic_record_keeps_nobody_apart_whom_scores_join() -> None:
    known = MOTHER | {"address": "4 Heol Fawr", "postcode": "AW3 2LX", "sex": "F"}
    likely = [kept(n, "schools", known | {"email": "teg@v.example"}) for n in range(4)]
    office = Office()
    office.publish(likely)
    assert len(office.entities()) == 1
    office.publish([kept(9, "hospital", known)])
    assert len(office.entities()) == 1, "same name, birth date and postcode: a rule"
    office.publish([kept(8, "hospital", known | {"postcode": "AW3 2LY"})])
    assert len(office.entities()) == 2


def test_places_fall_apart_where_a_foreign_record_knew_that_two_keys_are_one_place() -> None:
    office = Office()
    where = {"address": "10 The Grange", "postcode": "NW1 0AA"}
    office.publish(
        [
            kept(0, "police", {"uprn": "100012345678"}, Kind.PLACE), kept(1, "police", where, Kind.PLACE),
            kept(2, "tax", where | {"uprn": "100012345678"}, Kind.PLACE),
        ]
    )  # fmt: skip
    assert len(office.entities()) == 1
    assert set(office.parts("neet").values()) == {frozenset({record(0)}), frozenset({record(1)})}
    assert len(office.parts("hmo")) == 1
