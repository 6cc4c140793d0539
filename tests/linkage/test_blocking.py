"""Which contents are compared: what the compiled blocks propose is what sets of keys would."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from services.linkage.index.blocking import Blocks, Pairs
from services.linkage.index.changes import Remove, Stored, Upsert
from services.linkage.index.edges import DEAD, UNCOUNTED, Edges
from services.linkage.index.index import Index
from services.linkage.index.keys import CROWDS, KEYS, NARROW, block_keys, borne_keys, is_narrow
from services.linkage.matching.columns import Columns
from services.linkage.reading.subjects import traits_of
from tests.linkage.people import Identity, model, record

identities = st.fixed_dictionaries(
    {"given": st.sampled_from(["Ann", "Anne", "Bill"]), "family": st.sampled_from(["Ash", "Ashe", "Lee"])},
    optional={
        "middle": st.sampled_from(["Ann", "Bill"]),
        "birth_date": st.sampled_from(["1950-01-02", "1950-02-01"]),
        "postcode": st.sampled_from(["CF10 1AA", "CF10 1AB"]),
        "address": st.sampled_from(["1 Mill Lane", "Mill Lane"]),
        "phone": st.sampled_from(["02920180000", "02920180001"]),
    },
)
batches = st.lists(st.tuples(st.lists(identities, max_size=5), st.sets(st.integers(0, 20), max_size=3)), max_size=6)
Met = dict[tuple[int, int], int]


class Plain:
    """Sets of keys by node."""

    def __init__(self, cap: int) -> None:
        self.cap, self.keys = cap, dict[int, set[int]]()

    def live(self) -> set[int]:
        """Keys that no more nodes bear than may."""
        counts = Counter(key for keys in self.keys.values() for key in keys)
        caps = {key: max(1, self.cap // 4) if is_narrow(np.array([key], np.uint64)) else self.cap for key in counts}
        return {key for key, count in counts.items() if count <= caps[key]}

    def met(self, keys: set[int], newest: range, fresh: bool) -> Met:
        """Pairs, and under how many of these keys they meet: those with a fresh node, or the others."""
        shared = {
            (left, right): len(keys & self.keys[left] & self.keys[right])
            for left, right in combinations(sorted(self.keys), 2)
            if (right in newest) == fresh
        }
        return {pair: count for pair, count in shared.items() if count}


def _as_told(pairs: Pairs) -> Met:
    ends = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert ends == sorted(set(ends))
    return dict(zip(ends, pairs.keys.tolist(), strict=True))


@settings(deadline=None)
@given(batches, st.integers(1, 9))
def test_who_meets_whom_is_what_sets_of_keys_say(told: list[tuple[list[dict[str, str]], set[int]]], cap: int) -> None:
    columns, traits = Columns(model().frequencies()), traits_of("person")
    blocks, plain = Blocks(columns, cap), Plain(cap)
    for people, leaving in told:
        fresh, gone = columns.append([traits(one) for one in people]), np.array(sorted(leaving & plain.keys.keys()))
        was, bore = plain.live(), {key for keys in plain.keys.values() for key in keys}
        for node in gone.tolist():
            del plain.keys[node]
        for node, keys in zip(fresh.tolist(), block_keys(columns, fresh).tolist(), strict=True):
            plain.keys[node] = set(keys) - {0}
        found, live = blocks.change(gone.astype(np.int64), fresh), plain.live()
        newest = range(*(fresh[[0, -1]] + [0, 1]).tolist()) if len(fresh) else range(0)
        assert _as_told(found.fresh) == plain.met(live, newest, fresh=True)
        assert _as_told(found.woken) == plain.met(live & bore - was, newest, fresh=False)
        everyone = np.array(sorted(plain.keys), np.int64)
        left, right = everyone[np.stack(np.triu_indices(len(everyone), 1))]
        shared = [len(live & plain.keys[a] & plain.keys[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
        assert blocks.shared(left, right).tolist() == shared
        keys, bearers, starts = borne_keys(columns, everyone)
        for at, node in enumerate(everyone.tolist()):
            assert sorted(keys[starts[at] : starts[at + 1]].tolist()) == sorted(plain.keys[node])
            assert set(bearers[starts[at] : starts[at + 1]].tolist()) <= {node}


@settings(deadline=None)
@given(
    st.lists(st.sets(st.tuples(st.integers(0, 5), st.integers(6, 9)), min_size=1), max_size=5),
    st.sets(st.integers(0, 30)),
)
def test_an_edge_is_found_from_both_ends_until_it_ends(told: list[set[tuple[int, int]]], ending: set[int]) -> None:
    edges, numbers = Edges(), dict[tuple[int, int], int]()
    for batch in told:
        new = [pair for pair in sorted(batch) if pair not in numbers]
        left, right = np.array(new, np.int64).reshape(-1, 2).T.copy()
        none = np.zeros(len(new), np.int64)
        numbers |= dict(zip(new, edges.add(left, right, none, none, none).tolist(), strict=True))
    edges.kill(np.array(sorted(ending & set(numbers.values())), np.int64))
    living = {pair: number for pair, number in numbers.items() if number not in ending}
    nodes = np.arange(12)
    places, others, found = edges.of(nodes)
    assert sorted(zip(places.tolist(), others.tolist(), found.tolist(), strict=True)) == sorted(
        (*ends, number) for (left, right), number in living.items() for ends in ((left, right), (right, left))
    )
    pairs = np.stack(np.triu_indices(12, 1))
    assert edges.between(*pairs.copy()).tolist() == [living.get(pair, -1) for pair in map(tuple, pairs.T.tolist())]


FINER = {
    "name": {"given", "family"}, "family four": {"family"}, "family sound": {"family"}, "given three": {"given"},
    "group": {"given"}, "district": {"sector", "postcode"}, "sector": {"postcode"}, "street": {"home"},
}  # fmt: skip
"""What says the same as a part of a key, and more."""


def test_behind_a_key_of_one_name_that_sleeps_early_stands_a_finer_one() -> None:
    assert set(KEYS) >= NARROW
    for key in NARROW:
        if set(key) & {"name", "family four", "family sound", "given three", "group"}:
            said = [{part, *FINER.get(part, ())} for part in key]
            assert any(len(other) > len(key) and all(part & set(other) for part in said) for other in KEYS), key


def test_what_only_crowds_share_is_a_key_that_sleeps_late() -> None:
    assert set(KEYS) - NARROW >= CROWDS.keys()


def test_who_was_born_on_a_day_with_many_is_compared_with_who_bears_the_same_name() -> None:
    columns, traits = Columns(model().frequencies()), traits_of("person")
    names = [
        "Tom", "Ada", "Omar", "Beca", "Kofi", "Zara", "Ivan", "Mali", "Noor", "Huw",
        "Dev", "Ella", "Finn", "Gwen", "Sioned", "Hugo", "Iona", "Jia", "Pip", "Rhys",
    ]  # fmt: skip
    people = [{"given": name, "family": f"{name[::-1]}ton", "birth_date": "1950-01-02"} for name in names]
    blocks = Blocks(columns, model().block_cap)
    blocks.load(columns.append([traits(one) for one in people]))
    one = columns.append([traits(people[3] | {"family": "Ash"})])
    found = blocks.change(one[:0], one).fresh
    assert found.left.tolist() == [3]


changes = st.lists(st.tuples(st.integers(0, 24), st.none() | identities), min_size=1, max_size=8)


@settings(deadline=None, max_examples=30)
@given(st.lists(identities, min_size=12, max_size=24), st.lists(changes, min_size=1, max_size=6))
def test_an_edge_is_supported_by_the_live_keys_of_both_its_ends_after_a_restart_too(
    people: list[Identity], batches: list[list[tuple[int, Identity | None]]]
) -> None:
    small = replace(model(), block_cap=4)
    index, again = Index(small), Index(small)
    index.apply([Upsert(record(at), one) for at, one in enumerate(people)])
    rows = index.rows(index.records())
    again.restore([[Stored(record(at), one, rows[record(at)], index.entity(record(at)))
                    for at, one in enumerate(people)]])  # fmt: skip
    for batch in batches:
        said = {at: Remove(record(at)) if one is None else Upsert(record(at), one) for at, one in batch}
        again.apply(list(said.values()))
        edges = again._edges
        counted = np.flatnonzero((edges.weight[: edges.size] != DEAD) & (edges.support[: edges.size] != UNCOUNTED))
        ends = (edges.left[counted].astype(np.int64), edges.right[counted].astype(np.int64))
        assert edges.support[counted].tolist() == again._blocks.shared(*ends).tolist()
