"""Erasing a person, or single records, from the index: a right of theirs (UK GDPR Art. 17), done by a person who may.

Invariants
    1. The records, their identities and edges, what is withheld of the entities, and what stewards decided about the
       records, are gone when the transaction commits; an entity that they held together is several; old ids still
       lead where they led.
    2. What is said of it names the records, so that scoring forgets what it counted of them; an entity that is no more
       is said to be erased, and its alerts are emptied.
    3. What is heard of the records later is dropped by their ids (erasure.py). Of the person nothing else is kept.
    4. One transaction under the index's lock, with the register of erasures and an audit entry for each entity:
       by whom, on which ground, why. Of whom nothing is left there is one for each id, old ones and those of parts too,
       and it says so: only then can auditors erase what the log says under it.
    5. What is asked with an id that leads nowhere does nothing, and is written down of each id that it asked about: the
       refusal tells who is known.

Failures
    the transaction fails        nothing is erased, in memory neither (live.py)
    said twice                   the second finds nothing in the index; it is registered all the same, and the log told
    not reached from here        messages on the bus (``ingest.records``, seven days), sealed dead letters, backups; and
                                 the audit log, which proves the erasure: auditors end that by its own key (audit's
                                 README), with the ids that this answers
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.linkage import metrics
from services.linkage.desk.deciding import decision
from services.linkage.desk.desk import entries_in_vain
from services.linkage.desk.viewing import Asker
from services.linkage.index.changes import Decide
from services.linkage.live import LiveIndex, changing
from services.linkage.purposes.erasure import Erasure
from services.linkage.purposes.leaving import take_out
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from services.linkage.stream import SOURCE
from shared.contracts import NOTHING_LEFT, Access, Action, Change, Outcome
from shared.contracts.envelope import first
from shared.web import N_, Refused
from shared.work import Worker

ERASERS = frozenset({"steward", "auditor"})
"""Stewards, and information governance: the data protection officer's office."""
RECORDS = "records_erased:"
"""So begins the reference of an entry that records were erased and somebody lives whose they were, or may."""
NOT_AN_ERASER = N_("Only data stewards and information governance erase records. That you asked was recorded.")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: how many records left, and every id under which nothing is left, of entities and parts."""

    erasure: UUID
    records: int
    over: Sequence[UUID]


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
        erasure = Erasure(uuid4(), datetime.now(UTC), asker.viewer.subject, ground, reason)
        try:
            return await self._erase(asker, entities, records, erasure)
        except LookupError:
            async with self._worker.work() as work:
                work.audit(await entries_in_vain(work.store, asker, [*entities, *records], "erase"))
            raise

    async def _erase(
        self, asker: Asker, entities: Collection[UUID], records: Collection[UUID], erasure: Erasure
    ) -> Erased:
        async with changing(self._worker, self._live) as (work, version):
            store = work.store
            meant, wanted = await _meant(store, entities, records)
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
            left = {entity for id, entity in entity_of.items() if id in wanted}
            parts = [one.entity for one in linked.changes if one.change is Change.ERASED and not one.before]
            over = list(dict.fromkeys([*await _over(store, sorted(left | meant), entity_of), *parts]))
            work.say([first(SOURCE, str(change.entity), change, erasure.at) for change in linked.changes])
            work.audit(_entries(asker, over, sorted(left.difference(over)), erasure, members.values()))
            work.audit([entry for pair in pairs for entry in decision(asker, pair, entity_of, None)])
        metrics.ERASED.labels(erasure.ground).inc(len(wanted))
        return Erased(erasure.id, len(wanted), over)

    async def admit(self, asker: Asker) -> None:
        """Those whose office it is; that somebody else asked is kept. Raises ``Refused``."""
        if asker.viewer.role in ERASERS and (asker.allowed or asker.oversees):
            return
        async with self._worker.work() as work:
            work.audit([asker.entry(Action.ERASURE, None, Outcome.REFUSED, "erase")])
        raise Refused(NOT_AN_ERASER)


def _entries(
    asker: Asker, over: Sequence[UUID], living: Sequence[UUID], erasure: Erasure, records: Collection[Kept]
) -> list[Access]:
    """One entry for each id under which nothing is left, and each entity that lost records and lives; or one that none
    of them was in the index any more."""
    agreements, because = {one.agreement for one in records}, f"{erasure.ground}: {erasure.reason}"
    said: list[tuple[UUID | None, str]] = [(id, f"{NOTHING_LEFT}{because}") for id in over]
    said += [(entity, f"{RECORDS}{because}") for entity in living]
    return [
        asker.entry(Action.ERASURE, subject, Outcome.ALLOWED, reference, agreements=agreements)
        for subject, reference in said or [(None, f"{RECORDS}{because}")]
    ]


async def _over(store: LinkageStore, entities: Sequence[UUID], entity_of: Mapping[UUID, UUID]) -> list[UUID]:
    """Every id of those of the entities of which nothing is left, under seal neither: their own, those that lead to
    them, and those of their parts. ``entity_of`` says where records were before."""
    found = list[UUID]()
    for entity, now in (await store.resolve(entities)).items():
        ids = await store.known_as([now.entity])
        if not now.members and not await store.withheld_of(ids):
            records = [record for record, place in entity_of.items() if place == entity]
            found += [entity, *sorted(ids), *(part.id for part in await store.parts_with(ids, records))]
    return found


async def _meant(
    store: LinkageStore, entities: Collection[UUID], records: Collection[UUID]
) -> tuple[set[UUID], set[UUID]]:
    """The entities and all the records that are meant. Raises ``LookupError`` for an id that leads to none, in the
    index, withheld or erased."""
    living = await store.resolve(entities)
    missing = [entity for entity in entities if entity not in living]
    there = {*await store.known(records), *await store.withheld(records), *await store.suppressed(records)}
    missing += [record for record in records if record not in there]
    if missing or not (entities or records):
        raise LookupError(*missing)
    meant = {one.entity for one in living.values()}
    withheld = await store.withheld_of(await store.known_as(meant))
    return meant, there | {record for one in living.values() for record in one.members} | {one.id for one in withheld}
