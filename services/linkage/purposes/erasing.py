"""Erasing a person, or single records, from the index: a right of theirs (UK GDPR Art. 17), done by a person who may.

Invariants
    1. The records, their identities and edges, what is withheld of the entities, and what stewards decided about the
       records, are gone when the transaction commits; an entity that they held together is several; old ids still
       lead where they led.
    2. What is said of it names the records, so that scoring forgets what it counted of them; an entity that is no more
       is said to be erased, and its alerts are emptied.
    3. What is heard of the records later is dropped by their ids (erasure.py). Of the person nothing else is kept.
    4. One transaction under the index's lock, with the register of erasures and an audit entry for each entity:
       by whom, on which ground, why.

Failures
    the transaction fails        nothing is erased, in memory neither (live.py)
    said twice                   the second finds nothing in the index; it is registered all the same
    not reached from here        messages on the bus (``ingest.records``, seven days), sealed dead letters, backups; and
                                 the audit log, which proves the erasure: auditors end that by its own key (audit's
                                 README), with the entity ids that this answers
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.linkage import metrics
from services.linkage.desk.deciding import decision
from services.linkage.desk.viewing import Asker
from services.linkage.index.changes import Decide
from services.linkage.live import LiveIndex, changing
from services.linkage.purposes.erasure import Erasure
from services.linkage.purposes.leaving import take_out
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts import Access, Action, Change, Outcome
from shared.contracts.envelope import first
from shared.web import N_, Refused
from shared.work import Worker

ERASERS = frozenset({"steward", "auditor"})
"""Stewards, and information governance: the data protection officer's office."""
NOT_AN_ERASER = N_("Only data stewards and information governance erase records. That you asked was recorded.")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: how many records left, the entities that they were in, and parts of these that are over."""

    erasure: UUID
    records: int
    entities: Sequence[UUID]


class Erasing:
    """The desk at which records are erased."""

    def __init__(self, worker: Worker[LinkageStore], live: LiveIndex) -> None:
        self._worker, self._live = worker, live

    async def erase(
        self, asker: Asker, entities: Collection[UUID], records: Collection[UUID], ground: str, reason: str
    ) -> Erased:
        """Erase records, and all records of entities. ``ground`` is one of ``GROUNDS``; ``reason`` must name nobody.

        Raises ``LookupError`` for an id that leads nowhere, ``Refused`` for whoever may not.
        """
        await self.admit(asker)
        now = datetime.now(UTC)
        erasure = Erasure(uuid4(), now, asker.viewer.subject, ground, reason)
        async with changing(self._worker, self._live) as (work, version):
            store = work.store
            wanted = await _records(store, entities, records)
            members = {record.id: record for record in await store.members(wanted)}
            pairs = await store.undecide(wanted)
            places = await store.known(wanted.union(*pairs))
            linked = await take_out(
                {id: record.kind for id, record in members.items()}, [Decide(a, b, None) for a, b in pairs],
                self._live, store, version,
            )  # fmt: skip
            await store.release(wanted)
            await store.suppress(wanted, erasure)
            entity_of = {id: place.entity for id, place in places.items()}
            left = sorted({entity for id, entity in entity_of.items() if id in wanted})
            parts = [one.entity for one in linked.changes if one.change is Change.ERASED and not one.before]
            work.say([first(SOURCE, str(change.entity), change, now) for change in linked.changes])
            work.audit(
                _entries(asker, left, f"erasure:{ground}: {reason}", {one.agreement for one in members.values()})
            )
            work.audit([entry for pair in pairs for entry in decision(asker, pair, entity_of, None)])
        metrics.ERASED.labels(ground).inc(len(wanted))
        return Erased(erasure.id, len(wanted), [*left, *parts])

    async def admit(self, asker: Asker) -> None:
        """Those whose office it is; that somebody else asked is kept. Raises ``Refused``."""
        if asker.viewer.role in ERASERS and (asker.allowed or asker.oversees):
            return
        async with self._worker.work() as work:
            work.audit([asker.entry(Action.ERASURE, None, Outcome.REFUSED, "erase")])
        raise Refused(NOT_AN_ERASER)


def _entries(asker: Asker, entities: Sequence[UUID], reference: str, agreements: Collection[str]) -> list[Access]:
    """One entry for each entity that a record left, or one that none was in the index any more."""
    subjects: Sequence[UUID | None] = entities or [None]
    return [asker.entry(Action.ERASURE, one, Outcome.ALLOWED, reference, agreements=agreements) for one in subjects]


async def _records(store: LinkageStore, entities: Collection[UUID], records: Collection[UUID]) -> set[UUID]:
    """All records meant. Raises ``LookupError`` for an id that leads to none, in the index, withheld or erased."""
    living = await store.resolve(entities)
    missing = [entity for entity in entities if entity not in living]
    there = {*await store.known(records), *await store.withheld(records), *await store.suppressed(records)}
    missing += [record for record in records if record not in there]
    if missing or not (entities or records):
        raise LookupError(*missing)
    withheld = await store.withheld_of(await store.known_as({one.entity for one in living.values()}))
    return there | {record for one in living.values() for record in one.members} | {one.id for one in withheld}
