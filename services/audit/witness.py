"""The witness: checkpoints kept outside the database, so that a log that is cut or replaced is found.

Like a C2SP tlog-witness it takes a checkpoint only when the log proves that it continues the last one it took. It is a
file that is only added to; put its folder on another machine, or copy it there.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from services.audit import metrics
from services.audit.checkpoint import BadNote, Checkpoint, Verifier, notes_in
from services.audit.log import prove_consistency
from services.audit.merkle import is_consistent
from services.audit.store import AuditStore
from shared.errors import Unavailable
from shared.telemetry import log
from shared.work import Worker

FILE = "checkpoints.txt"
CUT_OFF = " (cut off here)\n"
TAIL_BYTES = 8192
PAUSE = 1.0


class Discontinued(Exception):
    """The log is not a continuation of what the witness kept: it was cut, changed or replaced."""


class Witness:
    """The file ``checkpoints.txt`` in a folder."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        self._path, self._verifier = folder / FILE, verifier

    def notes(self) -> list[str]:
        """Every note, in the order they were taken."""
        return notes_in(self._path.read_text()) if self._path.exists() else []

    def newest(self) -> Checkpoint | None:
        """Raises ``Discontinued`` when the file's end is not a checkpoint of this log's key."""
        if not self._path.exists():
            return None
        with self._path.open("rb") as file:
            file.seek(max(0, self._path.stat().st_size - TAIL_BYTES))
            notes = notes_in(file.read().decode(errors="replace"))
        try:
            return self._verifier.open(notes[-1]) if notes else None
        except BadNote as error:
            raise Discontinued(f"the witness's newest checkpoint is not of this log's key: {error}") from error

    def take(self, note: str) -> None:
        """Add a note and see it safely on the disk. What a crash cut off before it is marked so, and is no note."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = not self._path.exists()
        with self._path.open("a+b") as file, _alone(file):
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            whole = file.read(1) in (b"", b"\n")
            file.write(f"{'' if whole else CUT_OFF}\n{note}".encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)


@contextmanager
def _alone(file: IO[bytes]) -> Iterator[None]:
    """Several replicas may share the folder."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


@dataclass
class Watch:
    """Shows the witness each new checkpoint, every second. ``agreed`` is when the log last proved its continuity."""

    worker: Worker[AuditStore]
    witness: Witness
    verifier: Verifier
    agreed: datetime | None = None
    newest: Checkpoint | None = None
    discontinued: str = ""
    _kept: Checkpoint | None = field(default=None, repr=False)

    async def forever(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable:
                pass  # the bus and the requests say so; the next look tries again
            except (Discontinued, BadNote) as error:
                self.discontinued = str(error)
                metrics.CONSISTENT.set(0)
                log().critical("audit.log_discontinued")
            await asyncio.sleep(PAUSE)

    async def look(self) -> None:
        """Raises ``Discontinued`` or ``BadNote`` for a log that is not what it was; the witness takes nothing then."""
        kept = self._kept = self._kept or await asyncio.to_thread(self.witness.newest)
        async with self.worker.work() as work:
            head = await work.store.head()
            now = self.verifier.open(head.note) if head.note else None
            if kept:
                await _continues(work.store, kept, now)
        if now and (kept is None or kept.size < now.size):
            metrics.UNWITNESSED.set(now.size - kept.size if kept else now.size)
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


async def _continues(store: AuditStore, kept: Checkpoint, now: Checkpoint | None) -> None:
    if now is None or now.size < kept.size:
        size = now.size if now else 0
        raise Discontinued(f"the witness saw {kept.size} entries, the log has {size}: its end was cut off")
    try:
        proof = await prove_consistency(store, kept.size, now.size)
    except KeyError as missing:
        raise Discontinued(f"the log cannot prove its continuity: {missing} is missing") from missing
    if not is_consistent(kept.size, now.size, kept.root, now.root, proof):
        raise Discontinued(f"the log's first {kept.size} entries are not those that the witness saw")
