"""Average-link clustering: what merges all mutual best pairs at once equals what merges the best pair at a time."""

from fractions import Fraction
from itertools import combinations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from services.linkage.index.cluster import MUST, MUST_NOT, agglomerate

Edges = dict[tuple[int, int], tuple[int, int]]
"""Pair → weight, conflict."""


def one_at_a_time(count: int, edges: Edges, rank: list[int], link: int, missing: int) -> set[frozenset[int]]:
    """The definition, in fractions."""
    clusters = [frozenset([one]) for one in range(count)]

    def similarity(a: frozenset[int], b: frozenset[int]) -> Fraction:
        between = [edges.get((min(x, y), max(x, y)), (missing, 0)) for x in a for y in b]
        again = min(len(a), len(b)) - 1
        return Fraction(sum(weight + again * conflict for weight, conflict in between), len(between))

    def order(pair: tuple[frozenset[int], frozenset[int]]) -> tuple[Fraction, list[int]]:
        return -similarity(*pair), sorted(min(rank[one] for one in cluster) for cluster in pair)

    while len(clusters) > 1:
        left, right = min(combinations(clusters, 2), key=order)
        if similarity(left, right) < link:
            break
        clusters = [c for c in clusters if c not in (left, right)] + [left | right]
    return set(clusters)


def clustered(count: int, edges: Edges, rank: list[int], link: int, missing: int) -> set[frozenset[int]]:
    left, right = np.array(sorted(edges), np.int64).reshape(-1, 2).T
    weight, conflict = np.array([edges[pair] for pair in sorted(edges)], np.int64).reshape(-1, 2).T
    label = agglomerate(count, left, right, weight, conflict, np.array(rank, np.uint64), link, missing).label
    return {frozenset(np.flatnonzero(label == one).tolist()) for one in set(label.tolist())}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges, list[int]]:
    count = draw(st.integers(2, 9))
    pairs = list(combinations(range(count), 2))
    weights = st.sampled_from([-5000, -2500, -1000, 0, 500, 500, 2000, 2000, 9000])
    conflicts = st.sampled_from([0, 0, 0, -1000, -6000])
    edges = draw(st.dictionaries(st.sampled_from(pairs), st.tuples(weights, conflicts), max_size=len(pairs)))
    return count, edges, draw(st.permutations(range(count)))


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_mutual_best_pairs_merge_to_the_same_clusters(graph: tuple[int, Edges, list[int]]) -> None:
    count, edges, rank = graph
    assert clustered(count, edges, rank, -500, -3000) == one_at_a_time(count, edges, rank, -500, -3000)


def test_no_chain_of_weak_links_makes_a_crowd() -> None:
    chain = {(one, one + 1): (1500, 0) for one in range(9)}
    assert max(map(len, clustered(10, chain, list(range(10)), -500, -3000))) <= 3


def test_what_one_record_may_get_wrong_several_do_not_get_wrong_alike() -> None:
    alike, differing = (9000, 0), (500, -3000)
    assert len(clustered(2, {(0, 1): differing}, [0, 1], 0, -1500)) == 1
    twice = {(0, 1): alike, (2, 3): alike, **{(one, other): differing for one in (0, 1) for other in (2, 3)}}
    assert clustered(4, twice, [0, 1, 2, 3], 0, -1500) == {frozenset([0, 1]), frozenset([2, 3])}


def test_must_outweighs_must_not_and_both_outweigh_scores() -> None:
    assert clustered(2, {(0, 1): (MUST_NOT, 0)}, [0, 1], -500, -3000) == {frozenset([0]), frozenset([1])}
    parted = {(0, 1): (18_000, 0), (1, 2): (18_000, 0), (0, 2): (MUST_NOT, 0)}
    assert all(not {0, 2} <= one for one in clustered(3, parted, [0, 1, 2], -500, -3000))
    joined = {(0, 1): (MUST, 0), (1, 2): (MUST, 0), (0, 2): (MUST_NOT, 0)}
    assert clustered(3, joined, [0, 1, 2], -500, -3000) == {frozenset([0, 1, 2])}
