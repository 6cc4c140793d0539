"""Two arrays-only containers that the index is built on: a table of 64-bit keys and lists of numbers, many at a time.

A Python dict of lists would cost ten times the memory and a call a key; these take and give whole batches. Room is made
before, here, so that compiled code never has to.
"""

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled
from services.linkage.matching.arrays import grown

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]
Slots = NDArray[np.int32]
Starts = NDArray[np.uint32]
Lists = tuple[Slots, Starts, Slots]


class KeyTable:
    """64-bit keys ↔ dense numbers from 0, by open addressing with linear probing. Keys must be well mixed and not 0."""

    def __init__(self) -> None:
        self.keys: Keys = np.zeros(256, np.uint64)
        self.size = 0
        self._slots: Slots = np.full(1024, -1, np.int32)

    def number(self, keys: Keys) -> Numbers:
        """The numbers of n keys, which may repeat; keys never met get the next ones, as they come."""
        most = self.size + len(keys)
        if 2 * most > len(self._slots):
            self._slots = np.full(1 << (3 * most - 1).bit_length(), -1, np.int32)
            _placed(self.keys, self.size, self._slots)
        self.keys = grown(self.keys, most)
        numbers, self.size = _numbered(keys, self.keys, self.size, self._slots)
        return numbers

    def known(self, keys: Keys) -> Numbers:
        """The numbers of n keys, −1 for one never met."""
        return _known(keys, self.keys, self._slots)


class Chains:
    """A list of 32-bit numbers for each dense owner, all in one pool, appended to and read in batches.

    A list lies in one piece, with room for a power of two numbers; one that outgrows its room moves to a larger one.
    """

    def __init__(self) -> None:
        self.length: Slots = np.zeros(256, np.int32)
        self._start: Starts = np.zeros(256, np.uint32)
        self._pool: Slots = np.zeros(1024, np.int32)
        self._used = 0

    @property
    def arrays(self) -> Lists:
        """How long each owner's list is, where it starts in the pool, and the pool."""
        return self.length, self._start, self._pool

    def hold(self, owners: int) -> None:
        """Make room for owners 0 … owners − 1."""
        self.length, self._start = grown(self.length, owners), grown(self._start, owners)

    def append(self, owners: Numbers, values: Numbers) -> None:
        """Append value i to the list of owner i. Owners may repeat: their values stay in order."""
        each, more, needed = _growing(owners, self.length)
        assert self._used + needed < 1 << 32, "a list would start beyond what 32 bits can say"
        self._pool = grown(self._pool, self._used + needed)
        _appended(owners, values, each, more, *self.arrays, self._used)
        self._used += needed

    def read(self, owners: Numbers) -> tuple[Numbers, Numbers]:
        """All values of n owners, one owner's after the other's: positions in `owners`, and values beside them."""
        return _read(owners, *self.arrays)


@compiled
def _numbered(keys: Keys, known: Keys, size: int, slots: Slots) -> tuple[Numbers, int]:
    """The numbers of n keys and how many keys there are then. There must be room for all of them."""
    numbers = np.empty(len(keys), np.int64)
    for at in range(len(keys)):
        slot = _slot(keys[at], known, slots)
        if slots[slot] < 0:
            slots[slot], known[size] = size, keys[at]
            size += 1
        numbers[at] = slots[slot]
    return numbers, size


@compiled
def _known(keys: Keys, known: Keys, slots: Slots) -> Numbers:
    """The numbers of n keys, −1 for one never met."""
    numbers = np.empty(len(keys), np.int64)
    for at in range(len(keys)):
        numbers[at] = slots[_slot(keys[at], known, slots)]
    return numbers


@compiled
def _placed(known: Keys, size: int, slots: Slots) -> None:
    """Put the keys that are known into slots that are all free."""
    for number in range(size):
        slots[_slot(known[number], known, slots)] = number


@compiled
def _slot(key: np.uint64, known: Keys, slots: Slots) -> np.int64:
    """The slot of a key, or the free one where it would be. A key's last bit says what sort of key it is, so it is not
    well mixed and the others say where it is looked for first."""
    mask = len(slots) - 1
    slot = np.int64(key >> np.uint64(1)) & mask
    while slots[slot] >= 0 and known[slots[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@compiled
def _growing(owners: Numbers, length: Slots) -> tuple[Numbers, Numbers, int]:
    """The owners of n values, each once; how many values each gets; and how much of the pool must be free for those
    that move. Meanwhile the length of a list says where among them its owner is."""
    each, more = np.empty(len(owners), np.int64), np.empty(len(owners), np.int64)
    old = np.empty(len(owners), np.int32)
    count = 0
    for owner in owners:
        if length[owner] >= 0:
            each[count], more[count], old[count] = owner, 0, length[owner]
            length[owner] = -1 - count
            count += 1
        more[-1 - length[owner]] += 1
    needed = 0
    for at in range(count):
        length[each[at]], size = old[at], old[at] + more[at]
        if size > _room(size - more[at]):
            needed += _room(size)
    return each[:count], more[:count], needed


@compiled
def _appended(
    owners: Numbers, values: Numbers, each: Numbers, more: Numbers, length: Slots, start: Starts, pool: Slots, used: int
) -> None:
    """Each value at the end of its owner's list. Lists that have no room for so many more move first, to the end of
    what is used of the pool."""
    for at in range(len(each)):
        owner = each[at]
        size = length[owner] + more[at]
        if size > _room(size - more[at]):
            before = np.int64(start[owner])
            for place in range(length[owner]):
                pool[used + place] = pool[before + place]
            start[owner] = used
            used += _room(size)
    for at in range(len(owners)):
        owner = owners[at]
        pool[np.int64(start[owner]) + length[owner]] = values[at]
        length[owner] += 1


@compiled
def held_by(owners: Numbers, length: Slots) -> int:
    """How many values the lists of n owners hold. Owners that came after the last list have none yet."""
    size = 0
    for owner in owners:
        if owner < len(length):
            size += length[owner]
    return size


@compiled
def _read(owners: Numbers, length: Slots, start: Starts, pool: Slots) -> tuple[Numbers, Numbers]:
    """See `Chains.read`."""
    size = held_by(owners, length)
    places, values = np.empty(size, np.int64), np.empty(size, np.int64)
    found = 0
    for at in range(len(owners)):
        first = np.int64(start[owners[at]])
        for place in range(length[owners[at]]):
            places[found], values[found] = at, pool[first + place]
            found += 1
    return places, values


@compiled
def _room(size: int) -> int:
    """The least power of two that holds so many; 0 for 0."""
    room = 1 if size else 0
    while room < size:
        room *= 2
    return room
