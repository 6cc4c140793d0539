"""Scored edges between nodes, each kept once and found from both ends."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.index.chains import Chains, Slots, Starts, held_by
from services.linkage.matching.arrays import NONE, grown

Ints = NDArray[np.int64]
Ends = NDArray[np.int32]

DEAD: Final = -(1 << 31)
"""The weight of an edge that is no more: its number stays until the index is packed anew."""
UNCOUNTED: Final = -1
"""The support of an edge of which nobody has counted the keys yet: it has one at least."""


class Edges:
    """Edges are numbered from 0. `conflict` is what of their weight lasting traits speak against them (≤ 0); `support`
    counts the live keys both ends share (or is `UNCOUNTED`); a decided edge needs none."""

    def __init__(self) -> None:
        self.left: Ends = np.zeros(256, np.int32)
        self.right: Ends = np.zeros(256, np.int32)
        self.weight: NDArray[np.int32] = np.zeros(256, np.int32)
        self.conflict: NDArray[np.int16] = np.zeros(256, np.int16)
        self.support: NDArray[np.int16] = np.zeros(256, np.int16)
        self.size = 0
        self.dead = 0
        self._chains = Chains()

    def add(self, left: Ints, right: Ints, weight: Ints, conflict: Ints, support: Ints) -> Ints:
        """Number n new edges. The pairs must not be edges already."""
        if not len(left):
            return NONE
        first, self.size = self.size, self.size + len(left)
        self.left, self.right = grown(self.left, self.size), grown(self.right, self.size)
        self.weight, self.support = grown(self.weight, self.size), grown(self.support, self.size)
        self.conflict = grown(self.conflict, self.size)
        ends, numbers, last = _added(
            first, left, right, weight, conflict, support,
            self.left, self.right, self.weight, self.conflict, self.support,
        )  # fmt: skip
        self._chains.hold(last + 1)
        self._chains.append(ends, numbers)
        return numbers[: len(left)]

    def of(self, nodes: Ints) -> tuple[Ints, Ints, Ints]:
        """Living edges of n nodes: position in `nodes`, other end, edge number."""
        if not len(nodes):
            return NONE, NONE, NONE
        return _of(nodes, self.left, self.right, self.weight, *self._chains.arrays)

    @property
    def arrays(self) -> tuple[Slots, Starts, Slots, Ends, Ends, NDArray[np.int32], NDArray[np.int16]]:
        """For loops over the edges of nodes: how many each node's list has, where it starts in the pool, the pool of
        edge numbers; and the edges' left and right ends, weights and conflicts."""
        return *self._chains.arrays, self.left, self.right, self.weight, self.conflict

    def within(self, groups: Ints, nodes: Ints) -> Ints:
        """Living edges both ends of which are in one group, once for each group. Of n nodes, node i is in group i; a
        group's nodes are beside each other."""
        return _within(groups, nodes, self.left, self.right, self.weight, *self._chains.arrays)

    def lessen(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Take one key's support from each of these edges, which may repeat. Those that have none now, and those of
        which nobody has counted the keys yet; both may repeat."""
        return _lessened(numbers, self.support)

    def kill(self, numbers: Ints) -> None:
        """End edges; those ended already stay so."""
        if not len(numbers):
            return
        self.dead += int(np.count_nonzero(self.weight[numbers] != DEAD))
        self.weight[numbers] = DEAD

    def between(self, left: Ints, right: Ints) -> Ints:
        """Edge number of each of n pairs, −1 where there is none."""
        return _between(left, right, self.left, self.right, self.weight, *self._chains.arrays)


@compiled
def _added(
    first: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, support: Ints,
    lefts: Ends, rights: Ends, weights: NDArray[np.int32], conflicts: NDArray[np.int16], supports: NDArray[np.int16],
) -> tuple[Ints, Ints, int]:  # fmt: skip
    """Keep n edges, the first of which has this number: all their ends, left ones first, and beside each the edge's
    number; and the greatest end."""
    size, last = len(left), 0
    ends, numbers = np.empty(2 * size, np.int64), np.empty(2 * size, np.int64)
    for at in range(size):
        number = first + at
        lefts[number], rights[number], weights[number] = left[at], right[at], weight[at]
        conflicts[number], supports[number] = conflict[at], support[at]
        ends[at], ends[size + at] = left[at], right[at]
        numbers[at] = numbers[size + at] = number
        last = max(last, left[at], right[at])
    return ends, numbers, last


@compiled
def _of(
    nodes: Ints, left: Ends, right: Ends, weight: Ends, length: Slots, start: Starts, pool: Slots
) -> tuple[Ints, Ints, Ints]:
    """See `Edges.of`. Nodes that came after the last edge have no list yet."""
    most = held_by(nodes, length)
    places, others, numbers = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    size = 0
    for at in range(len(nodes)):
        node = nodes[at]
        if node >= len(length):
            continue
        first = np.int64(start[node])
        for place in range(first, first + length[node]):
            number = pool[place]
            if weight[number] != DEAD:
                places[size], numbers[size] = at, number
                others[size] = left[number] + right[number] - node
                size += 1
    return places[:size], others[:size], numbers[:size]


@compiled
def _between(
    left: Ints, right: Ints, lefts: Ends, rights: Ends, weight: Ends, length: Slots, start: Starts, pool: Slots
) -> Ints:
    """See `Edges.between`. It is looked for at the end that has fewer edges."""
    found = np.full(len(left), -1, np.int64)
    for at in range(len(left)):
        one, other = left[at], right[at]
        if one >= len(length) or other >= len(length):
            continue
        node = one if length[one] <= length[other] else other
        first = np.int64(start[node])
        for place in range(first, first + length[node]):
            number = pool[place]
            if weight[number] != DEAD and lefts[number] + rights[number] == one + other:
                found[at] = number
                break
    return found


@compiled
def _within(
    groups: Ints, nodes: Ints, left: Ends, right: Ends, weight: Ends, length: Slots, start: Starts, pool: Slots
) -> Ints:
    """See `Edges.within`."""
    inside = np.zeros(len(length), np.bool_)
    most = held_by(nodes, length)
    found, size = np.empty(most, np.int64), 0
    begin = 0
    while begin < len(nodes):
        end = begin
        while end < len(nodes) and groups[end] == groups[begin]:
            if nodes[end] < len(length):
                inside[nodes[end]] = True
            end += 1
        for node in nodes[begin:end]:
            if node >= len(length):
                continue
            first = np.int64(start[node])
            for place in range(first, first + length[node]):
                number = pool[place]
                # From its left end alone, so that it counts once.
                if left[number] == node and inside[right[number]] and weight[number] != DEAD:
                    found[size] = number
                    size += 1
        for node in nodes[begin:end]:
            if node < len(length):
                inside[node] = False
        begin = end
    return found[:size]


@compiled
def _lessened(numbers: Ints, support: NDArray[np.int16]) -> tuple[Ints, Ints]:
    """See `Edges.lessen`."""
    ended, uncounted = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int64)
    without, unknown = 0, 0
    for number in numbers:
        if support[number] == UNCOUNTED:
            uncounted[unknown] = number
            unknown += 1
        else:
            support[number] -= 1
            # What several keys are taken from has none once it has none, so it is never less than none.
            if support[number] == 0:
                ended[without] = number
                without += 1
    return ended[:without], uncounted[:unknown]
