"""Kafka's class path: the jars that ``kafka.lock.toml`` names, fetched by ``jgo`` and held to their SHA-256.

python -m local.parts.jars      resolves KAFKA anew and writes the lock: for a change of version, then commit it
"""

import fcntl
import hashlib
import os
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local.home import StackError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
"""What Kafka logs through; its own pom leaves the choice open. 2.24.3 is the log4j it was built with."""
LOCK = Path(__file__).parent.parent / "kafka.lock.toml"
FETCHES_AT_ONCE = 6


@dataclass(frozen=True)
class Jar:
    """One ``[[jar]]`` of the lock. ``sha256``: of the file, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str


def class_path() -> list[Path]:
    """Every jar of the lock, in a cache of this user, fetched when it is not there. Raises ``StackError``.

    The hashes are checked at every start: 43 MB take 0.1 s, and a jar that was changed on disk never runs. No poms are
    read, so nothing but the lock decides what runs.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jigsaw" / "jars"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two homes may start at once
        context = _maven(cache)
        with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
            return list(threads.map(partial(_fetched, context), locked()))


def locked() -> list[Jar]:
    """What the lock names."""
    return [Jar(**each) for each in tomllib.loads(LOCK.read_text())["jar"]]


def locked_version() -> str:
    """The broker's version, as pinned."""
    return next(jar.version for jar in locked() if jar.artifact == "kafka_2.13")


def _maven(cache: Path) -> "MavenContext":
    """The repositories that jgo knows and those of the user's own jgo settings, such as an organisation's mirror."""
    from jgo.config import GlobalSettings  # here, because an address in the environment needs no jars
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = GlobalSettings.load().repositories | {"central": MAVEN_CENTRAL_URL}
    return MavenContext(repo_cache=cache, local_repos=[], remote_repos=repositories, timeout=60)


def _fetched(context: "MavenContext", jar: Jar) -> Path:
    """The jar on disk; one that differs from the lock (a fetch that was cut off) is fetched once more."""
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for _ in range(2):
        try:
            path = Path(artifact.resolve())
        except Exception as error:  # jgo raises whatever its HTTP library raises
            raise StackError(
                f"{jar.artifact}-{jar.version}.jar could not be fetched ({type(error).__name__}: {error}): is a Maven"
                " repository reachable from here? Else set JIGSAW_KAFKA to a broker's host:port"
            ) from error
        if hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256:
            return path
        path.unlink()
    raise StackError(
        f"{jar.artifact}-{jar.version}.jar, fetched twice, is not the file that {LOCK.name} pins:"
        " do not trust where it comes from; nothing was started"
    )


def _resolve() -> Iterable[Jar]:
    """``!`` keeps that version as written: without it, jgo lets its BOM change the versions of Kafka's own jars."""
    import jgo

    lock = jgo.build(f"{KAFKA}+{LOGGING}!", update=True).lockfile
    assert lock is not None, "jgo writes one with every environment"
    for found in sorted(lock.dependencies, key=lambda jar: (jar.groupId, jar.artifactId)):
        assert found.sha256, found
        yield Jar(found.groupId, found.artifactId, found.version, found.sha256)


def _write_lock(jars: Iterable[Jar]) -> None:
    lines = ["# Written by `python -m local.parts.jars`: every jar of the broker, with its SHA-256."]
    for jar in jars:
        lines += ["", "[[jar]]", *(f'{name} = "{value}"' for name, value in vars(jar).items())]
    LOCK.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    _write_lock(_resolve())
