"""The same parts as official images, when a Docker engine answers: started by ``testcontainers``, named, found again.

They outlive the command that started them (so testcontainers' reaper is off) and keep their data in named volumes.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from local.daemon import until
from local.home import Home, StackError, free
from local.parts import kafka, postgres
from local.parts.jars import locked_version
from local.parts.part import Part

CONTROLLER = 9093


@dataclass(frozen=True)
class Image:
    """``port`` and ``folder``: where the container listens and keeps its data."""

    name: str
    port: int
    folder: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


def image_of(home: Home, name: str, port: int) -> Image:
    """The official image of a part; ``port``: where clients of this machine reach it."""
    return {"kafka": _kafka, "postgres": _postgres, "valkey": _valkey}[name](home, port)


def _kafka(home: Home, port: int) -> Image:
    settings = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": f"CLIENTS://:9092,CONTROLLER://:{CONTROLLER}",
        "ADVERTISED_LISTENERS": f"CLIENTS://127.0.0.1:{port}",
        "INTER_BROKER_LISTENER_NAME": "CLIENTS",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "CONTROLLER_QUORUM_VOTERS": f"1@localhost:{CONTROLLER}",
        "LOG_DIRS": "/var/lib/kafka/data",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "BROKER_SESSION_TIMEOUT_MS": "3000",
        "BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "MESSAGE_MAX_BYTES": "2097152",
        "HEAP_OPTS": "-Xms256m -Xmx256m",
    }
    settings |= {_variable(name): value for name, value in kafka.guarded(home.secret("kafka")).items()}
    env = {f"KAFKA_{key}": value for key, value in settings.items()}
    return Image(f"apache/kafka:{locked_version()}", 9092, "/var/lib/kafka/data", env)


def _variable(setting: str) -> str:
    """Of the image, for a setting of the broker: as its documentation has them written."""
    return setting.replace("_", "__").replace("-", "___").replace(".", "_").upper()


def _postgres(home: Home, port: int) -> Image:
    locale = "--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C"
    initdb = f"--auth-host=scram-sha-256 {locale} {postgres.WAL_SEGMENT}"
    env = {"POSTGRES_PASSWORD": home.secret("postgres"), "POSTGRES_INITDB_ARGS": initdb}
    ours = {name: value for name, value in postgres.SETTINGS.items() if name not in postgres.PLACES}
    command = ("postgres", *(f"--{name}={value}" for name, value in ours.items()))
    return Image("postgres:18", 5432, "/var/lib/postgresql", env, command)


def _valkey(home: Home, port: int) -> Image:
    command = ("valkey-server", "--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    return Image("valkey/valkey:9", 6379, "/data", command=(*command, "--requirepass", home.secret("valkey")))


def engine() -> Any | None:
    """A client of the Docker engine; None when none answers, or when JIGSAW_DOCKER is "no"."""
    if os.environ.get("JIGSAW_DOCKER") == "no":
        return None
    import docker  # type: ignore[import-untyped]
    from docker.errors import DockerException  # type: ignore[import-untyped]

    try:
        client = docker.from_env(timeout=5)
        client.ping()
    except (DockerException, OSError):
        return None
    return client


class Container:
    """A part that runs as a container; started, stopped, killed and found like the embedded one."""

    def __init__(self, part: Part, client: Any) -> None:
        self.part, self._client = part, client
        home = part.home
        self.name = f"jigsaw-{sha256(str(home.path).encode()).hexdigest()[:8]}-{part.name}"

    def start(self) -> str:
        """Its address, once it answers; a container that runs or was stopped is used again. Raises ``StackError``."""
        with self.part.home.lock(self.part.name):
            self._run()
            port = self.port
            if not until(lambda: self.part.ask(port) is not None, self.part.patience):
                raise StackError(
                    f"the container {self.name} does not answer on port {port}: `docker logs {self.name}` shows why"
                )
            self.part.version = self.part.ask(port) or ""
            return self.part.address(port)

    def _run(self) -> None:
        from docker.errors import DockerException

        container = self._found()
        try:
            if container is not None and container.status != "running" and not free(self.port):
                container.remove()  # its port is another's now; the data is in the volume
                container = None
            if container is None:
                self._create(self.part.home.port(self.part.name))
            elif container.status != "running":
                container.start()
        except DockerException as error:
            raise StackError(
                f"the container {self.name} could not be started ({error}). To do without Docker: JIGSAW_DOCKER=no"
            ) from error

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1. Raises ``StackError`` when it is not running."""
        container = self._found()
        bound = container.attrs["HostConfig"]["PortBindings"] if container else None
        if not bound:
            raise StackError(f"the container {self.name} is not there: `jigsaw up` starts it")
        return int(next(iter(bound.values()))[0]["HostPort"])

    def stop(self) -> None:
        """Stopped, its data kept."""
        if container := self._found():
            container.stop(timeout=int(self.part.grace))

    def kill(self) -> None:
        """``kill -9`` of its main process."""
        if container := self._found():
            container.kill("SIGKILL")

    def remove(self) -> None:
        """The container and its data."""
        from docker.errors import NotFound

        if container := self._found():
            container.remove(force=True)
        with suppress(NotFound):
            self._client.volumes.get(self.name).remove()

    def _found(self) -> Any | None:
        from docker.errors import NotFound

        try:
            return self._client.containers.get(self.name)
        except NotFound:
            return None

    def _create(self, port: int) -> None:
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer

        testcontainers_config.ryuk_disabled = True
        image = image_of(self.part.home, self.part.name, port)
        container = DockerContainer(image.name).with_name(self.name).with_envs(**image.env)
        container.ports = {image.port: ("127.0.0.1", port)}  # type: ignore[dict-item]  # docker takes a pair
        if image.command:
            container.with_command(list(image.command))
        container.with_volume_mapping(self.name, image.folder, "rw").start()
