"""The index as the service holds it: one of each kind of subject; the same as what is committed, or known as stale."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from services.linkage import metrics
from services.linkage.exact import ExactIndex
from services.linkage.finding import Doubt
from services.linkage.index import Decide, Delta, Index, Stored, Upsert
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from shared.contracts import Change, EntityChanged, Kind

Place = tuple[UUID, int]
"""The entity of a record, and the version of that claim."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a batch changed, in the words of the bus and the tables."""

    rows: Mapping[UUID, bytes]
    changes: list[EntityChanged]
    places: dict[UUID, Place]


class LiveIndex:
    """``make`` gives the empty indexes by kind: ``person`` by a model, the others by rules."""

    def __init__(self, make: Callable[[], Mapping[Kind, Index | ExactIndex]]) -> None:
        self._make = make
        self._kinds = make()
        self._version = -1

    def spoil(self) -> None:
        """What was applied last is not committed: read everything anew before the next batch."""
        self._version = -1

    async def catch_up(self, store: LinkageStore) -> int:
        """Under the lock: the version that is committed. If it is not ours, the index is rebuilt from the database."""
        version = await store.lead()
        if version != self._version:
            await self._rebuild(store)
            self._version = version
        return version

    async def _rebuild(self, store: LinkageStore) -> None:
        began = perf_counter()
        self._kinds = self._make()
        rows, newest, decided = await store.everything(), await store.newest_entities(), await store.decided()
        for kind, index in self._kinds.items():
            mine = [Stored(row.id, row.identity, row.row, row.entity) for row in rows if row.kind is kind]
            index.restore(mine, newest.get(kind))
        self._kinds[Kind.PERSON].apply([Decide(a, b, verdict) for a, b, verdict in decided])
        metrics.REBUILD_SECONDS.set(perf_counter() - began)

    def apply(self, records: Sequence[Kept], version: int) -> Linked:
        """Link new and changed records. ``version`` is the one this batch will commit."""
        began = perf_counter()
        deltas = [
            (kind, index.apply([Upsert(one.id, one.identity) for one in records if one.kind is kind]))
            for kind, index in self._kinds.items()
            if any(one.kind is kind for one in records)
        ]
        self._version = version
        metrics.APPLY_SECONDS.observe(perf_counter() - began)
        return _told(deltas, version)

    def decide(self, decisions: Sequence[Decide], version: int) -> Linked:
        """Apply what a steward decided about pairs of people's records, at once."""
        delta = self._kinds[Kind.PERSON].apply(decisions)
        self._version = version
        return _told([(Kind.PERSON, delta)], version)

    def find(self, kind: Kind, identity: Mapping[str, str], limit: int) -> list[UUID]:
        """Records that an identity may be of, which need not be here; the likeliest first. As of the last batch here:
        a replica that hears nothing may not know the newest."""
        index = self._kinds[kind]
        return [record for record, _ in index.find(identity, limit)] if isinstance(index, Index) else []

    def doubts(self, limit: int) -> list[Doubt]:
        """Pairs of people that a steward's look would help most to tell apart or to join."""
        index = self._kinds[Kind.PERSON]
        return index.doubts(limit) if isinstance(index, Index) else []


def _told(deltas: Sequence[tuple[Kind, Delta]], version: int) -> Linked:
    changes = [
        EntityChanged.model_construct(
            entity=one.entity, kind=kind, version=version, change=Change(one.change), before=list(one.before),
            after=list(one.after), into=one.into,
        )
        for kind, delta in deltas
        for one in delta.entities
    ]  # fmt: skip
    rows = {record: row for _, delta in deltas for record, row in delta.rows.items()}
    return Linked(rows, changes, {record: (one.entity, version) for one in changes for record in one.after})
