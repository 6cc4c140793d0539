"""The index as the service holds it: one of each kind of subject; the same as what is committed, or known as stale."""

import asyncio
import gc
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from secrets import randbelow
from time import perf_counter
from typing import Any
from uuid import UUID

from services.linkage import metrics
from services.linkage.index.entities import EntityChange
from services.linkage.index.index import Change as IndexChange
from services.linkage.index.index import Decide, Delta, Index, Remove, Stored, Upsert, Verdict
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse
from services.linkage.purposes.terms import NOBODY, Strict, Terms
from services.linkage.purposes.views import Views
from services.linkage.records import Kept, compared
from services.linkage.ruled.kinds import RULED
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import LinkageStore, Place, StoredPart, StoredRow
from shared.contracts import Change, EntityChanged, Kind
from shared.telemetry import log
from shared.work import Work, Worker

Kinds = Mapping[Kind, Index | RuledIndex[Any]]
STALE = -1
"""The version of an index that is not what is committed."""
APART = 1 << 20


@dataclass(frozen=True, slots=True)
class Linked:
    """What a batch changed, in the words of the bus and the tables."""

    rows: Mapping[UUID, bytes]
    changes: list[EntityChanged]
    places: dict[UUID, Place]
    parts: Sequence[StoredPart] = ()


class LiveIndex:
    """``in_use`` knows the active model."""

    def __init__(self, in_use: InUse, terms: Terms | None = None) -> None:
        self._in_use, self._terms = in_use, terms or Terms()
        self._kinds: Kinds = {}
        self._views = Views(self._terms)
        self._version = STALE

    def spoil(self) -> None:
        """What was applied last is not committed: read everything anew before the next batch."""
        self._version = STALE

    async def catch_up(self, store: LinkageStore, led: int | None = None) -> int:
        """Under the lock: the version that is committed. If it is not ours, the index is rebuilt from the database.
        ``led``: that version, if the lock is ours already."""
        version = await store.lead() if led is None else led
        if version != self._version:
            await self._rebuild(store)
            self._version = version
        return version

    async def _rebuild(self, store: LinkageStore) -> None:
        began = perf_counter()
        log().info("index.reading")
        model = await self._in_use.current(store)
        rows, newest, decided = await store.everything(), await store.newest_entities(), await store.decided()
        parts, written = await store.parts(), await store.terms()
        log().info("index.building", records=len(rows), seconds=round(perf_counter() - began, 1))
        # In a thread: the consumer must go on telling its group that it lives.
        self._kinds = await asyncio.to_thread(restored, indexes(model), rows, newest, decided, Strict.of(written))
        self._views = Views(self._terms)
        await asyncio.to_thread(self._views.restore, rows, parts)
        gc.freeze()  # millions of objects that live on: the collector need not look at them again
        took = perf_counter() - began
        log().info("index.rebuilt", records=len(rows), seconds=round(took, 1))
        metrics.REBUILD_SECONDS.set(took)

    def apply(self, records: Sequence[Kept], version: int) -> Linked:
        """Link new and changed records. ``version`` is the one this batch will commit."""
        self._views.learn((one.id, one.agreement) for one in records)
        return self._change(
            [(one.kind, Upsert(one.id, one.compared, self._terms.is_strict(one.agreement))) for one in records], version
        )

    def decide(self, decisions: Sequence[Decide], version: int, kind: Kind = Kind.PERSON) -> Linked:
        """Apply what a steward decided about pairs of records of a kind, at once."""
        return self._change([(kind, one) for one in decisions], version)

    def remove(self, leaving: Mapping[UUID, Kind], undecided: Sequence[Decide], version: int) -> Linked:
        """Take records out, and back the decisions that go with them."""
        self._views.forget(leaving)
        changes: list[tuple[Kind, IndexChange]] = [(kind, one) for one in undecided for kind in self._kinds]
        linked = self._change([*changes, *((kind, Remove(record)) for record, kind in leaving.items())], version)
        return replace(linked, changes=[_without(change, leaving) for change in linked.changes])

    def look_again(self, kind: Kind, entities: Iterable[UUID], version: int) -> Linked:
        """The agreements say otherwise of purposes than they did: the parts of some entities anew."""
        living = self._kinds[kind].entities()
        linked = self._told([(kind, Delta(stirred=frozenset(one for one in entities if one in living)))], version)
        self._version = version
        return linked

    def measure(self) -> None:
        """Tell operations how much there is."""
        for kind, index in self._kinds.items():
            metrics.RECORDS.labels(kind).set(len(index))
            metrics.ENTITIES.labels(kind).set(len(index.entities()))
            if isinstance(index, Index):
                metrics.OVERFLOWED.set(index.overflowing)

    def _change(self, changes: Sequence[tuple[Kind, IndexChange]], version: int) -> Linked:
        self._version = STALE  # half-applied until the end, whoever looks
        began = perf_counter()
        deltas = [
            (kind, index.apply(mine))
            for kind, index in self._kinds.items()
            if (mine := [change for of, change in changes if of is kind])
        ]
        metrics.COMPARED.inc(sum(delta.compared for _, delta in deltas))
        linked = self._told(deltas, version)
        self._version = version
        metrics.APPLY_SECONDS.observe(perf_counter() - began)
        return linked

    def replace(self, people: Index, changes: Sequence[EntityChange], version: int) -> Linked:
        """Another model's index of the same people holds from ``version`` on; ``changes`` make it of what was told."""
        self._version = STALE
        self._kinds = {**self._kinds, Kind.PERSON: people}
        linked = self._told([(Kind.PERSON, Delta(entities=changes, stirred=frozenset(people.entities())))], version)
        self._version = version
        return linked

    def _told(self, deltas: Sequence[tuple[Kind, Delta]], version: int) -> Linked:
        """What changed, and into which parts it falls under the agreements."""
        changes: list[EntityChanged] = []
        parts: list[StoredPart] = []
        for kind, delta in deltas:
            found = self._views.settle(self._kinds[kind], [changed(one, kind, version) for one in delta.entities],
                                       delta.stirred, kind, version)  # fmt: skip
            changes += found.changes
            parts += found.parts
        rows = {record: row for _, delta in deltas for record, row in delta.rows.items()}
        return Linked(rows, changes, {r: (one.entity, version) for one in changes for r in one.after}, parts)

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
    return {kind: RuledIndex(kind, by.read, by.rules) for kind, by in RULED.items()}


