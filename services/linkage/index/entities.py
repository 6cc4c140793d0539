"""Entities and the survival of their ids: a pure function of who was together before and who is together now.

The partition never depends on history, ids must: the oldest id survives a merge, the majority keeps it on a split, what
is new gets a new one. An entity id is a UUID of version 8 that begins with its serial number, so ids sort by age.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal, NamedTuple
from uuid import UUID

MOST_TOGETHER: Final = 5_000
"""Records of one entity at most. More that say the same, or are in one place, are nobody's in particular: whoever is
told of an entity is told all its records, and nobody could look at so many."""

Change = Literal["created", "grew", "shrank", "changed", "merged", "erased"]


@dataclass(frozen=True, slots=True)
class EntityChange:
    """Membership of one entity before and after; `into` is where the id of a merged entity redirects."""

    entity: UUID
    change: Change
    before: tuple[UUID, ...]
    after: tuple[UUID, ...]
    into: UUID | None = None


_number = attrgetter("int")


def entity_id(kind: str, serial: int, members: Sequence[UUID]) -> UUID:
    """The id of a new entity: 48 bits of serial, then 74 bits of BLAKE2b over kind, serial and first members."""
    named = b"".join(member.bytes for member in members)
    digest = hashlib.blake2b(f"{kind} {serial} ".encode() + named, digest_size=10).digest()
    number = serial << 80 | int.from_bytes(digest, "big")
    return UUID(int=number & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62)


def serial_of(entity: UUID) -> int:
    """The serial number in an entity's id."""
    return entity.int >> 80


def survive(
    before: Mapping[UUID, Sequence[UUID]], after: Sequence[Sequence[UUID]], kind: str, serial: int
) -> tuple[list[EntityChange], int]:
    """Who is who now.

    `before` and `after` hold the members of every entity touched and of every group there is in their place; a record
    may be new or gone. `serial` is the last one given out; the last given out now comes back. Changes are only of what
    changed.
    """
    groups = sorted((tuple(sorted(group, key=_number)) for group in after), key=lambda group: group[0].int)
    heirs, entities = _heirs(before, groups), sorted(before, key=_number)
    holder: dict[int, UUID] = {}
    for entity in entities:
        if (heir := heirs.get(entity)) is not None:
            holder.setdefault(heir.group, entity)
    changes: list[EntityChange] = []
    for at, group in enumerate(groups):
        kept = holder.get(at)
        if kept is None:
            serial += 1
            kept = holder[at] = entity_id(kind, serial, group)
            changes.append(EntityChange(kept, "created", (), group))
        elif (old := tuple(sorted(before[kept], key=_number))) != group:
            shared = heirs[kept].shared
            changes.append(EntityChange(kept, _change(len(old) > shared, len(group) > shared), old, group))
    for entity in entities:
        heir = heirs.get(entity)
        if heir is None:
            changes.append(EntityChange(entity, "erased", tuple(sorted(before[entity], key=_number)), ()))
        elif (into := holder[heir.group]) != entity:
            changes.append(EntityChange(entity, "merged", tuple(sorted(before[entity], key=_number)), (), into))
    return changes, serial


def is_crowd(records: int) -> bool:
    """Are so many records together no entity?"""
    return records > MOST_TOGETHER


def held(
    group: Sequence[UUID], entity_of: Mapping[UUID, UUID], members: Mapping[UUID, Sequence[UUID]]
) -> list[Sequence[UUID]]:
    """The entities that records which are together make: one; or, of a crowd, one each, and of these only those that
    were not so before, for every new one of a crowd would else bring all of it along."""
    if not is_crowd(len(group)):
        return [group]
    return [[one] for one in group if one not in entity_of or len(members[entity_of[one]]) > 1]


def carry_over(
    before: Mapping[UUID, Sequence[UUID]], groups: Sequence[Sequence[UUID]], kind: str, serial: int
) -> tuple[list[EntityChange], int]:
    """As ``survive``, of all entities there are: those that are a group as they were are not looked at twice."""
    place = {record: at for at, group in enumerate(groups) for record in group}
    same = {
        entity: at
        for entity, members in before.items()
        if (at := place.get(members[0])) is not None and set(groups[at]) == set(members)
    }
    others = set(range(len(groups))).difference(same.values())
    moved = {entity: members for entity, members in before.items() if entity not in same}
    return survive(moved, [groups[at] for at in sorted(others)], kind, serial)


class Diverged(Exception):
    """Who is together here is not who is together there: one of the two is wrong."""


def renamed(
    entity_of: Mapping[UUID, UUID], members: Mapping[UUID, tuple[UUID, ...]], named: Mapping[UUID, UUID]
) -> list[EntityChange]:
    """What gives the entities of the ``named`` records the ids that these have elsewhere: ids that end, then those that
    begin. Raises ``Diverged`` unless each entity has one id there, and each id is one entity's."""
    old = {entity_of[record] for record in named if record in entity_of}
    groups = {entity: {named.get(record, entity) for record in members[entity]} for entity in old}
    if any(len(ids) > 1 for ids in groups.values()):
        raise Diverged("records are together here, and not there")
    new = {id: entity for entity, ids in groups.items() for id in ids}
    if len(new) < len(groups) or any(id in members and id not in old for id in new):
        raise Diverged("records are together there, and not here")
    moved = [(id, entity) for id, entity in new.items() if id != entity]
    return [
        *(EntityChange(entity, "erased", members[entity], ()) for _, entity in moved),
        *(EntityChange(id, "created", (), members[entity]) for id, entity in moved),
    ]


class _Heir(NamedTuple):
    """The group that an entity goes on as, and how many records the two share."""

    group: int
    shared: int


def _heirs(before: Mapping[UUID, Sequence[UUID]], groups: Sequence[Sequence[UUID]]) -> dict[UUID, _Heir]:
    """For each entity the group with most of its members; of equals, the one with its smallest record."""
    place = {record: at for at, group in enumerate(groups) for record in group}
    heirs: dict[UUID, _Heir] = {}
    for entity, members in before.items():
        found = [at for record in members if (at := place.get(record)) is not None]
        if found:
            shared = found.count(found[0])
            heirs[entity] = _Heir(found[0], shared) if shared == len(found) else _most_of(members, place)
    return heirs


def _most_of(members: Sequence[UUID], place: Mapping[UUID, int]) -> _Heir:
    """Of several groups that have members of an entity."""
    votes: dict[int, int] = defaultdict(int)
    for record in sorted(members, key=_number):
        if (at := place.get(record)) is not None:
            votes[at] += 1
    most = max(votes, key=lambda at: votes[at])
    return _Heir(most, votes[most])


def _change(lost: bool, gained: bool) -> Change:
    return "changed" if gained and lost else "grew" if gained else "shrank"
