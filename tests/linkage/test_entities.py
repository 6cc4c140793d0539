"""Entity ids: the oldest survives a merge, the majority keeps it on a split, what is new gets a new one."""

from uuid import UUID

from services.linkage.entities import entity_id, serial_of, survive

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