def restored(
    kinds: Kinds, rows: Sequence[StoredRow], newest: Mapping[Kind, UUID], decided: Sequence[tuple[UUID, UUID, Verdict]],
    strict: Strict = NOBODY,
) -> Kinds:  # fmt: skip
    """The empty indexes, filled as they were stored. ``strict``: which records no score joined then."""
    for kind, index in kinds.items():
        mine = [row for row in rows if row.kind is kind]
        index.restore(
            [Stored(r.id, compared(r.identity, r.agreement), r.row, r.entity, strict(r.id, r.agreement)) for r in mine],
            newest.get(kind),
        )
        index.apply([Decide(a, b, verdict) for a, b, verdict in decided])
    return kinds


def next_version(committed: int) -> int:
    """The version that a batch may commit: one of the next million, drawn at random.

    Of a batch that fails, the index in memory bears the version until it is spoilt. Another replica may commit one
    meanwhile: if it were the same, the two would be taken for one.
    """
    return committed + 1 + randbelow(APART)


def changed(one: EntityChange, kind: Kind, version: int) -> EntityChanged:
    """A change of an index in the words of the bus."""
    return EntityChanged(
        entity=one.entity, kind=kind, version=version, change=Change(one.change), before=list(one.before),
        after=list(one.after), into=one.into,
    )  # fmt: skip


def _without(change: EntityChanged, leaving: Collection[UUID]) -> EntityChanged:
    gone = [record for record in change.before if record in leaving]
    return change.model_copy(update={"gone": gone}) if gone else change


async def keep(linked: Linked, store: LinkageStore, version: int) -> None:
    """Write what a change of the index changed, and the version it is at when this transaction commits."""
    await store.keep((), {}, linked.rows, linked.changes, version)
    await store.keep_parts(linked.parts)


@asynccontextmanager
async def changing(worker: Worker[LinkageStore], live: LiveIndex) -> AsyncIterator[tuple[Work[LinkageStore], int]]:
    """A transaction under the index's lock that may change it, and the version it may commit. If it fails, what the
    index in memory learned in it is not true."""
    try:
        async with worker.work() as work:
            yield work, next_version(await live.catch_up(work.store))
    except BaseException:
        live.spoil()
        raise
