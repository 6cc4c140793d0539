"""What a crowd shares: a hostel's address, an agency's telephone. Sharing it is evidence of nothing."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.keys import CROWDS, Keys, Nodes, crowd_keys, value_keys
from services.linkage.matching.arrays import NONE, distinct
from services.linkage.matching.columns import Columns


def among(keys: Keys, crowds: Keys) -> NDArray[np.bool_]:
    """Which of n keys are among `crowds`, which are in order."""
    if not len(crowds):
        return np.zeros(len(keys), np.bool_)
    at = np.searchsorted(crowds, keys)
    at[at == len(crowds)] = 0
    return np.asarray(crowds[at] == keys)


def crowded(columns: Columns, crowds: Keys, left: Nodes, right: Nodes) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Field → which of n pairs share a value of it that is a crowd's. `crowds` are such values' keys, in order."""
    suspects = _suspects(columns, crowds, right)
    if not suspects.size:
        return
    lefts, rights = (crowd_keys(columns, nodes[suspects]) for nodes in (left, right))
    for name, fields in CROWDS.items():
        found = np.zeros(len(left), np.bool_)
        for one, other in product(lefts.get(name, ()), rights.get(name, ())):
            shared = ((one == other) & (one > 0)).nonzero()[0]
            found[suspects[shared]] |= among(one[shared], crowds)
        if found.any():
            yield from ((field, found) for field in fields)


def _suspects(columns: Columns, crowds: Keys, nodes: Nodes) -> Nodes:
    """Which of n nodes, that may repeat, bear a crowd's key: few ever do, and only they need a closer look."""
    if not len(crowds):
        return NONE
    each = distinct(nodes)
    keys = value_keys(columns, each)
    found = among(keys.ravel(), crowds)
    if not found.any():
        return NONE
    bearing = each[found.reshape(keys.shape).any(axis=1)]
    return np.isin(nodes, bearing).nonzero()[0]
