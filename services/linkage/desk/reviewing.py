"""Which pairs a steward should look at first, and what deciding them is worth. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from uuid import UUID

from services.linkage.desk.reasoning import Reasoned
from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Best, Weighing
from services.linkage.records import Kept
from services.linkage.rulings import Rulings

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Case:
    """Two records and the entities they are in. ``moves``: records that change hands if the two become one, or two.
    ``conflict``: a steward's decision that does not hold, because others outweigh it."""

    pair: Reasoned
    left: Shown
    right: Shown
    moves: int
    value: float
    conflict: bool


def worth(probability: float, moves: int) -> float:
    """Bits of uncertainty that a decision takes away, for each record that it places: H(p) · moves (Shannon 1948)."""
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return moves * -(p * log2(p) + (1 - p) * log2(1 - p))


def ruled(
    pairs: Sequence[Pair], sides: Mapping[UUID, Shown], weighing: Weighing, decided: Rulings, limit: int | None = None
) -> list[Case]:
    """Decided pairs as they are now, in their order. ``sides``: record → its entity. Without pairs of which one is gone
    or may not be seen."""
    return [one.case(decided) for one in _weighed(pairs, sides, weighing)[:limit]]


def doubtful(
    pairs: Sequence[Pair], sides: Mapping[UUID, Shown], weighing: Weighing, decided: Rulings, limit: int | None = None
) -> list[Case]:
    """Pairs that are neither of one entity nor kept apart by a decision, the most valuable first."""
    found = [one for one in _weighed(pairs, sides, weighing) if not one.is_settled(decided)]
    found.sort(key=lambda one: (-one.value, one.records[0].id, one.records[1].id))
    return [one.case(decided) for one in found[:limit]]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A pair before anything of it is explained: that takes a hundred times as long."""

    records: tuple[Kept, Kept]
    left: Shown
    right: Shown
    best: Best

    @property
    def moves(self) -> int:
        return min(len(self.left.records), len(self.right.records))

    @property
    def value(self) -> float:
        return worth(1 / (1 + 2.0 ** -max(min(self.best.bits, 500.0), -500.0)), self.moves)

    def is_settled(self, decided: Rulings) -> bool:
        """One entity by now, or somebody has decided about any two records across the two."""
        lefts, rights = {record.id for record in self.left.records}, {record.id for record in self.right.records}
        return self.left.entity == self.right.entity or any(pair & lefts and pair & rights for pair in decided)

    def case(self, decided: Rulings) -> Case:
        ruling = decided.get(frozenset(record.id for record in self.records))
        entities = self.left.entity, self.right.entity
        pair = Reasoned(*self.records, entities, self.best.evidence(), ruling)
        return Case(pair, self.left, self.right, self.moves, self.value, _conflicts(pair))


def _weighed(pairs: Sequence[Pair], sides: Mapping[UUID, Shown], weighing: Weighing) -> list[_Weighed]:
    """All pairs of one kind whose records may be seen, weighed together, in their order."""
    seen = {record.id: record for shown in sides.values() for record in shown.records}
    there = [(sides[a], sides[b], seen[a], seen[b]) for a, b in pairs if {a, b} <= sides.keys() & seen.keys()]
    found: dict[int, _Weighed] = {}
    for kind in {left.kind for left, *_ in there}:
        places = [at for at, (left, right, *_) in enumerate(there) if left.kind == right.kind == kind]
        best = weighing.each(kind, there[places[0]][0].purpose, [there[at][2:] for at in places]) if places else []
        for at, one in zip(places, best, strict=False):
            left, right, *records = there[at]
            found[at] = _Weighed((records[0], records[1]), left, right, one)
    return [found[at] for at in sorted(found)]


def _conflicts(pair: Reasoned) -> bool:
    return pair.ruling is not None and (pair.ruling.verdict == "must") != pair.together
