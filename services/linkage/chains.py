"""Two arrays-only containers that the index is built on: a table of 64-bit keys and lists of numbers, many at a time.

A Python dict of lists would cost ten times the memory and a call a key; these take and give whole batches.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.columns import grown

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]

_WIDTH: Final = 6
"""Entries of one chunk of a chain: most chains are short."""


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
        fresh = np.flatnonzero(numbers < 0)
        if fresh.size:
            new, which = np.unique(keys[fresh], return_inverse=True)
            first, self.size = self.size, self.size + len(new)
            numbers[fresh] = first + which
            self.keys = grown(self.keys, self.size)
            self.keys[first : self.size] = new
            self._place(new, np.arange(first, self.size))
        return numbers

    def known(self, keys: Keys) -> Numbers:
        """The numbers of n keys, −1 for one never met."""
        return self._find(keys)

    def _find(self, keys: Keys) -> Numbers:
        numbers = np.full(len(keys), -1, np.int64)
        mask = np.uint64(len(self._slots) - 1)
        at = (keys & mask).astype(np.int64)
        looking = np.arange(len(keys))
        while looking.size:
            found = self._slots[at]
            taken = found >= 0
            hit = taken & (self.keys[found] == keys[looking])
            numbers[looking[hit]] = found[hit]
            on = taken & ~hit
            looking, at = looking[on], (at[on] + 1) & int(mask)
        return numbers

    def _place(self, keys: Keys, numbers: Numbers) -> None:
        mask = len(self._slots) - 1
        at = (keys & np.uint64(mask)).astype(np.int64)
        while numbers.size:
            free = self._slots[at] < 0
            self._slots[at[free]] = numbers[free]
            lost = self._slots[at] != numbers
            numbers, at = numbers[lost], (at[lost] + 1) & mask

    def _rehash(self, room: int) -> None:
        self._slots = np.full(1 << (room - 1).bit_length(), -1, np.int32)
        self._place(self.keys[: self.size], np.arange(self.size))


class Chains:
    """A list of 32-bit numbers for each dense owner: appended to and read in batches, in chunks of `_WIDTH`."""

    def __init__(self) -> None:
        self._head: NDArray[np.int32] = np.zeros(256, np.int32)
        self._tail: NDArray[np.int32] = np.zeros(256, np.int32)
        self.length: NDArray[np.int32] = np.zeros(256, np.int32)
        self._chunks: NDArray[np.int32] = np.zeros((256, _WIDTH), np.int32)
        self._next: NDArray[np.int32] = np.zeros(256, np.int32)
        self._used = 0

    def hold(self, owners: int) -> None:
        """Make room for owners 0 … owners − 1."""
        self._head, self._tail = grown(self._head, owners), grown(self._tail, owners)
        self.length = grown(self.length, owners)

    def append(self, owners: Numbers, values: Numbers) -> None:
        """Append value i to the list of owner i; owners must be sorted, and may repeat."""
        if not len(owners):
            return
        first = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
        counts = np.diff(np.append(first, len(owners)))
        places = self.length[owners] + np.arange(len(owners)) - np.repeat(first, counts)
        opens = np.flatnonzero(places % _WIDTH == 0)
        chunks = self._open(owners[opens], places[opens])
        ahead = np.searchsorted(opens, np.arange(len(owners)), side="right") - 1
        same = (ahead >= 0) & (owners[opens[ahead]] == owners) if opens.size else np.zeros(len(owners), np.bool_)
        where = np.where(same, chunks[ahead] if opens.size else 0, self._old_tail(owners))
        self._chunks[where, places % _WIDTH] = values
        self.length[owners[first]] += counts.astype(np.int32)
        last = np.append(first[1:], len(owners)) - 1
        self._tail[owners[last]] = where[last]

    def _old_tail(self, owners: Numbers) -> NDArray[np.int32]:
        return self._tail[owners]

    def _open(self, owners: Numbers, places: Numbers) -> Numbers:
        """New chunks for owners (sorted, may repeat) at places that begin a chunk, linked behind what they have."""
        start, self._used = self._used, self._used + len(owners)
        self._chunks, self._next = grown(self._chunks, self._used), grown(self._next, self._used)
        chunks = np.arange(start, self._used)
        begins = places == 0
        self._head[owners[begins]] = chunks[begins]
        follows = ~begins
        before = self._tail[owners].astype(np.int64)
        again = np.flatnonzero(owners[1:] == owners[:-1]) + 1
        before[again] = chunks[again - 1]
        self._next[before[follows]] = chunks[follows]
        return chunks

    def read(self, owners: Numbers) -> tuple[Numbers, Numbers]:
        """All values of n owners: positions in `owners`, and values beside them."""
        left = self.length[owners].astype(np.int64)
        asked = np.flatnonzero(left)
        at, left = self._head[owners[asked]], left[asked]
        places: list[Numbers] = []
        values: list[Numbers] = []
        columns = np.arange(_WIDTH)
        while asked.size:
            filled = columns < left[:, None]
            values.append(self._chunks[at][filled].astype(np.int64))
            places.append(np.repeat(asked, np.minimum(left, _WIDTH)))
            on = left > _WIDTH
            asked, left, at = asked[on], left[on] - _WIDTH, self._next[at[on]]
        if not values:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(places), np.concatenate(values)
