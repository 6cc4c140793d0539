"""What each service may do on the bus: write what it says, read what it hears. Nothing else, whoever took it over.

It is what ``Topic`` and ``read_by`` say, so no second list of it can differ. Done with confluent-kafka, since aiokafka
makes no users and no rights.
"""

import asyncio
from collections.abc import Iterator, Mapping

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from shared.contracts import Topic
from shared.contracts.asyncapi import read_by
from shared.kafka import librdkafka

SECONDS = 30
ITERATIONS = 4096
"""The least that Kafka takes; the passwords are random and long."""


def rights(service: str) -> Iterator[AclBinding]:
    """Of a service, which is a user and a consumer group of its own name."""
    for topic in Topic:
        if service in topic.spec.said_by:
            yield _may(service, ResourceType.TOPIC, topic.spec.name, AclOperation.WRITE)
        if service in read_by(topic):
            yield _may(service, ResourceType.TOPIC, topic.spec.name, AclOperation.READ)
    yield _may(service, ResourceType.GROUP, service, AclOperation.READ)


async def grant(address: str, passwords: Mapping[str, str]) -> None:
    """Make the services' users, by ``passwords``, and give them their rights; harmless when they have them.

    ``address``: an administrator's. Raises ``KafkaException`` when the cluster refuses.
    """
    await asyncio.to_thread(_grant, address, passwords)


def _grant(address: str, passwords: Mapping[str, str]) -> None:
    admin = AdminClient(librdkafka(address))
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    users = [UserScramCredentialUpsertion(name, info, word.encode()) for name, word in passwords.items()]
    theirs = [right for name in passwords for right in rights(name)]
    for futures in (admin.alter_user_scram_credentials(list(users)), admin.create_acls(theirs)):
        for future in futures.values():
            future.result(SECONDS)


def _may(service: str, sort: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    return AclBinding(sort, name, literal, f"User:{service}", "*", operation, allow)
