"""The packed rows that an index is stored as: for each record the edges of its node.

A row holds every edge that its node had when it was written, so each edge is in the row of the end that was written
last, whatever the nodes' numbers were then and are now.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from services.linkage.index.edges import Edges, Ints
from services.linkage.index.nodes import Nodes
from services.linkage.matching.arrays import distinct

EDGE = np.dtype([("other", "<u8"), ("weight", "<i4")])
"""One edge of a row: the rank of the other node, which is the same on every machine; the weight in millibits."""


def packed(numbers: Ints, nodes: Nodes, edges: Edges) -> dict[UUID, bytes]:
    """The rows of these nodes' bearers. ``numbers`` must be distinct."""
    places, others, found = edges.of(numbers)
    out = np.zeros(len(places), EDGE)
    out["other"], out["weight"] = nodes.rank[others], edges.weight[found]
    ends = np.searchsorted(places, np.arange(len(numbers) + 1)) * EDGE.itemsize
    raw = out.tobytes()
    rows: dict[UUID, bytes] = {}
    for at, node in enumerate(numbers.tolist()):
        rows |= dict.fromkeys(nodes.bearers(node), raw[ends[at] : ends[at + 1]])
    return rows


def unpacked(rows: Sequence[tuple[int, bytes]], nodes: Nodes) -> tuple[Ints, Ints]:
    """The pairs of nodes in these rows (node, row) whose other end is here too, each once; the smaller number first."""
    raw = np.frombuffer(b"".join(row for _, row in rows), EDGE)
    owners = np.repeat(np.array([node for node, _ in rows], np.int64), [len(row) // EDGE.itemsize for _, row in rows])
    living = nodes.rank[: nodes.count]
    order = np.argsort(living)
    at = np.searchsorted(living[order], raw["other"])
    at[at == len(order)] = 0
    known = living[order][at] == raw["other"] if len(order) else np.zeros(0, np.bool_)
    left, right = order[at[known]], owners[known]
    codes = distinct(np.minimum(left, right) * nodes.count + np.maximum(left, right))
    return codes // max(nodes.count, 1), codes % max(nodes.count, 1)
