"""How well linkage found the region's people: the entities of its database against the region's truth."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from region import Region
from region.vocabulary import PARTNERS
from shared.contracts import Kind, record_id, without_id

PEOPLE = "SELECT id, entity FROM records WHERE kind = 'person'"


@dataclass(frozen=True)
class PeopleFound:
    """Pairwise precision and recall of the entities: of all pairs of records put together, and of all true pairs."""

    records: int
    entities: int
    true: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.precision else 0.0


def people_behind(region: Region) -> dict[UUID, str]:
    """The person behind each record that there may be, also of one that is only of an event."""
    behind = {}
    for (partner, called), person in region.truth.people.items():
        for name in (called, without_id(PARTNERS[partner].source, called)):
            behind[record_id(partner, Kind.PERSON, name)] = person
    return behind


async def people_found(dsn: str, region: Region) -> PeopleFound:
    """Only records that the truth knows are counted; the region knows each it publishes."""
    connection = await asyncpg.connect(dsn)
    try:
        entity_of = {row["id"]: row["entity"] for row in await connection.fetch(PEOPLE)}
    finally:
        await connection.close()
    person_of = people_behind(region)
    both = [(entity_of[id], person) for id, person in person_of.items() if id in entity_of]
    together = _pairs(Counter(both).values())
    found = _pairs(Counter(entity for entity, _ in both).values())
    true = _pairs(Counter(person for _, person in both).values())
    return PeopleFound(
        records=len(both),
        entities=len({entity for entity, _ in both}),
        true=len({person for _, person in both}),
        precision=together / found if found else 1.0,
        recall=together / true if true else 1.0,
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
