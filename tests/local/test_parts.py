"""Real Kafka, PostgreSQL and Valkey: started once, found again, and alive after a crash with all they acknowledged."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis import Redis
from redis.exceptions import AuthenticationError

from local import daemon
from local.daemon import Command
from local.home import PROJECT, Home, StackError
from local.parts.jars import Jar, _fetched, _maven
from local.parts.kafka import Kafka, cluster_id
from local.parts.postgres import Postgres
from local.parts.valkey import Valkey
from local.stack import Parts, running_parts, start_parts
from shared.kafka import client

RECORDS = 2000


@pytest.fixture(scope="module")
def up(own_home: Home) -> Parts:
    return start_parts(own_home)


@pytest.fixture(scope="module")
def own_home(own_home: Home) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("JIGSAW_KAFKA", "JIGSAW_POSTGRES", "JIGSAW_REDIS"):
            patch.delenv(variable, raising=False)
        yield own_home


def test_each_part_says_what_it_really_is(up: Parts) -> None:
    told = {part.name: part for part in up.described}
    assert set(told) == {"Apache Kafka", "PostgreSQL", "Valkey"}
    assert all(part.version[0].isdigit() and "@" not in part.address for part in told.values())


def test_starting_again_starts_nothing(own_home: Home, up: Parts) -> None:
    before = [running.pid for running in daemon.everyone(own_home)]
    begun = time.monotonic()
    assert start_parts(own_home) == up == running_parts(own_home)
    assert time.monotonic() - begun < 5
    assert [running.pid for running in daemon.everyone(own_home)] == before


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    ids = [cluster_id(uuid.UUID(int=number << 120)) for number in range(256)]
    assert {len(each) for each in ids} == {22}
    assert not [each for each in ids if each.startswith("-")]


def test_two_starters_at_once_start_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    code = "import sys; from pathlib import Path; from local.home import Home; from local.parts.valkey import Valkey\n"
    code += "valkey = Valkey(Home(Path(sys.argv[1]))); valkey.start(); print(valkey.pid)"
    argv = [sys.executable, "-c", code, str(home.path)]
    starters = [subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {starter.communicate()[0].strip() for starter in starters}
    assert pids == {str(Valkey(home).pid)}
    Valkey(home).stop()


async def test_everybody_needs_a_password(up: Parts) -> None:
    scheme, _, rest = up.postgres.partition("://")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{scheme}://postgres:guess@{rest.partition('@')[2]}")
    with pytest.raises(AuthenticationError), Redis(port=int(up.redis.rpartition(":")[2].partition("/")[0])) as client:
        client.ping()


async def test_kill_9_of_kafka_keeps_every_acknowledged_record(own_home: Home, up: Parts) -> None:
    kafka = Kafka(own_home)
    await make_topic(up.kafka, "kept")
    async with AIOKafkaProducer(**client(up.kafka), enable_idempotence=True, acks="all") as producer:
        sent = [await producer.send("kept", str(number).encode()) for number in range(RECORDS)]
        for acknowledgement in sent:
            await acknowledgement
        kafka.kill()
        assert kafka.pid is None
        assert kafka.start() == up.kafka, "its port stays, so that clients find it again"
        await producer.send_and_wait("kept", b"after")
    assert await read_all(up.kafka, "kept", RECORDS + 1) == [*(str(n).encode() for n in range(RECORDS)), b"after"]


async def test_kill_9_of_postgresql_keeps_what_was_committed(own_home: Home, up: Parts) -> None:
    postgres = Postgres(own_home)
    connection = await asyncpg.connect(up.postgres)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)")
    postgres.kill()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await _ask_until_it_fails(connection)
    assert postgres.start() == up.postgres
    connection = await asyncpg.connect(up.postgres)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1000
    await connection.close()


def test_a_lock_file_that_names_a_living_stranger_does_not_stop_postgresql(own_home: Home, up: Parts) -> None:
    postgres = Postgres(own_home)
    data = own_home.path / "postgres" / "data"
    owner = data.stat()
    postgres.kill()
    stranger = subprocess.Popen(
        ["sleep", "30"], user=owner.st_uid, group=owner.st_gid, start_new_session=True,
        extra_groups=None if owner.st_uid == Path.home().stat().st_uid else [],
    )  # fmt: skip
    try:
        lock = data / "postmaster.pid"
        lock.write_text("\n".join([str(stranger.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        assert postgres.start() == up.postgres
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_part_that_does_not_answer_any_more_is_replaced(own_home: Home, up: Parts) -> None:
    valkey = Impatient(own_home)
    frozen = valkey.running
    assert frozen is not None
    daemon.signalled(frozen, signal.SIGSTOP)
    assert valkey.start() == up.redis
    assert valkey.pid != frozen.pid


def test_a_port_taken_meanwhile_is_left_to_its_taker(own_home: Home, up: Parts) -> None:
    valkey = Valkey(own_home)
    running = valkey.running
    assert running is not None
    valkey.stop()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", running.port))
        taker.listen()
        address = valkey.start()
    assert address != up.redis
    with Redis.from_url(address) as client:
        assert client.ping()


def test_a_part_that_cannot_start_says_why_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"(?s)ended while it was starting.*no batteries.*jigsaw down"):
        Broken(Home(tmp_path / "home")).start()


def test_an_address_in_the_environment_wins(own_home: Home, up: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIGSAW_KAFKA", up.kafka)
    monkeypatch.setenv("JIGSAW_POSTGRES", up.postgres)
    told = {part.name: part.kind for part in start_parts(own_home).described}
    assert told == {"Apache Kafka": "environment", "PostgreSQL": "environment", "Valkey": "embedded"}


def test_an_address_in_the_environment_that_does_not_answer_is_named(
    own_home: Home, up: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIGSAW_REDIS", f"redis://:secret@127.0.0.1:{own_home.port('nobody')}/0")
    with pytest.raises(StackError, match="JIGSAW_REDIS") as refusal:
        start_parts(own_home)
    assert "secret" not in str(refusal.value)


def test_a_jar_that_is_not_the_pinned_one_never_runs(tmp_path: Path) -> None:
    forged = Jar("org.slf4j", "slf4j-api", "1.7.36", sha256="0" * 64)
    with pytest.raises(StackError, match=r"not the file that kafka\.lock\.toml pins"):
        _fetched(_maven(tmp_path), forged)
    assert not list(tmp_path.rglob("*.jar"))


class Impatient(Valkey):
    patience = 2


class Broken(Valkey):
    name = "broken"

    def command(self, port: int) -> Command:
        return Command(["sh", "-c", "echo no batteries; exit 3"], env={"PATH": "/usr/bin:/bin"})


async def make_topic(servers: str, name: str) -> None:
    admin = AIOKafkaAdminClient(**client(servers))
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()


async def read_all(servers: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(**client(servers), auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        found: list[bytes] = []
        while len(found) < count:
            batches = await consumer.getmany(timeout_ms=10_000)
            assert batches, f"only {len(found)} of {count} records are there"
            found += [record.value for batch in batches.values() for record in batch]
        return found
    finally:
        await consumer.stop()


async def _ask_until_it_fails(connection: asyncpg.Connection) -> None:
    """A backend sees a moment later that its server has died."""
    async with asyncio.timeout(10):
        while True:
            await connection.execute("SELECT 1")
