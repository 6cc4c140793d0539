"""``linkage.entities``: which records an entity is made of, before and after."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.records import Kind


class Change(StrEnum):
    """What happened to an entity."""

    CREATED = "created"
    GREW = "grew"
    SHRANK = "shrank"
    CHANGED = "changed"
    MERGED = "merged"
    ERASED = "erased"


class EntityChanged(Contract):
    """Membership of one entity at one version.

    ``version`` grows with every change of any entity, so it orders the claims on a record too: the entity of a
    record is the one that named it in the highest version. ``into`` is where a merged entity's id redirects for ever.
    """

    entity: UUID
    kind: Kind
    version: int
    change: Change
    before: list[UUID]
    after: list[UUID]
    into: UUID | None = None
