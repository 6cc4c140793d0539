"""A little linkage: records that are created, linked, merged, split and erased, facts about them, and the truth."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from shared.contracts import Change, EntityChanged, Event, FactLinked, Kind, LinkedSubject, Part
from shared.contracts.envelope import first
from tests.scoring.initiative import ATTENDANCE, EXCLUSION, MISSING

START = datetime(2026, 3, 1, tzinfo=UTC)
APART = UUID(int=7)
AREAS = ["north", "south", "east"]


@dataclass
class Region:
    """``said`` is everything linkage said, in its own order; ``facts`` what must count, by record. ``parts``: into what
    entities fall for the initiative's purpose; ``apart``: every id that a part beside an entity's own ever had."""

    random: random.Random
    said: list[Event[Any]] = field(default_factory=list)
    entities: dict[UUID, set[UUID]] = field(default_factory=dict)
    joined: dict[UUID, int] = field(default_factory=dict)
    facts: dict[UUID, list[FactLinked]] = field(default_factory=dict)
    ended: dict[UUID, UUID | None] = field(default_factory=dict)
    parts: dict[UUID, dict[UUID, set[UUID]]] = field(default_factory=dict)
    apart: set[UUID] = field(default_factory=set)
    version: int = 0
    together: bool = False
    """Whether all changes of a step have one version, as changes of one batch have."""

    def id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128))

    def act(self, moment: datetime) -> None:
        """One step of its history."""
        records = [record for members in self.entities.values() for record in members]
        self.version, self.together = self.version + 1, self.random.random() < 0.5
        choice = self.random.random()
        if not records or choice < 0.15:
            self.link(self.id(), self.random.choice([None, *self.entities]))
        elif choice < 0.25:
            self.regard(self.random.choice(list(self.entities)))
        elif choice < 0.75:
            self.happen(self.random.choice(records), moment)
        elif choice < 0.86 and len(self.entities) > 1:
            self.merge(*self.random.sample(list(self.entities), 2))
        elif choice < 0.9 and len(self.entities) > 1:
            self.swap(*self.random.sample(list(self.entities), 2))
        elif choice < 0.94:
            self.split(self.random.choice(list(self.entities)))
        elif choice < 0.97:
            self.drop(self.random.choice(records))
        else:
            self.erase(self.random.choice(list(self.entities)))

    def link(self, record: UUID, entity: UUID | None) -> UUID:
        if entity is None:
            entity = self.id()
            self._become(entity, {record}, Change.CREATED)
        else:
            self._become(entity, self.entities[entity] | {record}, Change.GREW)
        return entity

    def merge(self, gone: UUID, survivor: UUID) -> None:
        members = self.entities[gone]
        if self.random.random() < 0.5:
            self._become(gone, set(), Change.MERGED, survivor)
            self._become(survivor, self.entities[survivor] | members, Change.GREW)
        else:
            self._become(survivor, self.entities[survivor] | members, Change.GREW)
            self._become(gone, set(), Change.MERGED, survivor)

    def split(self, entity: UUID) -> UUID | None:
        members = self.entities[entity]
        if len(members) < 2:
            return None
        leaving, new = {self.random.choice(sorted(members))}, self.id()
        steps = [(entity, members - leaving, Change.SHRANK), (new, leaving, Change.CREATED)]
        for step in self.random.sample(steps, 2):
            self._become(*step)
        return new

    def swap(self, one: UUID, other: UUID) -> None:
        """A record of each goes to the other."""
        given, taken = min(self.entities[one]), min(self.entities[other])
        mine, theirs = self.entities[one] - {given} | {taken}, self.entities[other] - {taken} | {given}
        self._become(one, mine, Change.CHANGED)
        self._become(other, theirs, Change.CHANGED)

    def drop(self, record: UUID) -> None:
        """A record that belongs to nobody any more: it is erased, or its agreement has ended."""
        entity = self.home(record)
        self.facts.pop(record, None)
        if self.entities[entity] == {record}:
            self._become(entity, set(), Change.ERASED)
        else:
            self._become(entity, self.entities[entity] - {record}, Change.SHRANK, gone=[record])

    def regard(self, entity: UUID) -> None:
        """Nothing changes but whom the purpose sees as one."""
        self._become(entity, set(self.entities[entity]), Change.CHANGED)

    def home(self, record: UUID) -> UUID:
        return next(entity for entity, members in self.entities.items() if record in members)

    def erase(self, entity: UUID) -> None:
        for record in self.entities[entity]:
            self.facts.pop(record, None)
        self._become(entity, set(), Change.ERASED)

    def happen(self, record: UUID, moment: datetime, type: str = "", **facts: Any) -> None:
        entity = self.home(record)
        late = timedelta(hours=self.random.choice([0, 0, 5, 300]))
        kind = type or self.random.choice([ATTENDANCE, ATTENDANCE, EXCLUSION, MISSING])
        body = FactLinked(
            partner="schools",
            agreement=self.random.choice(["schools", "police"]),
            type=kind,
            occurred=moment - late,
            purposes=["identity", "neet"],
            subjects=[
                LinkedSubject(kind=Kind.PERSON, record=record, entity=entity, version=self.joined[record]),
                LinkedSubject(kind=Kind.PLACE, record=self.id(), entity=self.id(), version=self.version),
            ],
            facts=facts or self._facts(kind),
        )
        self.facts.setdefault(record, []).append(body)
        self.said.append(first("/services/linkage", str(record), body, moment))

    def _facts(self, type: str) -> dict[str, Any]:
        if type == ATTENDANCE:
            missed = self.random.randint(0, 10)
            return {"sessions_missed": missed, "sessions_possible": 10, "area": self.random.choice(AREAS)}
        return {"risk": self.random.choice(["low", "high"])} if type == MISSING else {"days": 3}

    def _become(
        self, entity: UUID, members: set[UUID], change: Change, into: UUID | None = None, gone: Sequence[UUID] = ()
    ) -> None:
        before, self.version = self.entities.pop(entity, set()), self.version + (not self.together)
        self.parts.pop(entity, None)
        if members:
            self.entities[entity] = members
        else:
            self.ended[entity] = into
        self.joined.update(dict.fromkeys(members - before, self.version))
        body = EntityChanged(
            entity=entity, kind=Kind.PERSON, version=self.version, change=change, before=sorted(before),
            after=sorted(members), into=into, gone=list(gone), parts=self._parted(entity, members),
        )  # fmt: skip
        self.said.append(first("/services/linkage", str(entity), body, START))

    def _parted(self, entity: UUID, members: set[UUID]) -> dict[str, list[Part]]:
        """Sometimes the purpose sees several where there is one; one of them keeps the id."""
        if len(members) < 2 or self.random.random() < 0.5:
            return {}
        ordered = sorted(members)
        cut = self.random.randrange(1, len(ordered))
        mine, others = set(ordered[:cut]), set(ordered[cut:])
        other = uuid5(APART, str(min(others)))
        self.parts[entity] = {entity: mine, other: others}
        self.apart.add(other)
        return {
            "neet": [Part(entity=id, records=sorted(records)) for id, records in self.parts[entity].items()],
            "hmo": [Part(entity=self.id(), records=ordered)],
        }


def history(seed: int, steps: int) -> Region:
    region = Region(random.Random(seed))
    for step in range(steps):
        region.act(START + timedelta(days=2 * step, hours=region.random.randint(0, 40)))
    return region
