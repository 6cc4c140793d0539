"""What a record is: for each field the value its partner published last, by event time, in whatever order we heard it.

A record is a function of the set of its events. Most events publish the identity they published before; then only the
time of the sighting moves, and nothing is linked anew.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

import orjson

from shared.contracts import Kind

Identity = Mapping[str, str]
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a record was last described that no event has described yet."""


def compared(identity: Identity, agreement: str) -> Identity:
    """What the index compares: also who keeps a record, which its agreement tells, says something of whom it may be."""
    return {**identity, "source": agreement}


@dataclass(slots=True)
class Published:
    """One record as one event states it. Nobody changes it: it is not frozen because a message makes one each."""

    id: UUID
    kind: Kind
    partner: str
    agreement: str
    identity: Identity
    occurred: datetime
    digest: bytes = dataclasses.field(init=False)
    """16 bytes that differ when the identity does, or the agreement it comes in under."""

    def __post_init__(self) -> None:
        named = orjson.dumps([self.agreement, self.identity], option=orjson.OPT_SORT_KEYS)
        self.digest = blake2b(named, digest_size=16).digest()


class Known(NamedTuple):
    """The narrow row: whether an identity is unchanged can be told from it."""

    digest: bytes
    seen: datetime
    entity: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The wide row. ``times`` are seconds since 1970; the fields of ``snapshot`` were last confirmed at ``seen``."""

    id: UUID
    kind: Kind
    partner: str
    agreement: str
    identity: Identity
    times: Mapping[str, float]
    snapshot: Sequence[str]
    digest: bytes
    seen: datetime

    @property
    def compared(self) -> Identity:
        """The identity as the index compares it."""
        return compared(self.identity, self.agreement)

    @property
    def confirmed(self) -> dict[str, float]:
        """When each field was last published, in seconds since 1970: ``times``, but ``seen`` for what it confirmed."""
        seen = self.seen.timestamp()
        return {**self.times, **{field: max(seen, self.times[field]) for field in self.snapshot}}

    def links_as(self, other: "Kept") -> bool:
        """Does the index see no difference? The agreement is one: it says for whom and how the record may be joined."""
        return self.identity == other.identity and self.agreement == other.agreement


def is_unchanged(published: Iterable[Published], known: Known | None) -> bool:
    """Does a batch say of a record only what is known? (An event may name a record without describing it.)"""
    return known is not None and all(not p.identity or p.digest == known.digest for p in published)


def fold(published: Iterable[Published], kept: Kept | None) -> Kept:
    """The record after these events: per field the newest value; of two of one time, the greater, so that order never
    matters. ``published`` must not be empty."""
    ordered = sorted(published, key=lambda p: p.occurred)
    for one in ordered:
        kept = _folded(one, kept)
    assert kept is not None, "a record is folded from at least one event"
    return kept


def _folded(new: Published, kept: Kept | None) -> Kept:
    at = new.occurred.timestamp()
    if kept is None:
        fields, times = _first(tuple(sorted(new.identity)), at)
        return Kept(
            new.id, new.kind, new.partner, new.agreement, new.identity, times, fields, new.digest,
            new.occurred if new.identity else NEVER,
        )  # fmt: skip
    times = kept.confirmed
    identity = dict(kept.identity)
    for field, value in new.identity.items():
        if field in kept.snapshot:  # whose identity is the newest decides its values too: one agreement brought both
            newer = (new.occurred, new.digest) >= (kept.seen, kept.digest)
        else:
            newer = (at, value) > (times.get(field, float("-inf")), identity.get(field, ""))
        if newer:
            identity[field], times[field] = value, at
    newest = bool(new.identity) and (new.occurred, new.digest) >= (kept.seen, kept.digest)
    return Kept(
        kept.id,
        kept.kind,
        kept.partner,
        new.agreement if newest else kept.agreement,
        identity,
        times,
        tuple(sorted(new.identity)) if newest else kept.snapshot,
        new.digest if newest else kept.digest,
        new.occurred if newest else kept.seen,
    )


@lru_cache(maxsize=4096)
def _first(fields: tuple[str, ...], at: float) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """The fields and times of all records that were described alike at one time: millions in a load, kept once."""
    return fields, dict.fromkeys(fields, at)
