"""What others have committed since a version, and how an index in memory takes it in: of a replica that stands by, that
takes turns with another, or whose own last batch failed.

Invariants
    1. The journal has a row at least for every version, and names all records that its batch touched: described, taken
       out, decided about, or of an entity that it changed, before or after.
    2. Who has followed is where who reads everything anew would be. The partition is a function of (records, model,
       decisions), so the touched ones as they are now tell it, however often they changed; ids are those committed.
    3. What a batch of our own touched that was not committed counts as touched: it is made what is committed.

Failures
    the journal no longer reaches back, another model is active, or more was touched than is worth following
                                           everything is read anew
    who is together is not who is committed to be
                                           an error of ours: it is logged and counted, and everything is read anew
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.linkage.index.changes import Change, Decide, Remove, Upsert
from services.linkage.index.index import Index
from services.linkage.purposes.terms import Strict
from services.linkage.records import compared
from services.linkage.ruled.ruled import RuledIndex
from services.linkage.store import Decided, LinkageStore, StoredPart, StoredRow, Touched
from shared.batched import batched
from shared.contracts import Kind

STEP: Final = 500
"""Changes applied at once: between two of them whoever waits for the processor gets it."""
WORTH: Final = 5
"""A record that was touched costs as much as so many that are read anew."""


@dataclass(frozen=True, slots=True)
class News:
    """What was touched, as it is now: ``rows`` are the records that are still here."""

    touched: Touched
    rows: Sequence[StoredRow]
    decided: Sequence[Decided]
    parts: Sequence[StoredPart]
    strict: Strict

    @property
    def gone(self) -> frozenset[UUID]:
        """Records that are here no more."""
        return self.touched.records - {row.id for row in self.rows}

    @property
    def newest(self) -> UUID | None:
        """The greatest id of an entity among them, whatever its kind."""
        return max(self.touched.entities, default=None)


async def news(store: LinkageStore, since: int, committed: int, doubted: Touched, most: int) -> News | None:
    """What was touched after a version, and the ``doubted``; ``None``: not known any more, or more than ``most``."""
    found = await store.touched_since(since, committed)
    if found is None or len((touched := found | doubted).records) > most:
        return None
    rows = await store.touched(touched.records)
    decided = await store.decided_about(touched.records)
    parts = [one for one in await store.parts_of(touched.entities) if one.living]
    return News(touched, rows, decided, parts, Strict.of(await store.terms()))


async def follow(kinds: Mapping[Kind, Index | RuledIndex[Any]], found: News) -> None:
    """Bring indexes to what is committed. Raises ``Diverged``: then, or when cancelled, they are worth nothing."""
    rows: defaultdict[Kind, list[StoredRow]] = defaultdict(list)
    for row in found.rows:
        rows[row.kind].append(row)
    for kind, index in kinds.items():
        changes: list[Change] = [Remove(one) for one in found.gone if one in index]
        changes += (
            Upsert(r.id, compared(r.identity, r.agreement), found.strict(r.id, r.agreement)) for r in rows[kind]
        )
        changes += _decisions(index, found)
        await _follow(index, changes, {row.id: row.entity for row in rows[kind]}, found.newest)


async def _follow(
    index: Index | RuledIndex[Any], changes: Sequence[Change], entity_of: Mapping[UUID, UUID], newest: UUID | None
) -> None:
    """Records find each other step by step, so for a while some that nobody touched may be in other entities than
    before; in the end each has the id again that it had, or the one that is committed."""
    before: dict[UUID, UUID] = {}
    for part in batched(changes, STEP):
        for change in index.apply(part).entities:
            for record in change.before:
                before.setdefault(record, change.entity)
        await asyncio.sleep(0)
    index.rename({**before, **entity_of}, newest)


def _decisions(index: Index | RuledIndex[Any], found: News) -> list[Change]:
    """Decisions that were taken back, and those that are new."""
    here, there = index.decided(found.touched.records), {(a, b): verdict for a, b, verdict in found.decided}
    over = [Decide(*pair, None) for pair in sorted(here.keys() - there.keys())]
    return [*over, *(Decide(*pair, verdict) for pair, verdict in there.items() if here.get(pair) != verdict)]


def worth_following(records: int) -> int:
    """How many touched records cost less to follow than reading so many anew."""
    return records // WORTH


def touched_by(changes: Sequence[tuple[Kind, Change]], entities: Collection[Any]) -> Touched:
    """What a batch touches: records named by its changes, and those of entities that change."""
    named = {
        record for _, one in changes for record in ((one.left, one.right) if isinstance(one, Decide) else (one.record,))
    }
    members = (record for one in entities for record in (*one.before, *one.after))
    return Touched(frozenset(named.union(members)), frozenset(one.entity for one in entities))
