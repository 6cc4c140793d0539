"""The witness: checkpoints kept outside the database, so that a log that is cut or replaced is found.

Like a C2SP tlog-witness it takes a checkpoint only when the log proves that it continues the last one it took. It is a
file that is only added to; put its folder on another machine, or copy it there.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.audit.checkpoint import BadNote, Checkpoint, Verifier, notes_in

FILE = "checkpoints.txt"
CUT_OFF = " (cut off here)\n"
TAIL_BYTES = 8192


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
