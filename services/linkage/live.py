"""The index as the service holds it, one of each kind of subject: the same as what is committed, or known not to be.

Invariants
    1. A batch begins, under the index's lock, with the index as it is committed: what others committed, and what of our
       own was not, is followed (following.py), or everything is read anew, before it links anything. One that has only
       new records may take the index for committed, and the lock with its last statement, which fails if it was not.
    2. A replica that stands by follows without the lock, from one snapshot: nobody waits for it, and when its turn
       comes it is a moment behind.
    3. Whoever asks the index waits for who follows: only the event loop's own thread changes one that can be asked.

Failures
    a batch fails after it was applied     ``spoil``: what it touched is made what is committed before the next one
    a batch fails while it is applied      the index is half of one thing: everything is read anew
    the database fails in the middle       nothing was taken in; it is tried again
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from secrets import randbelow
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

from services.linkage import metrics
from services.linkage.engines.duck import DuckDB
from services.linkage.following import News, follow, news, touched_by, worth_following
from services.linkage.index.changes import Change as IndexChange
from services.linkage.index.changes import Decide, Delta, Remove, Stored, Upsert
from services.linkage.index.entities import Diverged, EntityChange
from services.linkage.index.index import Index
from services.linkage.matching.model import Model
from services.linkage.models.registry import InUse
from services.linkage.purposes.terms import Strict, Terms
from services.linkage.purposes.views import Views
from services.linkage.records import Kept, compared
from services.linkage.ruled.kinds import RULED
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import NOTHING, Decided, LinkageStore, Place, StoredPart, StoredRow, Touched
from shared.contracts import Change, EntityChanged, Kind
from shared.db import of_one_moment
from shared.memory import use_large_pages
from shared.telemetry import log
from shared.work import Work, Worker

Kinds = Mapping[Kind, Index | RuledIndex[Any]]
T = TypeVar("T")
STALE = -1
"""The version of an index that is not what is committed."""
APART = 1 << 20
MOST_IN_DOUBT = 500
"""Records that batches may touch before one asks what is committed."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a batch changed, in the words of the bus and the tables."""

    rows: Mapping[UUID, bytes]
    changes: list[EntityChanged]
    places: dict[UUID, Place]
    parts: Sequence[StoredPart] = ()
    touched: Touched = NOTHING


