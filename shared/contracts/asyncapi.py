"""The AsyncAPI 3.0 document of the bus, made from ``Topic`` and kept in ``docs/asyncapi.json``.

Source: AsyncAPI Specification 3.0.0.
"""

from typing import Any

from shared.contracts.envelope import event_type
from shared.contracts.schemas import current
from shared.contracts.topics import SERVICES, Topic

HEARD_BY = {
    Topic.RECORDS: ("linkage",),
    Topic.FACTS: ("scoring",),
    Topic.ENTITIES: ("scoring", "alerts"),
    Topic.SCORES: ("alerts",),
    Topic.ALERTS: (),
    Topic.ACCESSES: ("audit",),
    Topic.DEAD_LETTERS: (),
    Topic.SESSIONS: (),
}
"""Which services hear a topic: what their handlers are marked with (``hears``), which is not seen from here. A test
compares the two, for "nothing lost" is proved by this (local/reconcile.py)."""
HEADERS = {
    "ce_specversion": "Always 1.0.",
    "ce_id": "Unique in its source; with it and its time of acceptance, the key of every inbox.",
    "ce_source": "/services/<name>.",
    "ce_type": "The contract and its version.",
    "ce_time": "When it happened (RFC 3339).",
    "ce_acceptedtime": "When ingest accepted its first cause (RFC 3339).",
    "traceparent": "W3C Trace Context.",
    "content-type": "application/json.",
}


def read_by(topic: Topic) -> tuple[str, ...]:
    """The services that read a topic: those that hear it, or all."""
    return SERVICES if topic.spec.everywhere else HEARD_BY[topic]


def document() -> dict[str, Any]:
    """The whole bus as one document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jigsaw's bus",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka's binary mode. None carries identity after linkage.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.spec.name: _channel(topic) for topic in Topic},
        "operations": {operation["name"]: _operation(operation) for topic in Topic for operation in _uses(topic)},
        "components": {"messages": {topic.spec.body.__name__: _message(topic) for topic in Topic}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    spec = topic.spec
    return {
        "address": spec.name,
        "description": f"{_first_line(spec.body.__doc__)} Said by {spec.owner}.",
        "messages": {spec.body.__name__: {"$ref": f"#/components/messages/{spec.body.__name__}"}},
        "bindings": {
            "kafka": {
                "partitions": spec.partitions,
                "topicConfiguration": {"retention.ms": spec.retention_days * 86_400_000},
            }
        },
    }


def _message(topic: Topic) -> dict[str, Any]:
    spec = topic.spec
    headers = {name: {"type": "string", "description": text} for name, text in HEADERS.items()}
    return {
        "name": event_type(spec.body),
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers},
        "payload": _inlined(current(topic)),
        "bindings": {"kafka": {"key": {"type": "string", "description": spec.keyed_by}}},
    }


def _uses(topic: Topic) -> list[dict[str, Any]]:
    spec = topic.spec
    said = [{"name": f"{owner}.says.{spec.name}", "action": "send", "topic": topic} for owner in spec.said_by]
    heard = [{"name": f"{ear}.hears.{spec.name}", "action": "receive", "topic": topic} for ear in read_by(topic)]
    return said + heard


def _operation(use: dict[str, Any]) -> dict[str, Any]:
    return {"action": use["action"], "channel": {"$ref": f"#/channels/{use['topic'].spec.name}"}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """References inside a payload resolved, so that the document needs no second place for definitions."""
    definitions = schema.get("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolve(definitions[part["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(value) for key, value in part.items() if key != "$defs"}
        return [resolve(item) for item in part] if isinstance(part, list) else part

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]
