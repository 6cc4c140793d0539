"""The tree against RFC 6962: known vectors, pymerkle, and its own definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from services.audit.merkle import (
    Frontier,
    Node,
    Span,
    consistency,
    folded,
    inclusion,
    is_consistent,
    kept,
    leaf_hash,
    node_hash,
    span_hash,
    subtrees,
)
from tests.audit.proving import root_by_inclusion

# The inputs, roots and proofs that certificate-transparency's own tests use (merkletree/merkle_tree_test.cc).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CONSISTENCY_6_OF_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
INCLUSION_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

sizes = st.integers(1, 700)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(size)]


def definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(definition(leaves[:split]), definition(leaves[split:]))


class Kept:
    """What a database keeps of a tree: leaves, and completed subtrees of the kept heights."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.frontier, completed = Frontier().extend(leaves)
        self.hashes = {Node(0, place): leaf for place, leaf in enumerate(leaves)} | dict(completed)

    def of(self, span: Span) -> bytes:
        return span_hash(span, self._hash)

    def _hash(self, node: Node) -> bytes:
        height, span = kept(node)
        return folded([self.hashes[Node(height, place)] for place in range(*span)])


@pytest.mark.parametrize("size", range(9))
def test_roots_of_certificate_transparency(size: int) -> None:
    frontier, _ = Frontier().extend([leaf_hash(bytes.fromhex(text)) for text in INPUTS[:size]])
    assert frontier.root().hex() == ROOTS[size]


def test_proofs_of_certificate_transparency() -> None:
    tree = Kept([leaf_hash(bytes.fromhex(text)) for text in INPUTS])
    assert [tree.of(span).hex() for span in inclusion(5, 8)] == INCLUSION_5_OF_8
    assert [tree.of(span).hex() for span in consistency(6, 8)] == CONSISTENCY_6_OF_8


@given(st.lists(st.integers(0, 300), max_size=6))
def test_batches_give_the_tree_that_single_leaves_give(batches: list[int]) -> None:
    leaves = leaves_of(sum(batches))
    frontier, completed, at = Frontier(), dict[Node, bytes](), 0
    for batch in batches:
        frontier, new = frontier.extend(leaves[at : at + batch])
        completed |= dict(new)
        at += batch
    assert frontier.root() == definition(leaves)
    assert Frontier.unpack(frontier.size, frontier.pack()) == frontier
    assert completed == {node: hash for node, hash in Kept(leaves).hashes.items() if node.height}
    assert sorted(node.place for node in completed if node.height == 8) == list(range(len(leaves) >> 8))


@given(sizes, st.data())
def test_inclusion_agrees_with_pymerkle_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree, oracle = Kept(leaves_of(size)), InmemoryTree(algorithm="sha256")
    for entry in range(size):
        oracle.append_entry(b"%d" % entry)
    path = [tree.of(span) for span in inclusion(index, size)]
    assert oracle.get_root(size) == tree.frontier.root()
    assert oracle.prove_inclusion(index + 1, size).path[1:] == path
    assert root_by_inclusion(leaf_hash(b"%d" % index), index, size, path) == tree.frontier.root()


@given(sizes, st.data())
def test_consistency_agrees_with_the_definition_and_verifies(size: int, data: st.DataObject) -> None:
    older = data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    tree = Kept(leaves)
    path = [tree.of(span) for span in consistency(older, size)]
    old_root, new_root = definition(leaves[:older]), tree.frontier.root()
    assert [definition(leaves[first:end]) for first, end in consistency(older, size)] == path
    assert is_consistent(older, size, old_root, new_root, path)


@given(sizes, st.data())
def test_a_changed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    index, older = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    tree, leaf = Kept(leaves), leaf_hash(b"%d" % index)
    root = tree.frontier.root()
    path = [tree.of(span) for span in inclusion(index, size)]
    for place in range(len(path)):
        assert root_by_inclusion(leaf, index, size, [*path[:place], leaf, *path[place + 1 :]]) != root
    assert root_by_inclusion(leaf, index, size, [*path, leaf]) != root
    assert root_by_inclusion(leaf_hash(b"another"), index, size, path) != root
    assert root_by_inclusion(leaf, size, size, path) is None
    if size > 1:
        assert root_by_inclusion(leaf, index, size, path[:-1]) != root
    steps, old_root = [tree.of(span) for span in consistency(older, size)], definition(leaves[:older])
    assert not is_consistent(older, size, leaf_hash(b"another"), root, steps)
    assert not is_consistent(older, size, old_root, leaf_hash(b"another"), steps)
    assert not is_consistent(older, size, old_root, root, [*steps, leaf])
    if steps:
        assert not is_consistent(older, size, old_root, root, steps[:-1])


def test_every_hash_of_a_proof_is_near_a_kept_one() -> None:
    size = 3_000_001
    for span in [*inclusion(1_234_567, size), *consistency(1_234_567, size)]:
        for node in subtrees(span):
            height, row = kept(node)
            assert height % 8 == 0
            assert row.end - row.first <= 128


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="leaf 3 is not in a tree of 3"):
        inclusion(3, 3)
    with pytest.raises(ValueError, match="no beginning of 4"):
        consistency(4, 3)
    with pytest.raises(ValueError, match="3 leaves has 2 hashes"):
        Frontier.unpack(3, b"")
