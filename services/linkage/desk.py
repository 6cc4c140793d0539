"""What a person may ask of identity. Each answer's audit entries commit with what was read, before a byte leaves."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.linkage.records import Kept
from services.linkage.showing import Shown, shown
from services.linkage.store import LinkageStore, Resolved
from services.linkage.viewing import Asker
from shared.contracts import Access, Action, Outcome
from shared.web import N_, Refused
from shared.work import Worker

NOT_FOR_YOU = N_("No agreement lets your role see identity for this purpose. That you asked was recorded.")
MOST = 500
"""Entities in one question."""


class Desk:
    """Reads entities for those who may know them."""

    def __init__(self, worker: Worker[LinkageStore]) -> None:
        self._worker = worker

    async def golden(self, asker: Asker, asked: Sequence[UUID]) -> dict[UUID, Shown]:
        """The entities behind these ids, as the asker may see them; ids that never were are left out.

        One audit entry an entity, whatever the number in two queries.
        """
        async with self._worker.work() as work:
            found = await entities_of(work.store, asker, asked)
            work.audit(entries_of(asker, asked, found, Action.DISCLOSURE, f"golden:{asker.caller}"))
        return found

    async def entity(self, asker: Asker, asked: UUID) -> Shown | None:
        """One entity, looked at. None: there is none. Raises ``Refused`` when nothing of it may be shown."""
        async with self._worker.work() as work:
            found = await entities_of(work.store, asker, [asked], oversees=asker.oversees)
            work.audit(entries_of(asker, [asked], found, Action.CONSULTATION, "entity"))
        if asked in found and found[asked].refused:
            raise Refused(NOT_FOR_YOU)
        return found.get(asked)

    async def refuse(self, asker: Asker, operation: str, subject: UUID | None = None) -> None:
        """Keep that somebody asked who may not. Raises ``Refused``."""
        async with self._worker.work() as work:
            work.audit([asker.entry(Action.CONSULTATION, subject, Outcome.REFUSED, operation)])
        raise Refused(NOT_FOR_YOU)


async def entities_of(
    store: LinkageStore, asker: Asker, asked: Iterable[UUID], *, oversees: bool = False
) -> dict[UUID, Shown]:
    """By the id asked for: one query for where the ids lead, one for all the records."""
    living = {id: one for id, one in (await store.resolve(set(asked))).items() if one.members}
    members = await store.members({record for one in living.values() for record in one.members})
    records = {record.id: record for record in members}
    return {id: _shown(asker, id, one, records, oversees) for id, one in living.items()}


def _shown(asker: Asker, asked: UUID, living: Resolved, records: Mapping[UUID, Kept], oversees: bool) -> Shown:
    members = [records[id] for id in living.members if id in records]
    return shown(asked, living.entity, living.kind, members, asker.decision, oversees=oversees)


def entries_of(
    asker: Asker, asked: Iterable[UUID], found: Mapping[UUID, Shown], action: Action, reference: str
) -> list[Access]:
    """One entry for each entity that was shown or refused, however many ids led to it, and one for each id unknown."""
    entities = {one.entity: one for one in found.values()}
    unknown = [asker.entry(action, id, Outcome.EMPTY, reference) for id in set(asked) - set(found)]
    return [*(_entry(asker, one, action, reference) for one in entities.values()), *unknown]


def _entry(asker: Asker, one: Shown, action: Action, reference: str) -> Access:
    if one.refused:
        return asker.entry(action, one.entity, Outcome.REFUSED, reference)
    return asker.entry(action, one.entity, Outcome.ALLOWED, reference, fields=one.fields, agreements=one.agreements)
