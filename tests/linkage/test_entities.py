"""Entity ids: the oldest survives a merge, the majority keeps it on a split, what is new gets a new one."""

from collections import defaultdict
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given

from services.linkage.index.entities import carry_over, entity_id, serial_of, survive
from services.linkage.models.differences import differences

A, B, C, D, E = (UUID(int=number) for number in range(1, 6))
OLD, YOUNG = entity_id("person", 3, [A]), entity_id("person", 8, [C])


def test_the_oldest_survives_a_merge_and_the_other_redirects_to_it() -> None:
    changes, serial = survive({OLD: [A], YOUNG: [B, C]}, [[A, B, C]], "person", 8)
    assert serial == 8
    assert {(c.entity, c.change, c.into) for c in changes} == {(OLD, "grew", None), (YOUNG, "merged", OLD)}
    assert {c.entity: (c.before, c.after) for c in changes} == {OLD: ((A,), (A, B, C)), YOUNG: ((B, C), ())}


def test_the_majority_keeps_the_id_on_a_split() -> None:
    changes, serial = survive({OLD: [A, B, C]}, [[A], [B, C]], "person", 8)
    kept, new = sorted(changes, key=lambda c: c.change != "shrank")
    assert (kept.entity, kept.after) == (OLD, (B, C))
    assert (new.change, new.after, serial_of(new.entity), serial) == ("created", (A,), 9, 9)


def test_of_equal_halves_the_one_with_the_first_record_keeps_the_id() -> None:
    changes, _ = survive({OLD: [A, B]}, [[B], [A]], "person", 8)
    assert {c.after: c.entity for c in changes}[A,] == OLD


def test_records_that_change_hands_leave_both_entities_their_ids() -> None:
    changes, _ = survive({OLD: [A, B, E], YOUNG: [C, D]}, [[A, B], [C, D, E]], "person", 8)
    assert {(c.entity, c.change) for c in changes} == {(OLD, "shrank"), (YOUNG, "grew")}


def test_an_entity_without_records_is_erased_and_an_unchanged_one_is_no_news() -> None:
    changes, _ = survive({OLD: [A], YOUNG: [B]}, [[B]], "person", 8)
    assert [(c.entity, c.change, c.after) for c in changes] == [(OLD, "erased", ())]


def test_ids_are_version_8_uuids_that_sort_by_age_and_never_repeat() -> None:
    ids = [entity_id("person", serial, [A]) for serial in (1, 2, 300, 70_000)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(8, "specified in RFC 4122")}
    assert entity_id("place", 1, [A]) != ids[0] != entity_id("person", 1, [B])


partitions = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


def grouped(labels: list[int]) -> list[list[UUID]]:
    groups: defaultdict[int, list[UUID]] = defaultdict(list)
    for record, label in enumerate(labels):
        groups[label].append(UUID(int=record + 1))
    return list(groups.values())


@given(partitions)
def test_carrying_over_all_entities_is_what_survival_says_of_them(labels: list[tuple[int, int]]) -> None:
    before = {entity_id("person", at, group): group for at, group in enumerate(grouped([one for one, _ in labels]), 1)}
    groups = grouped([other for _, other in labels])
    assert carry_over(before, groups, "person", 9) == survive(before, groups, "person", 9)


@given(partitions)
def test_differences_of_two_partitions_are_by_their_definition(labels: list[tuple[int, int]]) -> None:
    now = {UUID(int=at + 1): UUID(int=one + 100) for at, (one, _) in enumerate(labels)}
    then = {UUID(int=at + 1): other for at, (_, other) in enumerate(labels)}
    pairs = [(a, b) for a in now for b in now if a < b]
    found = differences(1, now, then)
    assert found.gained == sum(then[a] == then[b] and now[a] != now[b] for a, b in pairs)
    assert found.lost == sum(now[a] == now[b] and then[a] != then[b] for a, b in pairs)
    assert found.parted == len({now[a] for a, b in pairs if now[a] == now[b] and then[a] != then[b]})
    assert found.joined == len({now[r] for a, b in pairs if now[a] != now[b] and then[a] == then[b] for r in (a, b)})
    for change in found.sample:
        assert (then[change.left] == then[change.right]) == (change.fate == "joined")
        assert (now[change.left] == now[change.right]) == (change.fate == "parted")
