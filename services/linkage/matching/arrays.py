"""What the index asks of arrays again and again. numpy's own `unique`, `isin` and `diff` are made for long arrays: for
the few dozen items of a batch of one, what they do around the work costs several times the work.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NONE: Ints = np.zeros(0, np.int64)


def grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """The array itself when it holds `size` rows, else a copy half as large again, filled up with zeros.

    Of many rows that come at once it has an eighth more room than they need, which takes no memory before it is
    written to: else the next batch would copy them all.
    """
    if size <= len(array):
        return array
    larger = np.zeros((max(size + size // 8, len(array) * 3 // 2, 256), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def firsts(ordered: NDArray[Any]) -> Mask:
    """Which of n ordered values are not the same as the one before."""
    mask = np.empty(len(ordered), np.bool_)
    mask[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=mask[1:])
    return mask


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The values in order, each once."""
    ordered = values.copy()
    ordered.sort()
    return ordered[firsts(ordered)] if len(ordered) > 1 else ordered


def counted(values: Ints) -> tuple[Ints, Ints]:
    """The values in order, each once, and how often each is there."""
    ordered = values.copy()
    ordered.sort()
    starts = firsts(ordered).nonzero()[0]
    return ordered[starts], lengths(starts, len(ordered))


def lengths(starts: Ints, end: int) -> Ints:
    """How long each of n runs is: each ends where the next starts, the last at `end`."""
    found = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=found[:-1])
    if len(starts):
        found[-1] = end - starts[-1]
    return found


def runs(values: NDArray[Any]) -> tuple[Ints, Ints]:
    """Equal values brought together: the order that does it (stable), and where each run starts in that order."""
    order = values.argsort(kind="stable")
    return order, firsts(values[order]).nonzero()[0]
