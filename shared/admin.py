"""What is prepared once before services run: the topics."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts import Topic
from shared.kafka import client

DAY_MS = 24 * 3600 * 1000
LARGEST_BYTES = 2 * 1024 * 1024


async def create_topics(address: str, *, replication: int = 1) -> list[str]:
    """Create the topics that are not there, as ``Topic`` states them; the names of those created. What those that are
    there keep, and for how long, is set anew: a release may say otherwise than the one before."""
    admin = AIOKafkaAdminClient(**client(address))
    await admin.start()
    try:
        there = set(await admin.list_topics())
        wanted = [_new(topic, replication) for topic in Topic if topic.spec.name not in there]
        if wanted:
            answer = await admin.create_topics(wanted)
            for name, code, *_ in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise error(f"topic {name} was not created")
        old = [topic for topic in Topic if topic.spec.name in there]
        if old:
            said = [ConfigResource(ConfigResourceType.TOPIC, one.spec.name, _settings(one, replication)) for one in old]
            for code, message, _, name in (each for one in await admin.alter_configs(said) for each in one.resources):
                if code:
                    raise for_code(code)(f"topic {name} was not brought to what this release says: {message}")
        return [topic.name for topic in wanted]
    finally:
        await admin.close()


def _new(topic: Topic, replication: int) -> NewTopic:
    spec = topic.spec
    return NewTopic(spec.name, spec.partitions, replication, topic_configs=_settings(topic, replication))


def _settings(topic: Topic, replication: int) -> dict[str, str]:
    return {
        "retention.ms": str(topic.spec.retention_days * DAY_MS),
        "segment.ms": str(DAY_MS // 2),  # only closed segments are cleaned: shared/prune.py relies on it
        "min.insync.replicas": str(min(2, replication)),
        "max.message.bytes": str(LARGEST_BYTES),
    }
