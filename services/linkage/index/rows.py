"""The packed rows that an index is stored as: for each record the edges of its node.

Invariants
    1. A row holds every edge that its node had when it was written, whatever the nodes' numbers were then and are now.
    2. A batch that makes, ends or weighs anew the edge of two living nodes writes the row of one of them at least. So
       of two rows the one that was written later tells whether there is an edge, and what it weighs; the other may be
       of a time before a key became a crowd's, or before a content left and came back.
    3. Rows are of the model that weighed them: whoever reads them takes another model's for unknown.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.index.edges import CONFLICT, WEIGHT, Edges, Halves, Ints, Rows
from services.linkage.index.nodes import Nodes

EDGE = np.dtype([("other", "<u8"), ("weight", "<i4"), ("conflict", "<i2")])
"""One edge of a row: the rank of the other node, which is the same on every machine; weight and conflict in
millibits."""
UNKNOWN: Final = np.iinfo(np.int64).max
"""When the row of a node was written of which no row is known: nobody else's row speaks for it."""
_SIZE: Final = EDGE.itemsize


@dataclass(frozen=True, slots=True)
class Restored:
    """n edges, and the nodes whose edges no row tells."""

    left: Ints
    right: Ints
    weight: Ints
    conflict: Ints
    unknown: Ints


def packed(numbers: Ints, nodes: Nodes, edges: Edges, among: Container[UUID] | None = None) -> dict[UUID, bytes]:
    """The rows of these nodes' bearers, or of those ``among`` some. ``numbers`` must be distinct."""
    if not len(numbers):
        return {}
    places, others, found = edges.of(numbers)
    said, ends = _said(len(numbers), places, others, found, nodes.rank, edges.rows, edges.halves)
    raw, start = said.tobytes(), 0
    rows: dict[UUID, bytes] = {}
    for node, end in zip(numbers.tolist(), ends.tolist(), strict=True):
        row, start = raw[start:end], end
        for record in nodes.bearers(node):
            if among is None or record in among:
                rows[record] = row
    return rows


def unpacked(rows: Iterable[tuple[int, int, bytes | None]], nodes: Nodes) -> Restored:
    """The edges that rows (node, version of the batch that wrote it, row) say there are, each once; the smaller node
    first. Of a row that is None nothing is known, so neither is any edge of its node."""
    newest: dict[int, tuple[int, bytes]] = {}
    for node, version, row in rows:
        if node not in newest or newest[node][0] < version:
            newest[node] = (version, row) if row is not None else (UNKNOWN, b"")
    written = np.full(nodes.count, -1, np.int64)
    written[list(newest)] = [version for version, _ in newest.values()]
    said = np.frombuffer(b"".join(row for _, row in newest.values()), EDGE)
    sizes = np.array([len(row) for _, row in newest.values()], np.int64) // EDGE.itemsize
    owners = np.array(list(newest), np.int64).repeat(sizes)
    others, here = _ranked(said["other"], nodes)
    # Of two rows that may speak of a pair the later one does; two of one batch say the same, and one is enough.
    later = written[owners] > written[others]
    one = later | (written[owners] == written[others]) & (owners < others)
    held = (here & one).nonzero()[0]
    left, right, said = np.minimum(owners, others)[held], np.maximum(owners, others)[held], said[held]
    return Restored(
        left, right, said["weight"].astype(np.int64), said["conflict"].astype(np.int64),
        (written == UNKNOWN).nonzero()[0],
    )  # fmt: skip


def _ranked(ranks: NDArray[np.uint64], nodes: Nodes) -> tuple[Ints, NDArray[np.bool_]]:
    """The nodes of n ranks, and which of them are here."""
    known = nodes.rank[: nodes.count]
    order = known.argsort()
    at = np.searchsorted(known, ranks, sorter=order)
    at[at == len(order)] = 0
    found = order[at] if len(order) else at
    return found, known[found] == ranks if len(order) else np.zeros(len(ranks), np.bool_)


@compiled
def _said(
    count: int, places: Ints, others: Ints, numbers: Ints, rank: NDArray[np.uint64], rows: Rows, halves: Halves
) -> tuple[NDArray[np.void], Ints]:
    """The rows of `count` nodes, of which n edges are told, one after the other; and at which byte each row ends."""
    said, ends = np.empty(len(places), EDGE), np.zeros(count, np.int64)
    for at in range(len(places)):
        edge = said[at]
        edge["other"] = rank[others[at]]
        edge["weight"], edge["conflict"] = rows[numbers[at], WEIGHT], halves[numbers[at], CONFLICT]
        ends[places[at]] += _SIZE
    for at in range(1, count):
        ends[at] += ends[at - 1]
    return said, ends
