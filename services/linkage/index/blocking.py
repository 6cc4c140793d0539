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

from services.linkage.index.chains import Chains, KeyTable
from services.linkage.index.crowds import among
from services.linkage.index.keys import VARIANTS, block_keys, crowd_keys, is_narrow
from services.linkage.matching.arrays import NONE, Marks, counted, distinct, firsts, grown, runs, spans
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
        self._table, self._chains, self._marks = KeyTable(), Chains(), Marks()
        self._count: NDArray[np.int32] = np.zeros(256, np.int32)
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
        left_keys, _ = self._numbered(gone)
        keys, nodes = self._numbered(fresh)
        touched = distinct(np.concatenate((left_keys, keys)))
        limits = self._limits(touched)
        was_live = self._count[touched] <= limits
        self._leave(gone, left_keys)
        self._come(fresh, keys, nodes)
        is_live = self._count[touched] <= limits
        woken, slept = touched[is_live & ~was_live], touched[was_live & ~is_live]
        turned = np.concatenate((slept, woken))
        if turned.size:
            self._mark_crowds(slept)
            turned = turned[among(self._table.keys[turned], self.crowds)]
            self.crowds = self.crowds[~np.isin(self.crowds, self._table.keys[woken])]
        return Proposal(
            self._fresh_pairs(keys, nodes), self._old_pairs(woken, fresh), *self._old(slept, fresh),
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
            self._come(part, *self._numbered(part))

    def mark(self) -> None:
        """Note what is a crowd's, when all have come."""
        self._mark_crowds(np.flatnonzero(~self._live(np.arange(self._table.size))))

    def living(self, nodes: Nodes) -> Iterator[tuple[Nodes, Nodes]]:
        """(key number, node) of these nodes' keys that two nodes bear or more and that do not overflow, in parts."""
        for start in range(0, len(nodes), 8192):
            keys, bearers = self._numbered(nodes[start : start + 8192])
            shared = self._live(keys) & (self._count[keys] > 1)
            yield keys[shared], bearers[shared]

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
        keys = keys[bearers.argsort(kind="stable")]
        sizes = np.bincount(np.searchsorted(each, bearers), minlength=len(each))
        starts = sizes.cumsum() - sizes
        lefts, rights = np.searchsorted(each, left), np.searchsorted(each, right)
        self._marks.hold(self._table.size)
        found = np.zeros(len(left), np.int64)
        order, heads = runs(lefts)
        # Of few nodes there are many pairs: those of one left node are counted together, whose keys are marked.
        for pairs in np.split(order, heads[1:]) if len(heads) else ():
            one, others = lefts[pairs[0]], rights[pairs]
            theirs = keys[spans(starts[others], sizes[others])]
            held = self._marks.among(theirs, keys[starts[one] : starts[one] + sizes[one]])
            so_far, ends = np.concatenate(([0], held.cumsum())), sizes[others].cumsum()
            found[pairs] = so_far[ends] - so_far[ends - sizes[others]]
        return found

    def _numbered(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """(key number, node) for each key of each node, sorted by key."""
        if not len(nodes):
            return NONE, NONE
        keys = block_keys(self._columns, nodes)
        rows, columns = keys.nonzero()
        numbers = self._table.number(keys[rows, columns])
        self._count = grown(self._count, self._table.size)
        order = numbers.argsort(kind="stable")
        numbers, rows = numbers[order], rows[order]
        once = firsts(numbers) | firsts(rows)  # variants of a key may say the same of a node
        return numbers[once], nodes[rows[once]]

    def _leave(self, gone: Nodes, keys: Nodes) -> None:
        np.subtract.at(self._count, keys, 1)
        self.alive[gone] = False

    def _come(self, fresh: Nodes, keys: Nodes, nodes: Nodes) -> None:
        self.alive = grown(self.alive, self._columns.size)
        self.alive[fresh] = True
        self._chains.hold(self._table.size)
        self._chains.append(keys, nodes)
        np.add.at(self._count, keys, 1)

    def _fresh_pairs(self, keys: Nodes, nodes: Nodes) -> Pairs:
        live = self._live(keys)
        keys, nodes = keys[live], nodes[live]
        places, lefts = self._chains.read(keys)
        rights = nodes[places]
        # Older nodes have smaller numbers: so a pair of two new nodes, met from both sides, counts once.
        older = (lefts < rights) & self.alive[lefts]
        return Pairs.counted(lefts[older], rights[older], self._columns.size)

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
