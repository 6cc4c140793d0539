"""What audit hears: who touched whose data. It decides nothing; it records."""

from collections.abc import Sequence
from datetime import datetime

from services.audit import metrics
from services.audit.log import Log
from services.audit.store import AuditStore
from shared.bus import Effects, hears
from shared.contracts import Accesses, Event, Topic


class Recorder:
    """Appends what the services say."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @hears(Topic.ACCESSES)
    async def record(self, events: Sequence[Event[Accesses]], store: AuditStore, now: datetime) -> Effects:
        """One transaction, one run of leaves, one checkpoint."""
        accesses = [access for event in events for access in event.body.entries]
        if accesses:
            await self._log.append(store, accesses, now)
            metrics.ENTRIES.inc(len(accesses))
        return Effects()
