"""Two arrays-only containers that the index is built on: a table of 64-bit keys and lists of numbers, many at a time.

A Python dict of lists would cost ten times the memory and a call a key; these take and give whole batches.
"""

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.arrays import firsts, grown, lengths, runs, spans

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]


class KeyTable:
    """64-bit keys ↔ dense numbers from 0, by open addressing with linear probing. Keys must be well mixed and not 0."""

    def __init__(self) -> None:
        self.keys: Keys = np.zeros(256, np.uint64)
        self.size = 0
        self._slots: NDArray[np.int32] = np.full(1024, -1, np.int32)

    def number(self, keys: Keys) -> Numbers:
        """The numbers of n keys, which may repeat; keys never met get the next ones."""
        if 2 * (self.size + len(keys)) > len(self._slots):
            self._rehash(3 * (self.size + len(keys)))
        numbers = self._find(keys)
        fresh = (numbers < 0).nonzero()[0]
        if fresh.size:
            order, starts = runs(keys[fresh])
            new = keys[fresh[order[starts]]]
            first, self.size = self.size, self.size + len(new)
            numbers[fresh[order]] = np.arange(first, self.size).repeat(lengths(starts, len(fresh)))
            self.keys = grown(self.keys, self.size)
            self.keys[first : self.size] = new
            self._place(new, np.arange(first, self.size))
        return numbers

    def known(self, keys: Keys) -> Numbers:
        """The numbers of n keys, −1 for one never met."""
        return self._find(keys)

    def _find(self, keys: Keys) -> Numbers:
        numbers = np.full(len(keys), -1, np.int64)
        mask, at = len(self._slots) - 1, self._homes(keys)
        looking = np.arange(len(keys))
        while looking.size:
            found = self._slots[at].astype(np.int64)
            taken = found >= 0
            hit = taken & (self.keys[found] == keys[looking])
            numbers[looking[hit]] = found[hit]
            on = taken & ~hit
            looking, at = looking[on], (at[on] + 1) & mask
        return numbers

    def _homes(self, keys: Keys) -> Numbers:
        """Where each key is looked for first. A key's last bit says what sort of key it is, so it is not well mixed."""
        return ((keys >> np.uint64(1)) & np.uint64(len(self._slots) - 1)).astype(np.int64)

    def _place(self, keys: Keys, numbers: Numbers) -> None:
        mask, at = len(self._slots) - 1, self._homes(keys)
        while numbers.size:
            free = self._slots[at] < 0
            self._slots[at[free]] = numbers[free]
            lost = self._slots[at] != numbers
            numbers, at = numbers[lost], (at[lost] + 1) & mask

    def _rehash(self, room: int) -> None:
        self._slots = np.full(1 << (room - 1).bit_length(), -1, np.int32)
        self._place(self.keys[: self.size], np.arange(self.size))


class Chains:
    """A list of 32-bit numbers for each dense owner, all in one pool, appended to and read in batches.

    A list lies in one piece, with room for a power of two numbers; one that outgrows its room moves to a larger one.
    """

    def __init__(self) -> None:
        self.length: NDArray[np.int32] = np.zeros(256, np.int32)
        self._start: NDArray[np.uint32] = np.zeros(256, np.uint32)
        self._pool: NDArray[np.int32] = np.zeros(1024, np.int32)
        self._used = 0

    @property
    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.int32]]:
        """How long each owner's list is, where it starts in the pool, and the pool."""
        return self.length, self._start, self._pool

    def hold(self, owners: int) -> None:
        """Make room for owners 0 … owners − 1."""
        self.length, self._start = grown(self.length, owners), grown(self._start, owners)

    def append(self, owners: Numbers, values: Numbers) -> None:
        """Append value i to the list of owner i; owners must be sorted, and may repeat."""
        if not len(owners):
            return
        first = firsts(owners).nonzero()[0]
        each, more = owners[first], lengths(first, len(owners))
        old = self.length[each].astype(np.int64)
        new = old + more
        self._make_room(each, old, new)
        self._pool[spans(self._start[each] + old, more)] = values
        self.length[each] = new

    def _make_room(self, owners: Numbers, old: Numbers, new: Numbers) -> None:
        """Move the lists of `owners` that are `old` long and for `new` numbers have no room."""
        tight = (new > _room(old)).nonzero()[0]
        if not tight.size:
            return
        owners, old, rooms = owners[tight], old[tight], _room(new[tight])
        starts = self._used + rooms.cumsum() - rooms
        self._used += int(rooms.sum())
        self._pool = grown(self._pool, self._used)
        self._pool[spans(starts, old)] = self._pool[spans(self._start[owners].astype(np.int64), old)]
        self._start[owners] = starts

    def read(self, owners: Numbers) -> tuple[Numbers, Numbers]:
        """All values of n owners, one owner's after the other's: positions in `owners`, and values beside them."""
        sizes = self.length[owners].astype(np.int64)
        values = self._pool[spans(self._start[owners].astype(np.int64), sizes)]
        return np.arange(len(owners)).repeat(sizes), values.astype(np.int64)


def _room(sizes: Numbers) -> Numbers:
    """The least power of two that holds each size; 0 for 0."""
    _, bits = np.frexp(sizes - 1)
    return np.asarray((np.int64(1) << bits.astype(np.int64)) * (sizes > 0))
