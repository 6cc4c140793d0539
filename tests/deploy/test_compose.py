"""docker-compose.yml: it fits the specification, and what it tells the processes is what they want to know."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.contracts import SERVICES
from shared.secrets import make
from shared.service import GRACE_SECONDS
from tests.deploy.files import ROOT, compose, ours, settings_of, variables_of

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parent / "schema" / "compose-spec.json").read_text()))
RUN = {name: each for name, each in ours().items() if name != "secrets"}
SECRET_NAMES = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|DATABASE|POSTGRES$")
PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s]*:[^/\s]*@")


def test_it_fits_the_compose_specification() -> None:
    assert [error.message for error in SCHEMA.iter_errors(compose())] == []


def test_a_misspelt_key_would_be_found() -> None:
    wrong = compose()
    wrong["services"]["ingest"]["depend_on"] = wrong["services"]["ingest"].pop("depends_on")
    assert not SCHEMA.is_valid(wrong)


def test_what_is_named_is_there() -> None:
    """Services that others wait for, volumes, networks, and files of this project."""
    content = compose()
    for name, each in content["services"].items():
        assert set(each.get("depends_on", ())) <= set(content["services"]), name
        assert set(each.get("networks", ())) <= set(content["networks"]), name
        for source in _sources(each):
            assert (ROOT / source).exists() if source.startswith("./") else source in content["volumes"], (name, source)


def test_a_service_that_is_waited_for_until_it_is_healthy_can_tell_its_health() -> None:
    content = compose()["services"]
    for each in content.values():
        for name, wish in each.get("depends_on", {}).items():
            asked = content[name]
            tells = "healthcheck" in asked or asked["image"] == "jigsaw:local"  # the image has one for all services
            assert wish["condition"] != "service_healthy" or tells, name


@pytest.mark.parametrize("name", RUN)
def test_every_variable_is_one_that_the_process_reads(name: str) -> None:
    known = set().union(*(variables_of(settings_of(_module(each))) for each in RUN.values()))
    told = {variable for variable in RUN[name].get("environment", {}) if variable.startswith("JIGSAW_")}
    assert told <= known


@pytest.mark.parametrize("name", RUN)
def test_environment_and_secrets_are_all_a_process_needs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, {})
    for variable, value in (RUN[name].get("environment", {}) | {"JIGSAW_HTTP_PORT": 8000}).items():
        monkeypatch.setenv(variable, str(value))
    [folder] = [volume["volume"]["subpath"] for volume in RUN[name]["volumes"] if isinstance(volume, dict)]
    settings_of(_module(RUN[name]))(_secrets_dir=tmp_path / folder)


def test_every_image_is_pinned_to_a_version() -> None:
    images = {each["image"] for each in compose()["services"].values()} - {"jigsaw:local"}
    assert [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?$", image)] == []


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not PASSWORD_IN_ADDRESS.search(text)
    for name, each in compose()["services"].items():
        secret = {
            v for v in each.get("environment", {}) if SECRET_NAMES.search(v) and not v.startswith("GF_SECURITY_DIS")
        }
        assert all(variable.endswith("_FILE") for variable in secret), name


def test_only_this_machine_is_answered() -> None:
    ports = chain.from_iterable(each.get("ports", ()) for each in compose()["services"].values())
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", RUN)
def test_our_processes_can_write_only_where_they_must(name: str) -> None:
    each = RUN[name]
    assert each["read_only"]
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    writable = {volume for volume in each["volumes"] if isinstance(volume, str)}
    assert writable == {"audit": {"witness:/var/lib/jigsaw/witness"}, "issuer": {"issuer:/var/lib/jigsaw/home"}}.get(
        name, set()
    )


def test_all_five_services_run_and_have_time_to_leave() -> None:
    assert set(SERVICES) <= set(RUN)
    for name in SERVICES:
        assert int(RUN[name]["stop_grace_period"].removesuffix("s")) > 2 * GRACE_SECONDS


def test_the_broker_takes_messages_as_large_as_the_local_one() -> None:
    local = re.search(r"message\.max\.bytes=(\d+)", (ROOT / "local" / "parts" / "kafka.py").read_text())
    assert local
    assert compose()["services"]["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == int(local[1])


def _module(service: dict[str, Any]) -> str:
    return str(service["command"][2])


def _sources(service: dict[str, Any]) -> Iterator[str]:
    for volume in service.get("volumes", ()):
        yield volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
