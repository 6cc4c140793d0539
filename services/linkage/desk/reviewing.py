"""Which pairs a steward should look at first, and what deciding them is worth. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from uuid import UUID

from services.linkage.desk.reasoning import Reasoned, between
from services.linkage.desk.rulings import Rulings
from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Weighing

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


def ruled(pairs: Sequence[Pair], sides: Mapping[UUID, Shown], weighing: Weighing, decided: Rulings) -> list[Case]:
    """Decided pairs as they are now, in their order. ``sides``: record → its entity."""
    return [case for pair in pairs for case in _case(pair, sides, weighing, decided)]


def doubtful(pairs: Sequence[Pair], sides: Mapping[UUID, Shown], weighing: Weighing, decided: Rulings) -> list[Case]:
    """Pairs that are neither of one entity nor kept apart by a decision, the most valuable first."""
    found = [case for case in ruled(pairs, sides, weighing, decided) if not _settled(case, decided)]
    return sorted(found, key=lambda case: (-case.value, case.pair.left.id, case.pair.right.id))


def _case(pair: Pair, sides: Mapping[UUID, Shown], weighing: Weighing, decided: Rulings) -> list[Case]:
    """One case, or none when a record is gone or may not be seen."""
    if not set(pair) <= set(sides):
        return []
    left, right = sides[pair[0]], sides[pair[1]]
    moves = min(len(left.records), len(right.records))
    return [
        Case(one, left, right, moves, worth(one.evidence.probability / 100, moves), _conflicts(one))
        for one in between(left.only([pair[0]]), right.only([pair[1]]), weighing, decided).pairs
    ]


def _conflicts(pair: Reasoned) -> bool:
    return pair.ruling is not None and (pair.ruling.verdict == "must") != pair.together


def _settled(case: Case, decided: Rulings) -> bool:
    """One entity by now, or somebody has decided about any two records across the two."""
    lefts, rights = {record.id for record in case.left.records}, {record.id for record in case.right.records}
    return case.pair.together or any(pair & lefts and pair & rights for pair in decided)
