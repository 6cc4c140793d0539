"""Topics as the code states them, whatever they were."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from local.stack import Parts
from shared.admin import DAY_MS, create_topics
from shared.contracts import Topic
from shared.kafka import client

NAME = Topic.ACCESSES.spec.name


async def retention_of(client: AIOKafkaAdminClient) -> int:
    (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, NAME)])
    said = {name: value for *_, settings in answer.resources for name, value, *_ in settings}
    return int(said["retention.ms"])


async def becomes(client: AIOKafkaAdminClient, retention: int) -> None:
    """A broker answers before it has heard of it itself."""
    async with asyncio.timeout(20):
        while await retention_of(client) != retention:  # noqa: ASYNC110 (it can only be asked)
            await asyncio.sleep(0.05)


async def test_a_topic_that_an_earlier_release_made_keeps_what_this_one_says(parts: Parts, topics: None) -> None:
    admin = AIOKafkaAdminClient(**client(parts.kafka))
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, NAME, {"retention.ms": str(DAY_MS)})])
        await becomes(admin, DAY_MS)
        assert await create_topics(parts.kafka) == []
        await becomes(admin, Topic.ACCESSES.spec.retention_days * DAY_MS)
    finally:
        await admin.close()
