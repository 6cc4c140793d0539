"""What audit does besides recording: shows the witness each new checkpoint, and now and then reads the whole log."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from services.audit import metrics
from services.audit.checkpoint import BadNote, Checkpoint, Verifier
from services.audit.log import prove_consistency
from services.audit.merkle import is_consistent
from services.audit.store import AuditStore
from services.audit.verify import Report, verify
from services.audit.witness import Discontinued, Witness
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Worker

LOOK_SECONDS = 1.0
HOUR = 3600


@dataclass
class Watch:
    """Holds the log against its witness, every second. ``agreed`` is when it last proved its continuity, ``newest``
    the checkpoint it did so with; ``discontinued`` says why it cannot, and is empty while it can."""

    worker: Worker[AuditStore]
    witness: Witness
    verifier: Verifier
    agreed: datetime | None = None
    newest: Checkpoint | None = None
    discontinued: str = ""
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    _kept: Checkpoint | None = None

    async def run(self) -> None:
        while True:
            with suppress(Unavailable):  # the bus and the requests say so; the next look tries again
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """The witness takes nothing from a log that is not what it was. What it cannot write, it is shown again."""
        try:
            await self._look()
        except OSError as error:
            log().error("audit.witness_cannot_be_written", error=type(error).__name__)
        except (Discontinued, BadNote) as error:
            self.discontinued = str(error)
            metrics.CONSISTENT.set(0)
            log().critical("audit.log_discontinued")
        self.looked.set()

    async def _look(self) -> None:
        kept = self._kept = self._kept or await asyncio.to_thread(self.witness.newest)
        async with self.worker.work() as work:
            head = await work.store.head()
            now = self.verifier.open(head.note) if head.note else None
            if kept:
                await continues(work.store, kept, now)
        if now and (kept is None or kept.size < now.size):
            metrics.UNWITNESSED.set(now.size - (kept.size if kept else 0))
            await asyncio.to_thread(self.witness.take, head.note)
            self._kept = now
        self._agree(now)

    def _agree(self, now: Checkpoint | None) -> None:
        self.agreed, self.newest, self.discontinued = datetime.now(UTC), now, ""
        metrics.CONSISTENT.set(1)
        metrics.UNWITNESSED.set(0)
        if now:
            metrics.SIZE.set(now.size)
            metrics.CHECKPOINT_AGE.set((self.agreed - now.at).total_seconds())


async def continues(store: AuditStore, kept: Checkpoint, now: Checkpoint | None) -> None:
    """Raises ``Discontinued`` unless the log proves that it begins with what the witness kept."""
    if now is None or now.size < kept.size:
        size = now.size if now else 0
        raise Discontinued(f"the witness saw {kept.size} entries, the log has {size}: its end was cut off")
    try:
        proof = await prove_consistency(store, kept.size, now.size)
    except KeyError as missing:
        raise Discontinued(f"the log cannot prove its continuity: {missing} is missing") from missing
    if not is_consistent(kept.size, now.size, kept.root, now.root, proof):
        raise Discontinued(f"the log's first {kept.size} entries are not those that the witness saw")


@dataclass
class Inspector:
    """Reads the whole log when the service starts and then every so many hours. ``report`` is what it found last."""

    dsn: str
    folder: Path
    verifier_key: str
    sealing_key: bytes
    hours: float
    watch: Watch
    report: Report | None = None
    read_at: datetime | None = None

    async def run(self) -> None:
        await self.watch.looked.wait()
        while self.hours:
            with suppress(Unavailable):
                await self.inspect()
            await asyncio.sleep(self.hours * HOUR)

    async def inspect(self) -> None:
        self.report = await verify(self.dsn, self.folder, self.verifier_key, lambda _, __: None, self.sealing_key)
        self.read_at = datetime.now(UTC)
        metrics.VERIFIED.set(self.report.is_whole)
        metrics.VERIFIED_AT.set_to_current_time()
        if not self.report.is_whole:
            log().critical("audit.log_has_faults", faults=len(self.report.faults))
