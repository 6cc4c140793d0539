"""What a reader does with an inclusion proof: the service only makes them."""

from collections.abc import Sequence

from services.audit.merkle import node_hash


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 §2.1.3.2); None when it cannot be a proof of this leaf."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for hash in path:
        if not last:
            return None
        if place & 1 or place == last:
            root = node_hash(hash, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, hash)
        place, last = place >> 1, last >> 1
    return None if last else root
