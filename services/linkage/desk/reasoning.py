"""Why records are held to be of one, or not: the evidence on pairs of records as a viewer may see them. Pure."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.linkage.desk.rulings import Ruling, Rulings
from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Weighing
from services.linkage.matching.explain import Explanation
from services.linkage.matching.rules import strength
from services.linkage.records import Kept

MOST_COMPARED = 40
"""Records of one entity that are compared with each other: 780 pairs."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Two records, the entities they are in, the evidence of what may be seen of them, and a steward's ruling."""

    left: Kept
    right: Kept
    entities: tuple[UUID, UUID]
    evidence: Explanation
    ruling: Ruling | None

    @property
    def together(self) -> bool:
        """Whether they are of one entity."""
        return self.entities[0] == self.entities[1]


def within(one: Shown, weighing: Weighing, decided: Rulings) -> list[Reasoned]:
    """The pairs that hold an entity together, the strongest first: one fewer than it has records."""
    records = [record for record in one.records if record.identity][:MOST_COMPARED]
    tree = weighing.chain(one.kind, one.purpose, records)
    entities = one.entity, one.entity
    return [_reasoned(records[pair.left], records[pair.right], entities, pair.evidence, decided) for pair in tree]


def between(left: Shown, right: Shown, weighing: Weighing, decided: Rulings) -> list[Reasoned]:
    """All pairs across two entities (or two records of one), the strongest first."""
    if left.kind != right.kind:
        return []
    found = []
    others, entities = right.records[:MOST_COMPARED], (left.entity, right.entity)
    for record in left.records[:MOST_COMPARED]:
        said = weighing.against(left.kind, record.identity, [other.identity for other in others])
        for other, one in zip(others, said, strict=False):
            rule = weighing.rule(left.kind, left.purpose, record, other)
            found.append(_reasoned(record, other, entities, replace(one, rule=rule), decided))
    return sorted(found, key=_strongest_first)


def _reasoned(
    left: Kept, right: Kept, entities: tuple[UUID, UUID], evidence: Explanation, decided: Rulings
) -> Reasoned:
    return Reasoned(left, right, entities, evidence, decided.get(frozenset((left.id, right.id))))


def _strongest_first(pair: Reasoned) -> tuple[float, float, UUID, UUID]:
    return -strength(pair.evidence.rule), -pair.evidence.bits, pair.left.id, pair.right.id
