"""``linkage.entities``: which records an entity is made of, before and after."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

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


class Part(Contract):
    """Records that are of one for a purpose. One part keeps its entity's id, the others have ids of their own."""

    entity: UUID
    records: list[UUID]


class EntityChanged(Contract):
    """Membership of one entity at one version.

    ``version`` grows with every change of any entity, so it orders the claims on a record too: the entity of a
    record is the one that named it in the highest version. ``into`` is where a merged entity's id redirects for ever.

    ``gone``: records of ``before`` that left the index (erased, or out of their agreement) and must be forgotten.
    ``parts``: for each purpose under which the records that it allows do not hold together by themselves, all parts;
    any other purpose sees the entity whole. A part whose records are all gone is said to be erased under its own id.
    """

    entity: UUID
    kind: Kind
    version: int
    change: Change
    before: list[UUID]
    after: list[UUID]
    into: UUID | None = None
    gone: list[UUID] = Field(default_factory=list)
    parts: dict[str, list[Part]] = Field(default_factory=dict)
