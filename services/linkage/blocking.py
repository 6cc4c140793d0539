"""Which records are worth comparing: block keys, the blocks they make, and what happens when a block overflows.

Every node (distinct identity) has a fixed set of keys made of its traits. A key is *live* while at most `cap` nodes bear
it, and two nodes are candidates exactly when they share a live key. So candidates are a function of the set of nodes,
never of their order. A key that overflows is not dropped in silence: it is counted, and the finer keys that stand behind
it in `KEYS` (the same parts and one more) carry its nodes on; when nodes leave, it comes to life again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.chains import Chains, KeyTable
from services.linkage.columns import Columns, grown

Keys = NDArray[np.uint64]
Nodes = NDArray[np.int64]

_TRAITS: Final[Mapping[str, tuple[tuple[str, str | None], ...]]] = {
    # part of a key → the traits (and their derived parts) that it may be made of: each gives a key of its own
    "word": tuple((trait, None) for trait in
                  ("given", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3")),
    "name": tuple((trait, None) for trait in ("given", "family_1", "family_2", "birth_family", "middle_1")),
    "given": (("given", None),), "given three": (("given", "three"),), "given sound": (("given", "sound"),),
    "group": (("given", "group"), ("given", "second_group")),
    "family": (("family_1", None),), "family four": (("family_1", "four"),), "family sound": (("family", "sound"),),
    "year": (("date", "year_hash"),), "day": (("date", "day_hash"),),
    "postcode": (("postcode", None),), "sector": (("postcode", "sector"),), "district": (("postcode", "outward"),),
    "street": (("street", None),), "number": (("number", None),), "town": (("town", None),), "uprn": (("uprn", None),),
    "phone": (("phone_1", None), ("phone_2", None)), "email": (("email", None),), "local": (("email", "local"),),
    "nhs": (("nhs_number", None),), "nino": (("nino", None),), "reference": (("reference", None),),
    "vehicle": (("vehicle", None),), "birth place": (("birth_place", None),), "occupation": (("occupation", None),),
}  # fmt: skip

KEYS: Final = tuple(tuple(part.strip() for part in key.split("+")) for key in """
word; postcode; number+street; uprn; phone; email; nhs; nino; reference; vehicle
name+year; name+day; name+district; name+town; name+street; name+birth place; name+postcode; name+occupation
name+phone; name+uprn; given+family
family four+given three; family four+group; family four+year; family four+birth place; family four+town
family sound+given sound; family sound+group; family sound+district; family sound+year; family sound+birth place
family sound+town; family sound+given three
given three+birth place; given three+year; given three+town; given three+occupation; given three+postcode
group+birth place; group+town; group+day; local+given three; local+year
year+day; year+sector; year+birth place; year+postcode; year+street; day+postcode; day+district; day+street
birth place+occupation; year+uprn; day+uprn; town+street
given+family+year; given+family+day; given+family+district; given+family+town; given+family+birth place
year+day+given; year+day+family; year+day+family sound; year+day+group; year+day+district; year+day+birth place
""".replace("\n", ";").split(";") if key.strip())
"""The keys, coarse ones first. A key needs all its parts; "name" stands for each name a person bears, in any slot."""


def block_keys(columns: Columns, nodes: Nodes) -> Keys:
    """64-bit keys of n nodes, shape (n, key variants); 0 where a part is missing. A function of the traits only."""
    hashes = _Hashes(columns, nodes)
    made: list[Keys] = []
    for salt, key in enumerate(KEYS, start=1):
        made += [_mixed(salt, parts) for parts in hashes.of(key)]
    return np.stack(made, axis=1) if made else np.zeros((len(nodes), 0), np.uint64)


class _Hashes:
    def __init__(self, columns: Columns, nodes: Nodes) -> None:
        self._columns, self._nodes = columns, nodes
        self._known: dict[tuple[str, str | None], NDArray[np.uint64] | None] = {}

    def of(self, key: tuple[str, ...]) -> list[list[NDArray[np.uint64]]]:
        """One list of part hashes for each variant of the key that any of the nodes has."""
        variants: list[list[NDArray[np.uint64]]] = [[]]
        for part in key:
            choices = [one for choice in _TRAITS[part] if (one := self._one(choice)) is not None]
            variants = [[*variant, choice] for variant in variants for choice in choices]
        return variants

    def _one(self, choice: tuple[str, str | None]) -> NDArray[np.uint64] | None:
        if choice not in self._known:
            trait, part = choice
            vocabulary = self._columns.vocabulary(trait)
            column = vocabulary.hash if part is None else vocabulary.part[part]
            found = column[self._columns.of(trait, self._nodes)].astype(np.uint64)
            self._known[choice] = found if found.any() else None
        return self._known[choice]


_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_HIGH, _LOW = np.uint64(29), np.uint64(32)


def _mixed(salt: int, parts: list[NDArray[np.uint64]]) -> Keys:
    """Parts mixed into one key as SplitMix64 mixes (Steele et al. 2014); 0 if a part is 0."""
    key = np.full(len(parts[0]), salt, np.uint64)
    present = np.ones(len(parts[0]), np.bool_)
    for part in parts:
        present &= part > 0
        key = (key * _SECOND ^ part) * _FIRST
        key ^= key >> _HIGH
        key *= _SECOND
        key ^= key >> _LOW
    key[~present] = 0
    return key


@dataclass(frozen=True, slots=True)
class Pairs:
    """n pairs of nodes, `left` < `right`, each once, and how many keys speak for it.

    In a sample, each `stands_for` so many.
    """

    left: Nodes
    right: Nodes
    keys: Nodes
    stands_for: float = 1.0

    @classmethod
    def counted(cls, left: Nodes, right: Nodes, nodes: int) -> "Pairs":
        """Pairs met once for each key, folded. `nodes` is more than any node's number."""
        codes, keys = np.unique(left * nodes + right, return_counts=True)
        return cls(codes // nodes, codes % nodes, keys)

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a change of the node set means for comparison.

    `fresh` pairs have a new node; `woken` pairs are of older nodes whose key came to life; of `slept`, node i was under
    key i when that key overflowed.
    """

    fresh: Pairs
    woken: Pairs
    slept_keys: Nodes
    slept_nodes: Nodes


class Blocks:
    """The keys of all living nodes, and the nodes under each key."""

    def __init__(self, columns: Columns, cap: int) -> None:
        self._columns, self._cap = columns, cap
        self._table, self._chains = KeyTable(), Chains()
        self._count: NDArray[np.int32] = np.zeros(256, np.int32)
        self.alive: NDArray[np.bool_] = np.zeros(256, np.bool_)

    @property
    def overflowing(self) -> int:
        """How many keys are above the cap now."""
        return int((self._count[: self._table.size] > self._cap).sum())

    def change(self, gone: Nodes, fresh: Nodes) -> Proposal:
        """Nodes leave and come at once; what is proposed depends on the resulting set only."""
        left_keys, _ = self._numbered(gone)
        keys, nodes = self._numbered(fresh)
        touched = np.unique(np.concatenate((left_keys, keys)))
        was_live = self._count[touched] <= self._cap
        self._leave(gone, left_keys)
        self._come(fresh, keys, nodes)
        is_live = self._count[touched] <= self._cap
        woken, slept = touched[is_live & ~was_live], touched[was_live & ~is_live]
        return Proposal(self._fresh_pairs(keys, nodes), self._woken_pairs(woken, fresh), *self._old(slept, fresh))

    def load(self, nodes: Nodes) -> None:
        """Nodes come without anything being proposed: when the index is rebuilt from what was stored."""
        for start in range(0, len(nodes), 8192):
            part = nodes[start : start + 8192]
            self._come(part, *self._numbered(part))

    def holding(self, keys: Keys, limit: int) -> Nodes:
        """Living nodes under any of n distinct keys, of overflowing ones too; the rarest keys' first, about `limit`."""
        numbers = self._table.known(keys)
        numbers = numbers[numbers >= 0]
        numbers = numbers[np.argsort(self._count[numbers], kind="stable")]
        before = np.cumsum(self._count[numbers]) - self._count[numbers]
        return np.unique(self._members(numbers[before < limit])[1])[:limit]

    def shared(self, left: Nodes, right: Nodes) -> Nodes:
        """How many live keys each of n pairs shares."""
        found = np.zeros(len(left), np.int64)
        for start in range(0, len(left), 4096):
            part = slice(start, start + 4096)
            both = np.sort(np.concatenate((self._keys(left[part]), self._keys(right[part])), axis=1), axis=1)
            twice = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] > 0)
            rows = np.nonzero(twice)[0]
            numbers = self._table.number(both[:, 1:][twice])
            np.add.at(found, rows[self._count[numbers] <= self._cap] + start, 1)
        return found

    def _keys(self, nodes: Nodes) -> Keys:
        """Keys of each node, each key once: shape (n, variants), 0 where there is none."""
        keys = np.sort(block_keys(self._columns, nodes), axis=1)
        keys[:, 1:][keys[:, 1:] == keys[:, :-1]] = 0
        return keys

    def _numbered(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """(key number, node) for each key of each node, sorted by key."""
        if not len(nodes):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        keys = self._keys(nodes)
        rows, columns = np.nonzero(keys)
        numbers = self._table.number(keys[rows, columns])
        self._count = grown(self._count, self._table.size)
        order = np.argsort(numbers, kind="stable")
        return numbers[order], nodes[rows[order]]

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
        live = self._count[keys] <= self._cap
        keys, nodes = keys[live], nodes[live]
        blocks, at = np.unique(keys, return_inverse=True)
        starts, members = self._members(blocks)
        sizes = np.diff(starts)[at]
        rights = np.repeat(nodes, sizes)
        within = np.arange(len(rights)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        lefts = members[np.repeat(starts[at], sizes) + within]
        # Older nodes have smaller numbers: so a pair of two new nodes, met from both sides, counts once.
        older = lefts < rights
        return Pairs.counted(lefts[older], rights[older], self._columns.size)

    def _members(self, blocks: Nodes) -> tuple[Nodes, Nodes]:
        """Living nodes under each of n keys: where each key's begin, and the nodes."""
        places, members = self._chains.read(blocks)
        alive = self.alive[members]
        places, members = places[alive], members[alive]
        order = np.argsort(places, kind="stable")
        return np.searchsorted(places[order], np.arange(len(blocks) + 1)), members[order]

    def _old(self, blocks: Nodes, fresh: Nodes) -> tuple[Nodes, Nodes]:
        """(key, node) of the living nodes under these keys that are not fresh."""
        starts, members = self._members(blocks)
        keys = np.repeat(blocks, np.diff(starts))
        old = members < fresh[0] if len(fresh) else np.ones(len(members), np.bool_)
        return keys[old], members[old]

    def _woken_pairs(self, blocks: Nodes, fresh: Nodes) -> Pairs:
        keys, nodes = self._old(blocks, fresh)
        none = np.zeros(0, np.int64)
        lefts, rights = [none], [none]
        for key in blocks:
            members = np.sort(nodes[keys == key])
            i, j = np.triu_indices(len(members), 1)
            lefts.append(members[i])
            rights.append(members[j])
        return Pairs.counted(np.concatenate(lefts), np.concatenate(rights), self._columns.size)
