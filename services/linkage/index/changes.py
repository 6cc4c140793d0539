"""What an index takes in, a batch at a time, and what it says of it: the same for people, places and organisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.linkage.index.entities import EntityChange

Verdict = Literal["must", "must_not"]


@dataclass(frozen=True, slots=True)
class Upsert:
    """A record as it is now: new, changed or (at no cost but a look-up) unchanged. `strict`: only rules may join it."""

    record: UUID
    identity: Mapping[str, str]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """A record that must leave the index: erased, or out of its agreement. One that is not there is fine."""

    record: UUID


@dataclass(frozen=True, slots=True)
class Decide:
    """What a steward decided about two records; None takes a decision back."""

    left: UUID
    right: UUID
    verdict: Verdict | None


Change = Upsert | Remove | Decide


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was kept: what `restore` needs. `version` is of the batch that wrote the row; the row is None when
    there is none that this model weighed."""

    record: UUID
    identity: Mapping[str, str]
    row: bytes | None
    entity: UUID
    strict: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """What a batch changed. `rows` are to be stored as they are; a record that left has none. `stirred`: living
    entities whose members or inner evidence may have changed. `crowded`: records that stand alone from now on, because
    they are together with too many (`entities.MOST_TOGETHER`)."""

    rows: Mapping[UUID, bytes] = field(default_factory=dict)
    entities: Sequence[EntityChange] = ()
    stirred: frozenset[UUID] = frozenset()
    compared: int = 0
    crowded: int = 0
