"""The data folder of one machine's stack: what each part keeps, its secrets, its ports, and who runs."""

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parent.parent
MARK = ".jigsaw-home"
FOLDERS = ("kafka", "postgres", "valkey", "mail", "logs", "run", "witness")
FILES = ("secrets.json", "ports.json", MARK)
LOWEST_PORT, HIGHEST_PORT = 20_000, 29_999
"""Below the range from which the kernel takes ports for outgoing connections (Linux: 32,768), so that a part that is
restarted finds its port free."""


class StackError(RuntimeError):
    """The stack cannot do what was asked; the message says why and what to do."""


class Home:
    """The data folder: ``path``, else ``JIGSAW_HOME``, else ``.jigsaw`` in the project.

    Made on first use, for its owner's eyes only. Raises ``StackError`` for a folder that holds somebody else's files.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or Path(os.environ.get("JIGSAW_HOME") or PROJECT / ".jigsaw")).expanduser().resolve()

    @property
    def exists(self) -> bool:
        """Whether this folder is there and ours."""
        return (self.path / MARK).is_file()

    def make(self) -> None:
        """The folder and its parts' folders; harmless when they are there."""
        if self.exists and self.path.stat().st_uid != os.geteuid():
            raise StackError(f"{self.path} is {self.path.owner()}'s: be that user, or choose another by JIGSAW_HOME")
        if not self.exists:
            if self.path.exists() and any(self.path.iterdir()):
                raise StackError(f"{self.path} holds files that are not Jigsaw's: choose another folder by JIGSAW_HOME")
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / MARK).write_text("Jigsaw's data folder: `jigsaw down --wipe` removes it.\n")
        # As root the database runs as a user of its own, who must be able to pass through here.
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in FOLDERS:
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    def remove(self) -> None:
        """All data gone; a file that is not ours stays, and its folder. Raises ``StackError`` for a foreign folder."""
        if not self.exists:
            raise StackError(f"{self.path} has no {MARK} file, so it is not Jigsaw's: nothing was removed")
        for name in FOLDERS:
            if (self.path / name).exists():
                shutil.rmtree(self.path / name)
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def log(self, name: str) -> Path:
        """Where a process writes what it says."""
        return self.path / "logs" / f"{name}.log"

    def known_secret(self, name: str) -> str | None:
        """A secret that was made before; None when it was not."""
        value = _read(self.path / "secrets.json").get(name)
        return None if value is None else str(value)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One holder at a time on this machine; a holder that dies lets go."""
        self.make()
        with (self.path / "run" / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
        """A secret by its name, made on first use (32 random bytes in hex, unless ``make`` says otherwise)."""
        file = self.path / "secrets.json"
        with self.lock("secrets"):
            known = _read(file)
            if name not in known:
                known[name] = make()
                _write(file, known)
            return str(known[name])

    def port(self, name: str, preferred: int | None = None) -> int:
        """A port that is free now: the one this name had before when possible, so that clients find it again."""
        file = self.path / "ports.json"
        with self.lock("ports"):
            known = _read(file)
            others = {int(port) for other, port in known.items() if other != name}
            wished = [int(port) for port in (known.get(name), preferred) if port is not None]
            port = next((port for port in wished if port not in others and free(port)), None) or _any_port(others)
            if known.get(name) != port:
                _write(file, {**known, name: port})
            return port

    def known_port(self, name: str) -> int | None:
        """The port this name has, whether or not somebody listens there now."""
        known = _read(self.path / "ports.json").get(name)
        return None if known is None else int(known)


def free(port: int) -> bool:
    """Whether a server could listen there on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_port(taken: set[int]) -> int:
    for _ in range(1000):
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT + 1)
        if port not in taken and free(port):
            return port
    raise StackError(f"no free port between {LOWEST_PORT} and {HIGHEST_PORT} on 127.0.0.1")


def _read(file: Path) -> dict[str, str | int]:
    return json.loads(file.read_text()) if file.exists() else {}


def _write(file: Path, content: dict[str, str | int]) -> None:
    """All or nothing: a machine that dies here leaves the old file."""
    new = file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(content, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
