"""Kafka lets nobody in who has no password, and each service do what its part of the flow asks; nothing else."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)
from aiokafka.errors import KafkaError as Refused
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as Place
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.home import Home
from local.parts.kafka import Kafka, has_brokers
from shared.admin import create_topics
from shared.contracts import SERVICES, Topic
from shared.kafka import client, librdkafka, read, signed_in, without_user
from shared.rights import grant

DAY = datetime.timedelta(days=1)
WORDS = {service: f"{service}'s word, / and @" for service in SERVICES}
EVERYWHERE = {"jigsaw.sessions"}
NEWS = {"audit.accesses", "jigsaw.dead-letters", *EVERYWHERE}
SAYS = {
    "ingest": {"ingest.records"}, "linkage": {"linkage.facts", "linkage.entities"}, "scoring": {"scoring.scores"},
    "alerts": {"alerts.alerts"}, "audit": set[str](),
}  # fmt: skip
HEARS = {
    "ingest": set[str](), "linkage": {"ingest.records"}, "scoring": {"linkage.facts", "linkage.entities"},
    "alerts": {"scoring.scores", "linkage.entities"}, "audit": {"audit.accesses"},
}  # fmt: skip


class Encrypted(Kafka):
    """The broker with TLS, as clusters have it, under a certificate of its own authority."""

    def address(self, port: int) -> str:
        return super().address(port).replace("kafka://", "kafkas://") + f"&ca={self._folder / 'ca.pem'}"

    def _settings(self, port: int, data: Path) -> Path:
        file = super()._settings(port, data)
        _certify(self._folder)
        with file.open("a") as more:
            more.write(
                "listener.security.protocol.map=CLIENTS:SASL_SSL,CONTROLLER:SASL_PLAINTEXT\n"
                f"ssl.keystore.type=PEM\nssl.keystore.location={self._folder / 'server.pem'}\n"
                f"ssl.truststore.type=PEM\nssl.truststore.location={self._folder / 'ca.pem'}\n"
            )
        return file


def _certify(folder: Path) -> None:
    """``server.pem`` and ``ca.pem``: one certificate, which is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "server.pem").write_bytes(secret + certificate.public_bytes(pem))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = Home(tmp_path_factory.mktemp("encrypted") / "home")
    home.make()
    broker = Encrypted(home)
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture(scope="module")
async def granted(encrypted: str) -> str:
    """The broker's address for who has yet to say who they are; something is on each topic."""
    await create_topics(encrypted)
    await grant(encrypted, WORDS)
    await grant(encrypted, WORDS)  # every start does
    async with AIOKafkaProducer(**client(encrypted)) as producer:
        for topic in Topic:
            await producer.send_and_wait(topic.spec.name, b"{}", partition=0)
    return without_user(encrypted)


async def may_write(address: str, topic: str) -> bool:
    async with AIOKafkaProducer(**client(address), acks="all", enable_idempotence=True) as producer:
        try:
            await producer.send_and_wait(topic, b"{}")
        except TopicAuthorizationFailedError:
            return False
    return True


def may_read(address: str, topic: str) -> bool:
    """Whether the first message comes, or that it is not for them; a group is not asked for."""
    consumer = Consumer({**librdkafka(address), "group.id": "nobody", "enable.auto.commit": False})
    try:
        if consumer.list_topics(topic, 30).topics[topic].error is not None:
            return False
        consumer.assign([Place(topic, 0, 0)])
        while (heard := consumer.poll(30)) is not None:
            if heard.error() is None:
                return True
            if heard.error().code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                return False
        pytest.fail("neither a message nor a refusal")
    finally:
        consumer.close()


async def may_follow(address: str, group: str) -> bool:
    consumer = AIOKafkaConsumer(**client(address), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer.committed(TopicPartition(Topic.RECORDS.spec.name, 0))
    except GroupAuthorizationFailedError:
        return False
    except Refused as refusal:
        if TopicAuthorizationFailedError.__name__ not in str(refusal):  # the group is theirs, that topic is not
            raise
    finally:
        await consumer.stop()
    return True


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_writes_what_it_says_and_reads_what_it_hears(granted: str, service: str) -> None:
    address = signed_in(granted, service, WORDS[service])
    names = {topic.spec.name for topic in Topic}
    assert {name for name in names if await may_write(address, name)} == SAYS[service] | NEWS
    assert {name for name in names if may_read(address, name)} == HEARS[service] | EVERYWHERE
    assert {group for group in SERVICES if await may_follow(address, group)} == {service}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_administers_nothing(granted: str, service: str) -> None:
    admin = AIOKafkaAdminClient(**client(signed_in(granted, service, WORDS[service])))
    await admin.start()
    try:
        made = await admin.create_topics([NewTopic("theirs", 1, 1)])
        gone = await admin.delete_topics([Topic.ACCESSES.spec.name])
        assert made.topic_errors[0][1] == gone.topic_error_codes[0][1] == TopicAuthorizationFailedError.errno
    finally:
        await admin.close()


@pytest.mark.parametrize("word", ["", "ingest's word"])
async def test_nobody_comes_in_with_another_password(granted: str, word: str) -> None:
    with pytest.raises(KafkaConnectionError):
        await may_write(signed_in(granted, "ingest", word), Topic.RECORDS.spec.name)


async def test_nobody_comes_in_without_one(granted: str) -> None:
    assert not await has_brokers(granted)


def test_an_address_is_read_and_written() -> None:
    told = read("kafkas://a%40b:c%2Fd@one:1,two:2?mechanism=PLAIN&ca=/some/ca.pem")
    assert told == ("one:1,two:2", True, "a@b", "c/d", "PLAIN", "/some/ca.pem")
    assert read(signed_in("kafka://one:1", "a@b", "c/d")) == ("one:1", False, "a@b", "c/d", "SCRAM-SHA-512", "")
    assert without_user("kafkas://a:b@one:1?mechanism=PLAIN&ca=/x/ca.pem") == "kafkas://one:1?ca=%2Fx%2Fca.pem"


def test_an_address_without_passwords_stays_as_it_is() -> None:
    assert signed_in("one:1,two:2", "ingest", "word") == without_user("one:1,two:2") == "one:1,two:2"
    assert client("one:1,two:2") == {"bootstrap_servers": "one:1,two:2"}


def test_who_is_named_stays_who_signs_in() -> None:
    assert signed_in("kafka://boss:word@one:1", "ingest", "other") == "kafka://boss:word@one:1"


@pytest.mark.parametrize(
    "address", ["http://one:1", "kafka://", "kafka://a:geheim@", "kafka://a:geheim@one:1/x", "kafka://a:geheim@one?x=y",
                "kafka://a:geheim@one:1?mechanism=NONE"],
)  # fmt: skip
def test_another_address_is_refused_without_telling_the_password(address: str) -> None:
    with pytest.raises(ValueError, match="Kafka's address") as refusal:
        read(address)
    assert "geheim" not in str(refusal.value)


async def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(encrypted: str) -> None:
    trusting_the_system = encrypted.partition("&ca=")[0]
    assert isinstance(client(trusting_the_system)["ssl_context"], ssl.SSLContext)
    assert await has_brokers(encrypted)
    assert not await has_brokers(trusting_the_system)


async def test_a_broker_that_asks_for_tls_is_not_spoken_to_without(encrypted: str) -> None:
    assert not await has_brokers(encrypted.replace("kafkas://", "kafka://").partition("&ca=")[0])
