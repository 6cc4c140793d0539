"""What each purpose may see of an entity: the parts that hold together by the records it allows, and by nothing else.

An initiative sees only links that its agreements allow. Under a purpose, an entity's allowed members (those whose
agreement names the purpose) are clustered alone (apart.py); where they do not hold together, they are several people to
whoever works for that purpose. It is a refinement: a part is always within one entity.

Invariants
    1. Parts are a function of (records, model, decisions, agreements); neither order nor batches show in them.
    2. No link of a part was carried by a record that the purpose does not allow; under a purpose that forbids
       probability, none was made by a score.
    3. The part with most members (of equals, the one with the smallest record) keeps the entity's id. Another's id is
       made of the purpose and its smallest record, and stays while that record is its smallest.
    4. What is said and kept are only entities that fall apart: elsewhere a purpose sees the entity whole.

Failures
    transaction fails            what it touched is made what is committed, parts with it (following.py)
    agreements' files change     the leading replica looks at every entity again before it goes on (leaving.py)
"""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final, Protocol
from uuid import UUID

from services.linkage.purposes.terms import Terms
from services.linkage.store import StoredPart, StoredRow
from shared.contracts import Change, EntityChanged, Kind, Part

Parts = Mapping[str, Sequence[StoredPart]]
"""By purpose; only purposes for which there are two or more."""
WHOLE: Final[Parts] = {}


class Entities(Protocol):
    """An index, as far as this asks it."""

    def entities(self) -> Mapping[UUID, tuple[UUID, ...]]: ...

    def apart(self, groups: Sequence[Sequence[UUID]], strict: Sequence[bool]) -> list[list[list[UUID]]]: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """Changes of entities, with their parts; the parts to be kept, those that are no more without members."""

    changes: list[EntityChanged] = field(default_factory=list)
    parts: list[StoredPart] = field(default_factory=list)


