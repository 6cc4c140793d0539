"""Scored edges between nodes, each kept once and found from both ends."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.index.chains import Chains, Slots, Starts, held_by
from services.linkage.matching.arrays import NONE, grown

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Halves = NDArray[np.int16]

LEFT, RIGHT, WEIGHT = 0, 1, 2
"""Where in its row an edge has its ends and its weight."""
CONFLICT, SUPPORT = 6, 7
"""And where in the row's halves, which share the row's last place."""
_PLACES: Final = 4

DEAD: Final = -(1 << 31)
"""The weight of an edge that is no more: its number stays until the index is packed anew."""
UNCOUNTED: Final = -1
"""The support of an edge of which nobody has counted the keys yet: it has one at least."""


class Edges:
    """Edges are numbered from 0. `conflict` is what of their weight lasting traits speak against them (≤ 0); `support`
    counts the live keys both ends share (or is `UNCOUNTED`); a decided edge needs none.

    All of an edge is in one row of 16 bytes: in a large index each edge of a node is somewhere else in memory, and what
    one costs is how often the processor has to wait for that.
    """

    def __init__(self) -> None:
        self.rows: Rows = np.zeros((256, _PLACES), np.int32)
        self._inside: NDArray[np.uint8] = np.zeros(256, np.uint8)
        self.size = 0
        self.dead = 0
        self._chains = Chains()

    @property
    def left(self) -> Rows:
        """One end of each edge; a view, as the next four are."""
        return self.rows[:, LEFT]

    @property
    def right(self) -> Rows:
        """The other end."""
        return self.rows[:, RIGHT]

    @property
    def weight(self) -> Rows:
        """In millibits."""
        return self.rows[:, WEIGHT]

    @property
    def conflict(self) -> Halves:
        """In millibits."""
        return self.halves[:, CONFLICT]

    @property
    def support(self) -> Halves:
        """How many keys."""
        return self.halves[:, SUPPORT]

    @property
    def halves(self) -> Halves:
        """The rows' memory, by halves of their places."""
        return self.rows.view(np.int16)

    def add(self, left: Ints, right: Ints, weight: Ints, conflict: Ints, support: Ints) -> Ints:
        """Number n new edges. The pairs must not be edges already."""
        if not len(left):
            return NONE
        first, self.size = self.size, self.size + len(left)
        self.rows = grown(self.rows, self.size)
        ends, numbers, last = _added(first, left, right, weight, conflict, support, self.rows, self.halves)
        self._chains.hold(last + 1)
        self._chains.append(ends, numbers)
        return numbers[: len(left)]

    def of(self, nodes: Ints) -> tuple[Ints, Ints, Ints]:
        """Living edges of n nodes: position in `nodes`, other end, edge number."""
        if not len(nodes):
            return NONE, NONE, NONE
        return _of(nodes, self.rows, *self._chains.arrays)

    @property
    def arrays(self) -> tuple[Slots, Starts, Slots, Rows, Halves]:
        """For loops over the edges of nodes: how many each node's list has, where it starts in the pool, the pool of
        edge numbers; and the edges' rows, and their halves."""
        return *self._chains.arrays, self.rows, self.halves

    def within(self, groups: Ints, nodes: Ints) -> Ints:
        """Living edges both ends of which are in one group, once for each group. Of n nodes, node i is in group i; a
        group's nodes are beside each other."""
        self._inside = grown(self._inside, len(self._chains.length))
        return _within(groups, nodes, self._inside, self.rows, *self._chains.arrays)

    def lessen(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Take one key's support from each of these edges, which may repeat. Those that have none now, and those of
        which nobody has counted the keys yet; both may repeat."""
        return _lessened(numbers, self.halves)

    def kill(self, numbers: Ints) -> None:
        """End edges; those ended already stay so."""
        if not len(numbers):
            return
        self.dead += int(np.count_nonzero(self.weight[numbers] != DEAD))
        self.weight[numbers] = DEAD

    def between(self, left: Ints, right: Ints) -> Ints:
        """Edge number of each of n pairs, −1 where there is none."""
        return _between(left, right, self.rows, *self._chains.arrays)


@compiled
def _added(
    first: int, left: Ints, right: Ints, weight: Ints, conflict: Ints, support: Ints, rows: Rows, halves: Halves
) -> tuple[Ints, Ints, int]:
    """Keep n edges, the first of which has this number: all their ends, left ones first, and beside each the edge's
    number; and the greatest end."""
    size, last = len(left), 0
    ends, numbers = np.empty(2 * size, np.int64), np.empty(2 * size, np.int64)
    for at in range(size):
        number = first + at
        rows[number, LEFT], rows[number, RIGHT], rows[number, WEIGHT] = left[at], right[at], weight[at]
        halves[number, CONFLICT], halves[number, SUPPORT] = conflict[at], support[at]
        ends[at], ends[size + at] = left[at], right[at]
        numbers[at] = numbers[size + at] = number
        last = max(last, left[at], right[at])
    return ends, numbers, last


@compiled
def _of(nodes: Ints, rows: Rows, length: Slots, start: Starts, pool: Slots) -> tuple[Ints, Ints, Ints]:
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
            if rows[number, WEIGHT] != DEAD:
                places[size], numbers[size] = at, number
                others[size] = rows[number, LEFT] + rows[number, RIGHT] - node
                size += 1
    return places[:size], others[:size], numbers[:size]


@compiled
def _between(left: Ints, right: Ints, rows: Rows, length: Slots, start: Starts, pool: Slots) -> Ints:
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
            if rows[number, WEIGHT] != DEAD and rows[number, LEFT] + rows[number, RIGHT] == one + other:
                found[at] = number
                break
    return found


@compiled
def _within(
    groups: Ints, nodes: Ints, inside: NDArray[np.uint8], rows: Rows, length: Slots, start: Starts, pool: Slots
) -> Ints:
    """See `Edges.within`. `inside`, all 0 before and after, has a byte for every node that has a list."""
    most = held_by(nodes, length)
    found, size = np.empty(most, np.int64), 0
    begin = 0
    while begin < len(nodes):
        end = begin
        while end < len(nodes) and groups[end] == groups[begin]:
            if nodes[end] < len(length):
                inside[nodes[end]] = 1
            end += 1
        for node in nodes[begin:end]:
            if node >= len(length):
                continue
            first = np.int64(start[node])
            for place in range(first, first + length[node]):
                number = pool[place]
                # From its left end alone, so that it counts once.
                if rows[number, LEFT] == node and inside[rows[number, RIGHT]] and rows[number, WEIGHT] != DEAD:
                    found[size] = number
                    size += 1
        for node in nodes[begin:end]:
            if node < len(length):
                inside[node] = 0
        begin = end
    return found[:size]


@compiled
def _lessened(numbers: Ints, halves: Halves) -> tuple[Ints, Ints]:
    """See `Edges.lessen`."""
    ended, uncounted = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int64)
    without, unknown = 0, 0
    for number in numbers:
        if halves[number, SUPPORT] == UNCOUNTED:
            uncounted[unknown] = number
            unknown += 1
        else:
            halves[number, SUPPORT] -= 1
            # What several keys are taken from has none once it has none, so it is never less than none.
            if halves[number, SUPPORT] == 0:
                ended[without] = number
                without += 1
    return ended[:without], uncounted[:unknown]
