"""Scored edges between nodes, each kept once and found from both ends."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.chains import Chains
from services.linkage.matching.arrays import NONE, grown

Ints = NDArray[np.int64]
Lengths = NDArray[np.int32]

DEAD: Final = -(1 << 31)
"""The weight of an edge that is no more: its number stays until the index is packed anew."""
UNCOUNTED: Final = -1
"""The support of an edge of which nobody has counted the keys yet: it has one at least."""


class Edges:
    """Edges are numbered from 0. `conflict` is what of their weight lasting traits speak against them (≤ 0); `support`
    counts the live keys both ends share (or is `UNCOUNTED`); a decided edge needs none."""

    def __init__(self) -> None:
        self.left: NDArray[np.int32] = np.zeros(256, np.int32)
        self.right: NDArray[np.int32] = np.zeros(256, np.int32)
        self.weight: NDArray[np.int32] = np.zeros(256, np.int32)
        self.conflict: NDArray[np.int16] = np.zeros(256, np.int16)
        self.support: NDArray[np.int16] = np.zeros(256, np.int16)
        self.size = 0
        self.dead = 0
        self._chains = Chains()

    def add(self, left: Ints, right: Ints, weight: Ints, conflict: Ints, support: Ints) -> Ints:
        """Number n new edges. The pairs must not be edges already."""
        first, self.size = self.size, self.size + len(left)
        self.left, self.right = grown(self.left, self.size), grown(self.right, self.size)
        self.weight, self.support = grown(self.weight, self.size), grown(self.support, self.size)
        self.conflict = grown(self.conflict, self.size)
        new = slice(first, self.size)
        self.left[new], self.right[new] = left, right
        self.weight[new], self.support[new], self.conflict[new] = weight, support, conflict
        numbers = np.arange(first, self.size)
        if len(numbers):
            ends = np.concatenate((left, right))
            order = ends.argsort(kind="stable")
            ends = ends[order]
            self._chains.hold(int(ends[-1]) + 1)
            self._chains.append(ends, np.concatenate((numbers, numbers))[order])
        return numbers

    def of(self, nodes: Ints) -> tuple[Ints, Ints, Ints]:
        """Living edges of n nodes: position in `nodes`, other end, edge number."""
        if not len(nodes):
            return NONE, NONE, NONE
        self._chains.hold(int(nodes.max()) + 1)
        places, numbers = self._chains.read(nodes)
        living = self.weight[numbers] != DEAD
        places, numbers = places[living], numbers[living]
        return places, self.left[numbers].astype(np.int64) + self.right[numbers] - nodes[places], numbers

    @property
    def arrays(
        self,
    ) -> tuple[Lengths, NDArray[np.uint32], Lengths, Lengths, Lengths, Lengths, NDArray[np.int16]]:
        """For loops over the edges of nodes: how many each node's list has, where it starts in the pool, the pool of
        edge numbers; and the edges' left and right ends, weights and conflicts."""
        return *self._chains.arrays, self.left, self.right, self.weight, self.conflict

    def kill(self, numbers: Ints) -> None:
        """End edges; those ended already stay so."""
        self.dead += int(np.count_nonzero(self.weight[numbers] != DEAD))
        self.weight[numbers] = DEAD

    def between(self, left: Ints, right: Ints) -> Ints:
        """Edge number of each of n pairs, −1 where there is none. Pairs must be distinct."""
        found = np.full(len(left), -1, np.int64)
        starts, which = np.unique(left, return_inverse=True)
        places, others, numbers = self.of(starts)
        span = int(max(left.max(initial=0), right.max(initial=0), others.max(initial=0))) + 1
        codes = places * span + others
        order = np.argsort(codes)
        wanted = which * span + right
        at = np.searchsorted(codes[order], wanted)
        inside = np.flatnonzero(at < len(codes))
        hit = inside[codes[order][at[inside]] == wanted[inside]]
        found[hit] = numbers[order][at[hit]]
        return found
