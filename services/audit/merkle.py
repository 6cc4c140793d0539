"""The Merkle tree of RFC 6962 §2.1 (the same in RFC 9162 §2.1) as arithmetic: no storage, no clock.

A tree over leaves 0…size-1 is never held. What grows it is its ``Frontier``: the roots of its complete subtrees, at
most log₂(size) hashes. What proves something about it is a list of spans of leaves whose hashes a reader needs; each is
a few complete subtrees, and of those every eighth height is kept (``KEPT``), so any hash is at most 127 hashes away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32
KEPT = 8
"""Heights that are multiples of this are kept: the tiles of C2SP tlog-tiles have the same 256 hashes."""


class Node(NamedTuple):
    """The complete subtree over leaves ``place << height`` up to ``(place + 1) << height``."""

    height: int
    place: int


class Span(NamedTuple):
    """The leaves ``first`` up to, without, ``end``."""

    first: int
    end: int


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 §2.1: 0x00 before a leaf, so that no node can be passed off as one."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: 0x01 before two children."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The complete subtrees of a tree: ``peaks`` has one root for each bit set in ``size``, the lowest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> "Frontier":
        """What ``pack`` made. Raises ``ValueError`` when it does not have one hash for each bit of ``size``."""
        if len(packed) != HASH_BYTES * size.bit_count():
            raise ValueError(f"a frontier of {size} leaves has {size.bit_count()} hashes, not {len(packed)} bytes")
        return cls(size, tuple(packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)))

    def pack(self) -> bytes:
        return b"".join(self.peaks)

    def root(self) -> bytes:
        """MTH of RFC 6962 §2.1; the hash of nothing for the empty tree."""
        return _bagged(self.peaks) if self.peaks else sha256().digest()

    def extend(self, leaves: Sequence[bytes]) -> tuple["Frontier", list[tuple[Node, bytes]]]:
        """The frontier after these leaf hashes, and the subtrees of a kept height that they completed.

        Height by height, a whole row at a time: n leaves cost n hashes and log₂ n steps of Python.
        """
        waiting, peaks = iter(self.peaks), list[bytes]()
        row, height = list(leaves), 0
        completed: list[tuple[Node, bytes]] = []
        while row or self.size >> height:
            if (self.size >> height) & 1:
                row.insert(0, next(waiting))
            if len(row) & 1:
                peaks.append(row.pop())
            row = _parents(row)
            height += 1
            if height % KEPT == 0:
                first = self.size >> height
                completed += [(Node(height, first + place), hash) for place, hash in enumerate(row)]
        return Frontier(self.size + len(leaves), tuple(peaks)), completed


def _parents(row: Sequence[bytes]) -> list[bytes]:
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]


def _bagged(peaks: Sequence[bytes]) -> bytes:
    """One hash of complete subtrees, the lowest (and rightmost) first."""
    root = peaks[0]
    for left in peaks[1:]:
        root = node_hash(left, root)
    return root


def folded(row: Sequence[bytes]) -> bytes:
    """The root over 2ᵏ neighbouring hashes of one height."""
    while len(row) > 1:
        row = _parents(row)
    return row[0]


def inclusion(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: whose hashes lead from the leaf to the root, the lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    first, end, path = 0, size, list[Span]()
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(first, middle))
            first = middle
    return path[::-1]


def consistency(older: int, newer: int) -> list[Span]:
    """PROOF(older, D[newer]) of RFC 6962 §2.1.2; empty when there is nothing to prove (0, or the same size)."""
    if not 0 <= older <= newer:
        raise ValueError(f"a tree of {newer} has no beginning of {older} leaves")
    if older in (0, newer):
        return []
    first, end, path = 0, newer, list[Span]()
    while older != end:
        middle = first + _split(end - first)
        if older <= middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(first, middle))
            first = middle
    if first:
        path.append(Span(first, end))
    return path[::-1]


def _split(leaves: int) -> int:
    """The largest power of two smaller than ``leaves`` (> 1)."""
    return 1 << (leaves - 1).bit_length() - 1


def subtrees(span: Span) -> list[Node]:
    """The complete subtrees of a span of a proof, from left to right."""
    first, nodes = span.first, list[Node]()
    while first < span.end:
        height = (span.end - first).bit_length() - 1
        nodes.append(Node(height, first >> height))
        first += 1 << height
    return nodes


def kept(node: Node) -> tuple[int, Span]:
    """Where a subtree's hash comes from: a height that is kept, and the span of its places there (see ``folded``)."""
    below = node.height % KEPT
    return node.height - below, Span(node.place << below, (node.place + 1) << below)


def span_hash(span: Span, hash_of: Callable[[Node], bytes]) -> bytes:
    """MTH over the leaves of a span of a proof."""
    return _bagged([hash_of(node) for node in reversed(subtrees(span))])


def is_consistent(older: int, newer: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of ``older`` leaves is a beginning of the newer one, by its proof (RFC 9162 §2.1.4.2)."""
    if older == newer:
        return not path and old_root == new_root
    if not 0 < older < newer:
        return older == 0 and not path
    hashes = list(path) if older & (older - 1) else [old_root, *path]
    if not hashes:
        return False
    place, last = older - 1, newer - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    was = now = hashes[0]
    for hash in hashes[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            was, now = node_hash(hash, was), node_hash(hash, now)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            now = node_hash(now, hash)
        place, last = place >> 1, last >> 1
    return not last and was == old_root and now == new_root
