"""The services' READMEs: one order of sections in all, and no table or metric of the service that is not in its own."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from shared.contracts import SERVICES
from tests.deploy.files import ROOT

SECTIONS = [
    "What it hears and says", "How it decides", "What holds", "Tables", "Metrics", "How it fails", "Settings",
]  # fmt: skip
"""With these each begins; what only this service has to tell comes after."""


def readme(name: str) -> Path:
    return ROOT / "services" / name / "README.md"


def section(name: str, title: str) -> str:
    return readme(name).read_text().split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("name", SERVICES)
def test_it_begins_with_the_sections_that_all_have(name: str) -> None:
    assert re.findall(r"^## (.+)$", readme(name).read_text(), re.MULTILINE)[: len(SECTIONS)] == SECTIONS


@pytest.mark.parametrize("name", SERVICES)
def test_it_names_the_tables_that_the_migrations_make(name: str) -> None:
    made = "".join(path.read_text() for path in (ROOT / "services" / name / "migrations").glob("*.sql"))
    shared = "".join(path.read_text() for path in (ROOT / "shared" / "migrations").glob("*.sql"))
    first_column = "".join(re.findall(r"^\|([^|]*)\|", section(name, "Tables"), re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", first_column)) == set(re.findall(r"CREATE TABLE (\w+)", made))
    delivery = re.search(r"^And the shared (.*)\.$", section(name, "Tables"), re.MULTILINE)
    assert delivery
    assert set(re.findall(r"`(\w+)`", delivery[1])) == set(re.findall(r"CREATE TABLE (\w+)", shared))


@pytest.mark.parametrize("name", SERVICES)
def test_it_names_the_metrics_that_the_service_has(name: str) -> None:
    ours = [
        each for each in vars(import_module(f"services.{name}.metrics")).values() if isinstance(each, MetricWrapperBase)
    ]
    shown = {
        family.name + ("_total" if family.type == "counter" else "") for metric in ours for family in metric.collect()
    }
    named = set(re.findall(rf"`(jigsaw_{name}_\w+)`", section(name, "Metrics")))
    assert named == shown


@pytest.mark.parametrize("name", SERVICES)
def test_it_names_the_settings_that_only_this_service_has(name: str) -> None:
    told = ROOT / "services" / name / "settings.py"
    own = re.findall(r"^    (\w+): \w+ = Field\(", told.read_text(), re.MULTILINE) if told.exists() else []
    assert set(re.findall(r"`(JIGSAW_\w+)`", section(name, "Settings"))) == {f"JIGSAW_{one.upper()}" for one in own}


def test_sections_of_the_runbook_that_they_name_exist() -> None:
    runbook = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE))
    named = {word for name in SERVICES for word in re.findall(r"\b[A-Z]\w+[a-z][A-Z]\w+\b", section(name, "Metrics"))}
    assert named - runbook == set()