class Views:
    """The parts of every entity that falls apart for some purpose."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._agreement: dict[UUID, str] = {}
        self._parts: dict[UUID, Parts] = {}

    def restore(self, parts: Iterable[StoredPart]) -> None:
        """Take living parts as they are kept."""
        found: defaultdict[UUID, defaultdict[str, list[StoredPart]]] = defaultdict(lambda: defaultdict(list))
        for part in parts:
            found[part.entity][part.purpose].append(part)
        for entity, purposes in found.items():
            self._parts[entity] = {purpose: _in_order(some) for purpose, some in purposes.items()}

    def follow(
        self, rows: Iterable[StoredRow], gone: Iterable[UUID], entities: Iterable[UUID], parts: Iterable[StoredPart]
    ) -> None:
        """Take what another replica made of some records and entities; ``parts`` are all living ones of these."""
        self.learn((row.id, row.agreement) for row in rows)
        self.forget(gone)
        for entity in entities:
            self._parts.pop(entity, None)
        self.restore(parts)

    def learn(self, agreements: Iterable[tuple[UUID, str]]) -> None:
        """Under which agreement each record is now."""
        self._agreement |= {record: sys.intern(agreement) for record, agreement in agreements}

    def forget(self, records: Iterable[UUID]) -> None:
        """Records leave."""
        for record in records:
            self._agreement.pop(record, None)

    def settle(
        self, index: Entities, changes: Sequence[EntityChanged], stirred: Iterable[UUID], kind: Kind, version: int
    ) -> Settled:
        """Into what the entities fall that changed or were stirred up inside."""
        living = index.entities()
        touched = {*stirred, *(change.entity for change in changes)}
        old = {entity: self._parts.pop(entity, WHOLE) for entity in touched}
        found = self._fallen(index, {entity: living[entity] for entity in touched if entity in living})
        self._parts |= found
        said = {change.entity: change for change in changes}
        for entity in touched:
            if entity not in said and found.get(entity, WHOLE) != old[entity]:
                said[entity] = _unmoved(entity, living[entity], kind, version)
        told = [_with_parts(change, found.get(change.entity, WHOLE)) for change in said.values()]
        over = self._over(_each(old.values()), {(part.id, part.purpose) for part in _each(found.values())})
        erased = [_erased(part.id, kind, version) for part in over if part.is_gone]
        return Settled([*told, *erased], [*over, *_each(found.values())])

    def _fallen(self, index: Entities, entities: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, Parts]:
        """Those of the entities that fall apart, and how."""
        cases = [
            (entity, purpose, allowed)
            for entity, members in entities.items()
            if len(members) > 1
            for purpose, allowed in self._allowed(members).items()
        ]
        groups = index.apart(
            [allowed for _, _, allowed in cases], [purpose in self._terms.strict_purposes for _, purpose, _ in cases]
        )
        found: dict[UUID, dict[str, Sequence[StoredPart]]] = {}
        for (entity, purpose, _), parts in zip(cases, groups, strict=True):
            if len(parts) > 1:
                found.setdefault(entity, {})[purpose] = named(entity, purpose, parts)
        return dict(found)

    def _allowed(self, members: Sequence[UUID]) -> dict[str, list[UUID]]:
        """By purpose the members that it allows, where that can make a difference: some, but not all of them; or two
        and more where scores may not join."""
        found: defaultdict[str, list[UUID]] = defaultdict(list)
        for record in members:
            for purpose in self._terms.purposes(self._agreement.get(record, "")):
                found[purpose].append(record)
        strict = self._terms.strict_purposes
        return {
            purpose: allowed
            for purpose, allowed in found.items()
            if len(allowed) > 1 and (len(allowed) < len(members) or purpose in strict)
        }

    def _over(self, before: Iterable[StoredPart], there: Collection[tuple[UUID, str]]) -> list[StoredPart]:
        """Parts there were and are not. Each keeps the smallest of its records that is still here: who asks by the old
        id is led to where that is now."""
        gone = [part for part in before if (part.id, part.purpose) not in there]
        left = [[record for record in part.members if record in self._agreement] for part in gone]
        return [replace(part, members=tuple(some[:1]), living=False) for part, some in zip(gone, left, strict=True)]


def named(entity: UUID, purpose: str, groups: Sequence[Sequence[UUID]]) -> Sequence[StoredPart]:
    """The parts an entity falls into, with their ids; the one that keeps the entity's first."""
    parts = [tuple(sorted(group)) for group in groups]
    main = max(parts, key=lambda part: (len(part), -part[0].int))
    return _in_order(
        StoredPart(entity if part is main else part_id(purpose, part[0]), purpose, entity, part) for part in parts
    )


def part_id(purpose: str, smallest: UUID) -> UUID:
    """The id of a part that does not keep its entity's: a UUID of version 8 from BLAKE2b over purpose and record."""
    number = int.from_bytes(blake2b(purpose.encode() + b"\0" + smallest.bytes, digest_size=16).digest(), "big")
    return UUID(int=number & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62)


def _in_order(parts: Iterable[StoredPart]) -> Sequence[StoredPart]:
    return tuple(sorted(parts, key=lambda part: (part.id != part.entity, part.members)))


def _each(parts: Iterable[Parts]) -> list[StoredPart]:
    return [part for purposes in parts for some in purposes.values() for part in some]


def _with_parts(change: EntityChanged, parts: Parts) -> EntityChanged:
    if not parts:
        return change
    said = {
        purpose: [Part(entity=one.id, records=list(one.members)) for one in some] for purpose, some in parts.items()
    }
    return change.model_copy(update={"parts": said})


def _unmoved(entity: UUID, members: Sequence[UUID], kind: Kind, version: int) -> EntityChanged:
    """The members are the same, their parts are not."""
    return EntityChanged(
        entity=entity, kind=kind, version=version, change=Change.CHANGED, before=list(members), after=list(members)
    )


def _erased(part: UUID, kind: Kind, version: int) -> EntityChanged:
    return EntityChanged(entity=part, kind=kind, version=version, change=Change.ERASED, before=[], after=[])
