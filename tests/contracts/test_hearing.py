"""What the bus's document says of who hears what is what the services do: their wiring, asked, without a broker."""

from importlib import import_module
from pathlib import Path

import pytest

from shared.contracts import SERVICES
from shared.contracts.asyncapi import HEARD_BY
from shared.contracts.topics import Topic
from shared.secrets import make
from tests.deploy.files import settings_of


@pytest.mark.parametrize("name", SERVICES)
async def test_who_is_said_to_hear_a_topic_hears_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, {})
    monkeypatch.setenv("JIGSAW_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("JIGSAW_REDIS", "redis://127.0.0.1:9/0")
    module = f"services.{name}.main"
    service = import_module(module).service(settings_of(module)(_secrets_dir=tmp_path / name))
    heard = [] if service.bus is None else service.bus.topics
    assert len(set(heard)) == len(heard)
    assert set(heard) == {topic for topic in Topic if name in HEARD_BY[topic]}


def test_every_topic_is_accounted_for() -> None:
    assert set(HEARD_BY) == set(Topic)
    assert set().union(*HEARD_BY.values()) <= set(SERVICES)
