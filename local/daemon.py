"""A background process that outlives the command that started it, and is found again by pid and start time."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import psutil

from local.home import Home, StackError

Answer = TypeVar("Answer")
CLOCK_STEP = 2.0
"""Seconds by which one process's start time may differ between two readers: it is derived from the boot time, which
moves when the clock is set."""
LARGEST_LOG = 20 * 1024 * 1024
POLL = 0.05


@dataclass(frozen=True)
class Command:
    """What to run. ``user`` and ``group`` are ids, set when root must run it as somebody else."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None

    @property
    def digest(self) -> str:
        """Equal for equal commands; tells nothing of the secrets in them."""
        content = json.dumps([list(self.argv), sorted(self.env.items()), str(self.cwd)])
        return sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Running:
    """A living process as its run file tells.

    ``create_time``: seconds since 1970; ``version``: of what it runs; ``told``: a digest of how it was started, by
    which a change of its environment is seen.
    """

    name: str
    pid: int
    create_time: float
    port: int
    version: str = ""
    told: str = ""


def start(home: Home, name: str, command: Command, port: int) -> Running:
    """Start it in a session of its own, its output appended to its log."""
    log = home.log(name)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - the argument list is ours, and no shell reads it
            command.argv, env=dict(command.env), cwd=command.cwd, user=command.user, group=command.group,
            extra_groups=[] if command.user is not None else None,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    process.returncode = 0  # it is nobody's child from here on: without this, Popen warns when it is collected
    running = Running(name, process.pid, psutil.Process(process.pid).create_time(), port, told=command.digest)
    return remember(home, running)


def remember(home: Home, running: Running) -> Running:
    """Write the run file by which ``find`` finds it."""
    file = _run_file(home, running.name)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(running), indent=2))
    new.replace(file)
    return running


def find(home: Home, name: str) -> Running | None:
    """The living process of that name; None when it is dead, also when its pid is now somebody else's."""
    running = _recall(_run_file(home, name))
    return running if running and alive(running) else None


def everyone(home: Home) -> list[Running]:
    """Every living process of this home."""
    return [running for running in remembered(home) if alive(running)]


def remembered(home: Home) -> list[Running]:
    """Every process that was started and not stopped: those that live, and those that ended unasked."""
    found = (_recall(file) for file in sorted((home.path / "run").glob("*.json")))
    return [running for running in found if running is not None]


def alive(running: Running) -> bool:
    """Whether that very process still runs."""
    try:
        process = psutil.Process(running.pid)
        same = abs(process.create_time() - running.create_time) < CLOCK_STEP
        if same and process.status() == psutil.STATUS_ZOMBIE:
            if process.num_threads() > 1:  # its other threads are still ending, and hold its port until then
                return True
            with suppress(ChildProcessError):  # not our child: its own parent will take note of its death
                os.waitpid(running.pid, os.WNOHANG)
            return False
    except psutil.NoSuchProcess:
        return False
    return same


def stop(home: Home, running: Running, grace: float, by: signal.Signals = signal.SIGTERM) -> bool:
    """Ask it to end, wait ``grace`` seconds, then kill it. True when it ended by itself."""
    signalled(running, by)
    ended = until(lambda: not alive(running), grace)
    if not ended:
        kill(home, running)
    _run_file(home, running.name).unlink(missing_ok=True)
    return ended


def kill(home: Home, running: Running) -> None:
    """SIGKILL, as a crash would be; its run file stays behind, as after a crash."""
    signalled(running, signal.SIGKILL)
    if not until(lambda: not alive(running), 10):
        raise StackError(f"{running.name} (pid {running.pid}) does not die of SIGKILL: is its disk hanging?")


def signalled(running: Running, by: signal.Signals) -> None:
    """Send it a signal; nothing happens when it has gone."""
    if alive(running):
        with suppress(ProcessLookupError):
            os.kill(running.pid, by)


def await_answer(home: Home, running: Running, ask: Callable[[], Answer | None], seconds: float) -> Answer:
    """What ``ask`` answers, asked again until it is not None. Raises ``StackError`` with the end of the log."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        if not alive(running):
            raise StackError(f"{running.name} ended while it was starting. {last_words(home, running.name)}")
        if time.monotonic() > deadline:
            raise StackError(
                f"{running.name} (pid {running.pid}, port {running.port}) did not answer within {seconds:.0f} seconds."
                f" {last_words(home, running.name)}"
            )
        time.sleep(POLL)
    return answer


def last_words(home: Home, name: str, lines: int = 12) -> str:
    """The end of its log, introduced, and where to read on."""
    log = home.log(name)
    said = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    quoted = "\n".join(f"  | {line[:300]}" for line in said) or "  | (nothing)"
    return f"Its last words in {log}:\n{quoted}\nWhen that does not help: `jigsaw down`, then start again."


def port_of(home: Home, name: str, preferred: int | None = None) -> int:
    """The port of a living process, else the one it would be started on."""
    running = find(home, name)
    return running.port if running else home.port(name, preferred)


def versioned(home: Home, running: Running, version: str) -> Running:
    """The same, its run file telling the version it answered with."""
    return remember(home, replace(running, version=version))


def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def _recall(file: Path) -> Running | None:
    try:
        return Running(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):  # none, half-written by a dying machine, or of another release
        return None


def _run_file(home: Home, name: str) -> Path:
    return home.path / "run" / f"{name}.json"
