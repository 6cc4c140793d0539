"""Which records are worth comparing: the blocks that keys make, and what happens when a block overflows.

A key is *live* while at most `cap` nodes bear it, and two nodes are candidates exactly when they share a live key. So
candidates are a function of the set of nodes, never of their order. A key that overflows is not dropped in silence: it
is counted, and the finer keys that stand behind it (`keys.KEYS`) carry its nodes on; when nodes leave, it wakes again.
What overflows alone, a hostel's address or an agency's telephone, is a *crowd's*: sharing it is evidence of nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.index.chains import Chains, KeyTable, Slots, Starts
from services.linkage.index.crowds import among
from services.linkage.index.keys import VARIANTS, block_keys, borne_keys, crowd_keys, is_narrow
from services.linkage.matching.arrays import NONE, counted, distinct, grown
from services.linkage.matching.columns import Columns

Keys = NDArray[np.uint64]
Nodes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """n pairs of nodes, `left` < `right`, each once, and how many keys speak for it."""

    left: Nodes
    right: Nodes
    keys: Nodes

    @classmethod
    def counted(cls, left: Nodes, right: Nodes, nodes: int) -> "Pairs":
        """Pairs met once for each key, folded. `nodes` is more than any node's number."""
        codes, keys = counted(left * nodes + right)
        return cls(codes // nodes, codes % nodes, keys)

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a change of the node set means for comparison.

    `fresh` pairs have a new node; `woken` pairs are of older nodes whose key came to life; of `slept`, node i was
    under key i when that key overflowed; `crowds` are all pairs of older nodes under keys that became a crowd's or
    ceased to be.
    """

    fresh: Pairs
    woken: Pairs
    slept_keys: Nodes
    slept_nodes: Nodes
    crowds: Pairs


_NO_PAIRS: Final = Pairs(NONE, NONE, NONE)


@dataclass(frozen=True, slots=True)
class _Borne:
    """The keys of n nodes, one node's after the other's: the keys, their numbers, and beside them the node that bears
    each; where each node's start, and the last one's end."""

    keys: Keys
    numbers: Nodes
    bearers: Nodes
    starts: Nodes


_NOTHING_BORNE: Final = _Borne(np.zeros(0, np.uint64), NONE, NONE, np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True)
class Overflow:
    """Overflowing keys of one kind: how many, and how many nodes are under the largest, and under all of them."""

    kind: str
    keys: int
    largest: int
    contents: int


NARROWER: Final = 4
"""By what the cap of a narrow key is smaller."""


class Blocks:
    """The keys of all living nodes, and the nodes under each key. `crowds`, in order, are those that crowds share."""

    def __init__(self, columns: Columns, cap: int) -> None:
        self._columns, self._caps = columns, np.array((cap, max(1, cap // NARROWER)))
        self._table, self._chains = KeyTable(), Chains()
        self._count: Slots = np.zeros(256, np.int32)
        self._meetings: NDArray[np.uint8] = np.zeros(256, np.uint8)
        self.crowds: Keys = np.zeros(0, np.uint64)
        self.alive: NDArray[np.bool_] = np.zeros(256, np.bool_)

    @property
    def overflowing(self) -> int:
        """How many keys are above the cap now."""
        return len(self._crowded_keys())

    def overflowed(self) -> list[Overflow]:
        """The keys above the cap now by kind, the largest first: never a value."""
        numbers = self._crowded_keys()
        starts, members = self._members(numbers)
        made = block_keys(self._columns, members[starts[:-1]]) == self._table.keys[numbers][:, None]
        kinds = np.array([" + ".join(key) for key in VARIANTS])[made.argmax(axis=1)]
        sizes = self._count[numbers]
        found = [
            Overflow(
                str(kind), int((kinds == kind).sum()), int(sizes[kinds == kind].max()), int(sizes[kinds == kind].sum())
            )
            for kind in np.unique(kinds)
        ]
        return sorted(found, key=lambda one: (-one.largest, one.kind))

    def _crowded_keys(self) -> Nodes:
        near = np.flatnonzero(self._count[: self._table.size] > self._caps.min())  # most keys have a node or two
        return near[~self._live(near)]

    def _live(self, numbers: Nodes) -> NDArray[np.bool_]:
        """Whether each of n keys, by number, bears no more nodes than it may."""
        return np.asarray(self._count[numbers] <= self._limits(numbers))

    def _limits(self, numbers: Nodes) -> Nodes:
        """How many nodes each of n keys may bear."""
        return self._caps[is_narrow(self._table.keys[numbers]).view(np.int8)]

    def change(self, gone: Nodes, fresh: Nodes) -> Proposal:
        """Nodes leave and come at once; what is proposed depends on the resulting set only."""
        leaving, coming = self._borne(gone), self._borne(fresh)
        self.alive[gone] = False
        self._come(fresh, coming)
        turned = self._counted(leaving, coming)
        if not len(turned):
            return Proposal(self._fresh_pairs(fresh, coming), _NO_PAIRS, NONE, NONE, _NO_PAIRS)
        live = self._live(turned)
        woken, slept = turned[live], turned[~live]
        self._mark_crowds(slept)
        turned = turned[among(self._table.keys[turned], self.crowds)]
        self.crowds = self.crowds[~np.isin(self.crowds, self._table.keys[woken])]
        return Proposal(
            self._fresh_pairs(fresh, coming), self._old_pairs(woken, fresh), *self._old(slept, fresh),
            self._old_pairs(turned, fresh),
        )  # fmt: skip

    def _mark_crowds(self, numbers: Nodes) -> None:
        """Note which of these overflowing keys are one value alone."""
        starts, members = self._members(numbers)
        keys = self._table.keys[numbers]
        made = crowd_keys(self._columns, members[starts[:-1]])
        alone = [variant == keys for variants in made.values() for variant in variants]
        self.crowds = np.union1d(self.crowds, keys[np.any(alone, axis=0)])

    def load(self, nodes: Nodes) -> None:
        """Nodes come without anything being proposed: when many come at once. In the end, ``mark``."""
        for start in range(0, len(nodes), 8192):
            part = nodes[start : start + 8192]
            coming = self._borne(part)
            self._come(part, coming)
            self._counted(_NOTHING_BORNE, coming)

    def mark(self) -> None:
        """Note what is a crowd's, when all have come."""
        self._mark_crowds(np.flatnonzero(~self._live(np.arange(self._table.size))))

    def living(self, nodes: Nodes) -> Iterator[tuple[Nodes, Nodes]]:
        """(key number, node) of these nodes' keys that two nodes bear or more and that do not overflow, in parts."""
        for start in range(0, len(nodes), 8192):
            borne = self._borne(nodes[start : start + 8192])
            shared = self._live(borne.numbers) & (self._count[borne.numbers] > 1)
            yield borne.numbers[shared], borne.bearers[shared]

    def holding(self, keys: Keys, limit: int) -> Nodes:
        """Living nodes under any of n distinct keys, of overflowing ones too; the rarest keys' first, about `limit`."""
        numbers = self._table.known(keys)
        numbers = numbers[numbers >= 0]
        numbers = numbers[np.argsort(self._count[numbers], kind="stable")]
        before = np.cumsum(self._count[numbers]) - self._count[numbers]
        return np.unique(self._members(numbers[before < limit])[1])[:limit]

    def shared(self, left: Nodes, right: Nodes) -> Nodes:
        """How many live keys each of n pairs shares."""
        each = distinct(np.concatenate((left, right)))
        keys, bearers = (np.concatenate(side) for side in zip((NONE, NONE), *self.living(each), strict=True))
        keys = keys[np.lexsort((keys, bearers))]
        starts = np.searchsorted(bearers, np.append(each, self._columns.size))
        return _shared(np.searchsorted(each, left), np.searchsorted(each, right), keys, starts)

    def _borne(self, nodes: Nodes) -> _Borne:
        if not len(nodes):
            return _NOTHING_BORNE
        keys, bearers, starts = borne_keys(self._columns, nodes)
        numbers = self._table.number(keys)
        self._count = grown(self._count, self._table.size)
        return _Borne(keys, numbers, bearers, starts)

    def _come(self, fresh: Nodes, coming: _Borne) -> None:
        self.alive = grown(self.alive, self._columns.size)
        self.alive[fresh] = True
        self._chains.hold(self._table.size)
        self._chains.append(coming.numbers, coming.bearers)

    def _counted(self, leaving: _Borne, coming: _Borne) -> Nodes:
        """Count who bears the keys now; the numbers of those that slept or woke by it, in order."""
        turned = _recounted(leaving.keys, leaving.numbers, coming.keys, coming.numbers, self._count, self._caps)
        return distinct(turned) if len(turned) else turned

    def _fresh_pairs(self, fresh: Nodes, coming: _Borne) -> Pairs:
        if not len(fresh):
            return _NO_PAIRS
        assert len(fresh) < 1 << 24, "that many come by `load`"
        self._meetings = grown(self._meetings, self._columns.size)
        met = _met(
            fresh, coming.starts, coming.keys, coming.numbers, self._count, self._caps,
            *self._chains.arrays, self.alive, self._meetings,
        )  # fmt: skip
        met.sort()
        return Pairs(*_told(met, fresh))

    def _members(self, blocks: Nodes) -> tuple[Nodes, Nodes]:
        """Living nodes under each of n keys: where each key's begin, and the nodes."""
        places, members = self._chains.read(blocks)
        alive = self.alive[members]
        return np.searchsorted(places[alive], np.arange(len(blocks) + 1)), members[alive]

    def _old(self, blocks: Nodes, fresh: Nodes) -> tuple[Nodes, Nodes]:
        """(key, node) of the living nodes under these keys that are not fresh."""
        if not len(blocks):
            return NONE, NONE
        starts, members = self._members(blocks)
        keys = np.repeat(blocks, np.diff(starts))
        old = members < fresh[0] if len(fresh) else np.ones(len(members), np.bool_)
        return keys[old], members[old]

    def _old_pairs(self, blocks: Nodes, fresh: Nodes) -> Pairs:
        """All pairs of nodes that are not fresh under the same of these keys."""
        if not len(blocks):
            return _NO_PAIRS
        keys, nodes = self._old(blocks, fresh)
        lefts, rights = [NONE], [NONE]
        for key in blocks:
            members = np.sort(nodes[keys == key])
            i, j = np.triu_indices(len(members), 1)
            lefts.append(members[i])
            rights.append(members[j])
        return Pairs.counted(np.concatenate(lefts), np.concatenate(rights), self._columns.size)


@compiled
def _is_live(key: np.uint64, bearers: int, caps: Nodes) -> bool:
    """Whether a key bears no more nodes than it may. Its last bit says whether it is narrow."""
    return bool(bearers <= caps[np.int64(key & np.uint64(1)) ^ 1])


@compiled
def _recounted(left: Keys, left_numbers: Nodes, come: Keys, come_numbers: Nodes, count: Slots, caps: Nodes) -> Nodes:
    """Take the nodes that leave from their keys' counts and add those that come; the numbers of the keys that are live
    now and were not before or the other way round, which may repeat."""
    left_live, come_live = np.empty(len(left), np.bool_), np.empty(len(come), np.bool_)
    for at in range(len(left)):
        left_live[at] = _is_live(left[at], count[left_numbers[at]], caps)
    for at in range(len(come)):
        come_live[at] = _is_live(come[at], count[come_numbers[at]], caps)
    for number in left_numbers:
        count[number] -= 1
    for number in come_numbers:
        count[number] += 1
    turned, size = np.empty(len(left) + len(come), np.int64), 0
    for at in range(len(left)):
        if _is_live(left[at], count[left_numbers[at]], caps) != left_live[at]:
            turned[size] = left_numbers[at]
            size += 1
    for at in range(len(come)):
        if _is_live(come[at], count[come_numbers[at]], caps) != come_live[at]:
            turned[size] = come_numbers[at]
            size += 1
    return turned[:size]


_OLDER, _NEWER = np.int64(32), np.int64(8)
"""Where in a number that says who met whom, and under how many keys, the older node and the newer one's place begin."""


@compiled
def _met(
    fresh: Nodes, starts: Nodes, keys: Keys, numbers: Nodes, count: Slots, caps: Nodes,
    length: Slots, start: Starts, pool: Slots, alive: NDArray[np.bool_], meetings: NDArray[np.uint8],
) -> Nodes:  # fmt: skip
    """Whom each of n fresh nodes meets under its live keys, and how often; `meetings`, all 0 before and after, has a
    byte for every node. Older nodes have smaller numbers: so a pair of two fresh ones is met from one side only.

    In one number: the older node, the place of the newer one among the fresh, under how many keys (fewer than 256).
    """
    most = 0
    for at in range(len(numbers)):
        if _is_live(keys[at], count[numbers[at]], caps):
            most += count[numbers[at]] - 1
    found, size = np.empty(most, np.int64), 0
    for at in range(len(fresh)):
        node, begin = fresh[at], size
        for key in range(starts[at], starts[at + 1]):
            number = numbers[key]
            if not _is_live(keys[key], count[number], caps):
                continue
            first = np.int64(start[number])
            for place in range(first, first + length[number]):
                other = pool[place]
                if other < node and alive[other]:
                    if not meetings[other]:
                        found[size] = other
                        size += 1
                    meetings[other] += 1
        for place in range(begin, size):
            other = found[place]
            found[place] = other << _OLDER | at << _NEWER | meetings[other]
            meetings[other] = 0
    return found[:size]


@compiled
def _told(met: Nodes, fresh: Nodes) -> tuple[Nodes, Nodes, Nodes]:
    """What numbers that say who met whom say: older nodes, newer ones, how many keys."""
    left, right, keys = np.empty(len(met), np.int64), np.empty(len(met), np.int64), np.empty(len(met), np.int64)
    for at in range(len(met)):
        left[at] = met[at] >> _OLDER
        right[at] = fresh[met[at] >> _NEWER & (1 << _OLDER - _NEWER) - 1]
        keys[at] = met[at] & (1 << _NEWER) - 1
    return left, right, keys


@compiled
def _shared(left: Nodes, right: Nodes, keys: Nodes, starts: Nodes) -> Nodes:
    """How many keys each two of n nodes share; node i's, in order, are those from `starts[i]` to `starts[i + 1]`."""
    found = np.zeros(len(left), np.int64)
    for at in range(len(left)):
        one, other = starts[left[at]], starts[right[at]]
        while one < starts[left[at] + 1] and other < starts[right[at] + 1]:
            key, met = keys[one], keys[other]
            found[at] += key == met
            one += key <= met
            other += met <= key
    return found
