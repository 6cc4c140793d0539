"""The index as the service holds it: one of each kind of subject; the same as what is committed, or known as stale."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

from services.linkage import businesses, metrics, premises
from services.linkage.index import Decide, Delta, Index, Stored, Upsert, Verdict
from services.linkage.model import Model
from services.linkage.records import Kept
from services.linkage.registry import InUse
from services.linkage.ruled import RuledIndex
from services.linkage.store import LinkageStore, Place, StoredRow
from shared.contracts import Change, EntityChanged, Kind

Kinds = Mapping[Kind, Index | RuledIndex[Any]]
STALE = -1
"""The version of an index that is not what is committed."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a batch changed, in the words of the bus and the tables."""

    rows: Mapping[UUID, bytes]
    changes: list[EntityChanged]
    places: dict[UUID, Place]


class LiveIndex:
    """``in_use`` knows the active model."""

    def __init__(self, in_use: InUse) -> None:
        self._in_use = in_use
        self._kinds: Kinds = {}
        self._version = STALE

    def spoil(self) -> None:
        """What was applied last is not committed: read everything anew before the next batch."""
        self._version = STALE

    async def catch_up(self, store: LinkageStore) -> int:
        """Under the lock: the version that is committed. If it is not ours, the index is rebuilt from the database."""
        version = await store.lead()
        if version != self._version:
            await self._rebuild(store)
            self._version = version
        return version

    async def _rebuild(self, store: LinkageStore) -> None:
        began = perf_counter()
        model = await self._in_use.current(store)
        rows, newest, decided = await store.everything(), await store.newest_entities(), await store.decided()
        # In a thread: the consumer must go on telling its group that it lives.
        self._kinds = await asyncio.to_thread(restored, indexes(model), rows, newest, decided)
        metrics.REBUILD_SECONDS.set(perf_counter() - began)

    def apply(self, records: Sequence[Kept], version: int) -> Linked:
        """Link new and changed records. ``version`` is the one this batch will commit."""
        self._version = STALE  # half-applied until the end, whoever looks
        began = perf_counter()
        deltas = [
            (kind, index.apply([Upsert(one.id, one.identity) for one in records if one.kind is kind]))
            for kind, index in self._kinds.items()
            if any(one.kind is kind for one in records)
        ]
        self._version = version
        metrics.APPLY_SECONDS.observe(perf_counter() - began)
        return told(deltas, version)

    def decide(self, decisions: Sequence[Decide], version: int) -> Linked:
        """Apply what a steward decided about pairs of people's records, at once."""
        self._version = STALE
        delta = self._kinds[Kind.PERSON].apply(decisions)
        self._version = version
        return told([(Kind.PERSON, delta)], version)

    def replace(self, kinds: Kinds, version: int) -> None:
        """Other indexes hold from ``version`` on, which must be committed: another model's."""
        self._kinds, self._version = kinds, version

    @property
    def version(self) -> int:
        """What the index is, committed or about to be; −1: nothing that holds."""
        return self._version

    @property
    def kinds(self) -> Kinds:
        """The indexes as of ``version``."""
        return self._kinds


def indexes(model: Model) -> Kinds:
    """The empty indexes: people by their model, places and organisations by rules."""
    return {Kind.PERSON: Index(model), **by_rules()}


def by_rules() -> dict[Kind, RuledIndex[Any]]:
    """The empty indexes of what needs no model."""
    return {
        Kind.PLACE: RuledIndex(Kind.PLACE, premises.premises, premises.RULES),
        Kind.ORGANISATION: RuledIndex(Kind.ORGANISATION, businesses.business, businesses.RULES),
    }


def restored(
    kinds: Kinds, rows: Sequence[StoredRow], newest: Mapping[Kind, UUID], decided: Sequence[tuple[UUID, UUID, Verdict]]
) -> Kinds:
    """The empty indexes, filled as they were stored."""
    for kind, index in kinds.items():
        index.restore([Stored(r.id, r.identity, r.row, r.entity) for r in rows if r.kind is kind], newest.get(kind))
    kinds[Kind.PERSON].apply([Decide(a, b, verdict) for a, b, verdict in decided])
    return kinds


def told(deltas: Sequence[tuple[Kind, Delta]], version: int) -> Linked:
    """What deltas of indexes mean for the tables and the bus."""
    changes = [
        EntityChanged(
            entity=one.entity, kind=kind, version=version, change=Change(one.change), before=list(one.before),
            after=list(one.after), into=one.into,
        )
        for kind, delta in deltas
        for one in delta.entities
    ]  # fmt: skip
    rows = {record: row for _, delta in deltas for record, row in delta.rows.items()}
    return Linked(rows, changes, {record: (one.entity, version) for one in changes for record in one.after})
