"""Which records bear which content: records come, change and go; a node is a content that some record bears.

A thousand records that say the same are one node, so a repeated publication costs a look-up, and a block of ten
thousand equal records is a block of one. A content too thin to be anybody in particular (`Nodes.thin`: it would not
link even to its equal, or has neither name nor number) never links its bearers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.arrays import grown
from services.linkage.matching.columns import Columns
from services.linkage.reading.normal import Traits, content, is_nameless

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Moves:
    """Nodes without bearers now, new nodes, nodes whose bearers changed (those two among them), records that left."""

    gone: Ints
    fresh: Ints
    changed: Ints
    left: tuple[UUID, ...]


class Nodes:
    """Records and nodes. Nodes are numbered as they come; a number is never used twice."""

    def __init__(self, columns: Columns, self_weight: Callable[[Ints], Ints], link: int) -> None:
        self._columns, self._self_weight, self._link = columns, self_weight, link
        self._node_of_content: dict[bytes, int] = {}
        self._content: list[bytes] = []
        self._node: dict[UUID, int] = {}
        self._bearers: dict[int, dict[UUID, None]] = {}
        self._alone: set[UUID] = set()
        self._strict: set[UUID] = set()
        self.strict: NDArray[np.bool_] = np.zeros(256, np.bool_)
        self.thin: NDArray[np.bool_] = np.zeros(256, np.bool_)
        self.rank: NDArray[np.uint64] = np.zeros(256, np.uint64)

    def __contains__(self, record: UUID) -> bool:
        return record in self._node

    def __len__(self) -> int:
        return len(self._node)

    @property
    def count(self) -> int:
        """How many nodes were ever numbered."""
        return len(self._content)

    def records(self) -> Iterable[UUID]:
        """Every record there is."""
        return self._node

    def of(self, record: UUID) -> int:
        """The node of a record. Raises KeyError for a record that is not here."""
        return self._node[record]

    def bearers(self, node: int) -> tuple[UUID, ...]:
        """The records that bear a node's content, in the order they came; none when it is gone."""
        return tuple(self._bearers.get(node, ()))

    def content(self, node: int) -> bytes:
        """Eight bytes that name the node on every machine (sixteen more when it is one record's own)."""
        return self._content[node]

    def keep_alone(self, record: UUID, alone: bool) -> None:
        """From its next move on the record has a node of its own, so that it can be told from its equals; or not."""
        (self._alone.add if alone else self._alone.discard)(record)

    def bind(self, record: UUID, strict: bool) -> None:
        """From its next move on only rules may join the record (`strict[node]`), or scores may too. What says the same
        as a record that scores may not join is not one with it: so it has a node of its own."""
        (self._strict.add if strict else self._strict.discard)(record)

    def move(self, wanted: Sequence[tuple[UUID, Traits | None]]) -> Moves:
        """Give each record its new content (None: it leaves). Each record at most once."""
        names = [content(traits) + self._own(record) if traits else b"" for record, traits in wanted]
        first = len(self._content)
        self._number([(name, traits) for name, (_, traits) in zip(names, wanted, strict=True) if traits])
        changed: set[int] = set()
        for name, (record, traits) in zip(names, wanted, strict=True):
            old = self._node.get(record)
            new = self._node_of_content[name] if traits else None
            if new != old:
                changed |= self._carry(record, old, new)
        gone = [node for node in changed if node not in self._bearers]
        for node in gone:
            self._node_of_content.pop(self._content[node], None)
        fresh = np.arange(first, len(self._content))
        left = tuple(record for record, traits in wanted if not traits)
        return Moves(_sorted(gone), fresh, _sorted(changed), left)

    def _own(self, record: UUID) -> bytes:
        """What tells a record's own node from others of the same content. It changes with whether scores may join."""
        if record in self._strict:
            return bytes(255 - byte for byte in record.bytes)
        return record.bytes if record in self._alone else b""

    def _carry(self, record: UUID, old: int | None, new: int | None) -> set[int]:
        if old is not None:
            bearers = self._bearers[old]
            del bearers[record], self._node[record]
            if not bearers:
                del self._bearers[old]
        if new is not None:
            self._bearers.setdefault(new, {})[record] = None
            self._node[record] = new
            self.strict[new] = record in self._strict
        return {node for node in (old, new) if node is not None}

    def _number(self, named: Sequence[tuple[bytes, Traits]]) -> None:
        new = {name: traits for name, traits in named if name not in self._node_of_content}
        nodes = self._columns.append(list(new.values()))
        self.thin, self.rank = grown(self.thin, self._columns.size), grown(self.rank, self._columns.size)
        self.strict = grown(self.strict, self._columns.size)
        for node, name in zip(nodes.tolist(), new, strict=True):
            self._node_of_content[name] = node
            self._content.append(name)
        if len(nodes):
            self.rank[nodes] = [int.from_bytes(name[:8], "big") ^ int.from_bytes(name[16:], "big") for name in new]
            weights = self._self_weight(nodes).tolist()
            self.thin[nodes] = [
                len(name) == 8 and (weight < self._link or is_nameless(traits))
                for (name, traits), weight in zip(new.items(), weights, strict=True)
            ]


def _sorted(nodes: Iterable[int]) -> Ints:
    return np.array(sorted(nodes), np.int64)