class LiveIndex:
    """``in_use`` knows the active model."""

    def __init__(self, in_use: InUse, terms: Terms | None = None) -> None:
        self._in_use, self._terms = in_use, terms or Terms()
        self._kinds: Kinds = {}
        self._views = Views(self._terms)
        self._version = STALE  # what the index is, when its last batch commits
        self._followed = STALE  # what it was before its last batches, which touched what is in doubt
        self._doubted = NOTHING
        self._undisturbed = False  # nobody else had changed the index when it was asked for last
        self._following = asyncio.Lock()

    def spoil(self) -> None:
        """What was applied last is not committed."""
        self._undisturbed = False
        if self._doubted.records:
            self._version = STALE

    async def catch_up(self, store: LinkageStore, locked: int | None = None) -> int:
        """Under the lock: the version that is committed, which is the index's afterwards. ``locked``: that version, if
        the lock is ours already."""
        version = await store.lock_index() if locked is None else locked
        async with self._following:
            self._undisturbed = version == self._version
            if not self._undisturbed:
                await self._reach(store, version)
            self._followed, self._doubted = version, NOTHING
        return version

    async def hold(self, store: LinkageStore) -> int:
        """``catch_up`` for who does not change the index at once: until somebody has asked again, nobody presumes."""
        version = await self.catch_up(store)
        self._undisturbed = False
        return version

    def presumed(self, records: Iterable[tuple[Kind, UUID]]) -> int | None:
        """The version that is committed, as far as one can tell without asking, if none of these records is in it;
        ``None``: ask. What is applied stays in doubt until somebody has asked."""
        if not self._undisturbed or self._following.locked():
            return None
        if self._version == STALE or len(self._doubted.records) > MOST_IN_DOUBT:
            return None
        return None if any(record in self._kinds[kind] for kind, record in records) else self._version

    async def keep_up(self, worker: Worker[LinkageStore]) -> None:
        """Without the lock: the index is at least what was committed when this was called."""
        async with worker.work() as work:
            await of_one_moment(work.connection)
            version = await work.store.committed()
            if version > self._version:
                async with self._following:
                    if version > self._version:
                        await self._reach(work.store, version)

    async def _reach(self, store: LinkageStore, version: int) -> None:
        """Make the index what is committed at a version: the store's transaction sees no other."""
        model = await self._in_use.current(store)
        people = self._kinds.get(Kind.PERSON)
        found, doubted = None, self._doubted
        if self._followed != STALE and isinstance(people, Index) and people.model is model:
            most = worth_following(sum(map(len, self._kinds.values())))
            found = await news(store, self._followed, version, doubted, most)
        self._version = self._followed = STALE  # until it is done, whoever looks
        if found is None or not await self._follow(found):
            await self._rebuild(store, model)
        self._version = self._followed = version
        if self._doubted is doubted:
            self._doubted = NOTHING

    async def _follow(self, found: News) -> bool:
        """Whether what was found leads to what is committed."""
        try:
            await follow(self._kinds, found)
        except Diverged as error:
            metrics.DIVERGED.inc()
            log().error("index.diverged", because=str(error), records=len(found.touched.records))
            return False
        self._views.follow(found.rows, found.gone, found.touched.entities, found.parts)
        metrics.FOLLOWED.inc(len(found.touched.records))
        return True

    async def _rebuild(self, store: LinkageStore, model: Model) -> None:
        began = perf_counter()
        log().info("index.reading")
        self._kinds, self._views = {}, Views(self._terms)  # two of them would be twice the memory
        newest, decided = await store.newest_entities(), await store.decided()
        strict, kinds, views = Strict.of(await store.terms()), indexes(model), Views(self._terms)
        loop = asyncio.get_running_loop()

        def stored(kind: Kind) -> Iterator[Sequence[Stored]]:
            for rows in drawn(store.everything(kind), loop):
                views.learn((row.id, row.agreement) for row in rows)
                yield [as_stored(row, strict) for row in rows]

        # In a thread: the consumer must go on telling its group that it lives.
        await asyncio.to_thread(restore, kinds, stored, newest, decided)
        await asyncio.to_thread(views.restore, await store.parts())
        self._kinds, self._views = kinds, views
        gc.freeze()  # millions of objects that live on: the collector need not look at them again
        await asyncio.to_thread(use_large_pages)
        took = perf_counter() - began
        log().info("index.rebuilt", records=sum(map(len, kinds.values())), seconds=round(took, 1))
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
        stirred = frozenset(one for one in entities if one in living)
        return self._told((), [(kind, Delta(stirred=stirred))], version)

    def measure(self) -> None:
        """Tell operations how much there is."""
        for kind, index in self._kinds.items():
            metrics.RECORDS.labels(kind).set(len(index))
            metrics.ENTITIES.labels(kind).set(len(index.entities()))
            if isinstance(index, Index):
                metrics.OVERFLOWED.set(index.overflowing)

    def _change(self, changes: Sequence[tuple[Kind, IndexChange]], version: int) -> Linked:
        began = perf_counter()
        followed, self._version, self._followed = self._followed, STALE, STALE  # half-applied until the end
        deltas = [
            (kind, index.apply(mine))
            for kind, index in self._kinds.items()
            if (mine := [change for of, change in changes if of is kind])
        ]
        metrics.COMPARED.inc(sum(delta.compared for _, delta in deltas))
        if crowded := sum(delta.crowded for _, delta in deltas):
            metrics.CROWDED.inc(crowded)
            log().warning("linkage.crowd", records=crowded)
        linked = self._told(changes, deltas, version)
        self._followed = followed
        metrics.APPLY_SECONDS.observe(perf_counter() - began)
        return linked

    def replace(self, people: Index, changes: Sequence[EntityChange], version: int) -> Linked:
        """Another model's index of the same people holds from ``version`` on; ``changes`` make it of what was told."""
        self._kinds = {**self._kinds, Kind.PERSON: people}
        return self._told((), [(Kind.PERSON, Delta(entities=changes, stirred=frozenset(people.entities())))], version)

    def _told(
        self, changes: Sequence[tuple[Kind, IndexChange]], deltas: Sequence[tuple[Kind, Delta]], version: int
    ) -> Linked:
        """What changed, and into which parts it falls under the agreements."""
        said: list[EntityChanged] = []
        parts: list[StoredPart] = []
        for kind, delta in deltas:
            found = self._views.settle(self._kinds[kind], [changed(one, kind, version) for one in delta.entities],
                                       delta.stirred, kind, version)  # fmt: skip
            said += found.changes
            parts += found.parts
        rows = {record: row for _, delta in deltas for record, row in delta.rows.items()}
        touched = touched_by(changes, said)
        self._doubted |= touched
        self._version = version
        return Linked(rows, said, {r: (one.entity, version) for one in said for r in one.after}, parts, touched)

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
    return {Kind.PERSON: Index(model, DuckDB()), **by_rules()}


def by_rules() -> dict[Kind, RuledIndex[Any]]:
    """The empty indexes of what needs no model."""
    return {kind: RuledIndex(kind, by.read, by.rules) for kind, by in RULED.items()}


def restore(
    kinds: Kinds, stored: Callable[[Kind], Iterable[Sequence[Stored]]], newest: Mapping[Kind, UUID],
    decided: Sequence[Decided],
) -> None:  # fmt: skip
    """Fill empty indexes with what was stored of each kind."""
    for kind, index in kinds.items():
        index.restore(stored(kind), newest.get(kind), [Decide(*one) for one in decided])


def as_stored(row: StoredRow, strict: Strict) -> Stored:
    """A row as an index takes it. ``strict``: which records no score joined when it was written."""
    said = compared(row.identity, row.agreement)
    return Stored(row.id, said, row.row, row.entity, strict(row.id, row.agreement), row.version)


def drawn(parts: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """In a thread of its own: what the loop reads, part by part."""

    async def draw() -> T | None:
        return await anext(parts, None)

    while (part := asyncio.run_coroutine_threadsafe(draw(), loop).result()) is not None:
        yield part


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
    await store.keep((), {}, linked.rows, linked.changes, version, linked.touched.records)
    await store.keep_parts(linked.parts)


@asynccontextmanager
async def changing(worker: Worker[LinkageStore], live: LiveIndex) -> AsyncIterator[tuple[Work[LinkageStore], int]]:
    """A transaction under the index's lock that may change it, and the version it may commit. If it fails, what the
    index in memory learned in it is not true. What others committed is followed before, for nobody to wait for that."""
    await live.keep_up(worker)
    try:
        async with worker.work() as work:
            yield work, next_version(await live.hold(work.store))
    except BaseException:
        live.spoil()
        raise
