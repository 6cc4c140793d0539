"""Why records are held to be of one, or not: the evidence on pairs of records as a viewer may see them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Weighing
from services.linkage.matching.explain import Explanation
from services.linkage.records import Kept
from services.linkage.rulings import Ruling, Rulings

MOST_JOINED = 40
"""Records of one entity whose links are shown: nobody reads more."""
MOST_ACROSS = 250
"""Records of each of two entities that are compared with the other's: the fullest, 62,500 pairs."""


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


@dataclass(frozen=True, slots=True)
class Reasons:
    """Pairs that answer, the strongest first. ``whole``: false when there are more, because the records are so many."""

    pairs: list[Reasoned]
    whole: bool = True


def within(one: Shown, weighing: Weighing, decided: Rulings) -> Reasons:
    """The pairs that hold an entity together, one fewer than it has records; of one with very many, a part of them."""
    records = [record for record in one.records if record.identity]
    place = {record.id: at for at, record in enumerate(records)}
    musts = [
        (place[a], place[b])
        for a, b in (sorted(pair) for pair, ruling in decided.items() if ruling.verdict == "must")
        if a in place and b in place
    ]
    tree = weighing.chain(one.kind, one.purpose, records, MOST_JOINED, musts)
    entities = one.entity, one.entity
    return Reasons(
        [_reasoned(records[pair.left], records[pair.right], entities, pair.evidence, decided) for pair in tree],
        len(records) <= MOST_JOINED,
    )


def between(left: Shown, right: Shown, weighing: Weighing, decided: Rulings) -> Reasons:
    """The strongest pair across two entities (or two records of one); none across two kinds."""
    if left.kind != right.kind:
        return Reasons([])
    ones, others = _fullest(left), _fullest(right)
    found = weighing.strongest(left.kind, left.purpose, ones, others)
    entities, whole = (left.entity, right.entity), len(ones) + len(others) == len(left.records) + len(right.records)
    return Reasons(
        [_reasoned(ones[found.left], others[found.right], entities, found.evidence, decided)] if found else [], whole
    )


def _fullest(one: Shown) -> Sequence[Kept]:
    return sorted(one.records, key=lambda record: -len(record.identity))[:MOST_ACROSS]


def _reasoned(
    left: Kept, right: Kept, entities: tuple[UUID, UUID], evidence: Explanation, decided: Rulings
) -> Reasoned:
    return Reasoned(left, right, entities, evidence, decided.get(frozenset((left.id, right.id))))
