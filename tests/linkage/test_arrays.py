"""The arrays that the index is built on do what dicts of lists would."""

from collections import Counter, defaultdict

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from services.linkage.index.chains import Chains, KeyTable
from services.linkage.matching.arrays import counted, distinct

numbers = st.lists(st.integers(0, 12), max_size=40)
batches = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**31 - 1)), max_size=30), max_size=8)
keys = st.lists(st.lists(st.integers(1, 2**64 - 1) | st.sampled_from([2, 3, 2**63]), max_size=30), max_size=6)


@given(numbers)
def test_few_numbers_are_sorted_out_as_sets_and_counters_do(some: list[int]) -> None:
    values = np.array(some, np.int64)
    assert distinct(values).tolist() == sorted(set(some))
    each, times = counted(values)
    assert dict(zip(each.tolist(), times.tolist(), strict=True)) == Counter(some)


compiling = settings(deadline=None)
"""The first time is long on a machine that has never run it."""


@compiling
@given(batches)
def test_lists_keep_what_was_appended_in_its_order(told: list[list[tuple[int, int]]]) -> None:
    chains, plain = Chains(), defaultdict[int, list[int]](list)
    for batch in told:
        chains.append(*(np.array([pair[side] for pair in batch], np.int64) for side in (0, 1)))
        for owner, value in batch:
            plain[owner].append(value)
    places, values = chains.read(np.arange(6))
    assert values.tolist() == [value for owner in range(6) for value in plain[owner]]
    assert places.tolist() == [owner for owner in range(6) for _ in plain[owner]]


@compiling
@given(keys)
def test_a_key_has_one_number_for_ever(told: list[list[int]]) -> None:
    table, known = KeyTable(), dict[int, int]()
    for batch in told:
        found = table.number(np.array(batch, np.uint64)).tolist()
        for key, number in zip(batch, found, strict=True):
            assert known.setdefault(key, number) == number
    assert sorted(known.values()) == list(range(table.size))
    assert table.known(np.array([*known, 4], np.uint64)).tolist() == [*known.values(), known.get(4, -1)]
