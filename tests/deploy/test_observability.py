"""Alerts, dashboard and runbook: each alert comes when it should, names metrics that exist, and says what to do."""

import json
import re
import subprocess
from importlib import import_module

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from shared.contracts import SERVICES
from tests.deploy.files import OBSERVABILITY, ROOT, read, tool

RULES = [rule for group in read(OBSERVABILITY / "rules.yml")["groups"] for rule in group["rules"]]
TESTS = ("rules_test.yml", "rules_days_test.yml")
FROM_ELSEWHERE = {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"}
NAME = re.compile(r"\b(?:jigsaw|process)_[a-z_]+")


def metrics() -> set[str]:
    """Every name that a service's /metrics may show."""
    for module in ("shared.telemetry", *(f"services.{name}.metrics" for name in SERVICES)):
        import_module(module)
    names = {name for metric in REGISTRY.collect() for name in (metric.name, f"{metric.name}_total")}
    return names | {f"{name}_{part}" for name in names for part in ("bucket", "count", "sum")} | FROM_ELSEWHERE


def test_alerts_come_when_they_should_and_stay_away_when_they_should() -> None:
    done = subprocess.run(
        [tool("promtool"), "test", "rules", *TESTS], cwd=OBSERVABILITY, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_every_alert_has_a_test_in_which_it_comes() -> None:
    cases = [case for name in TESTS for test in read(OBSERVABILITY / name)["tests"] for case in test["alert_rule_test"]]
    assert {rule["alert"] for rule in RULES} == {case["alertname"] for case in cases if case["exp_alerts"]}


def test_every_alert_and_panel_names_metrics_that_exist() -> None:
    dashboard = json.loads((OBSERVABILITY / "grafana" / "dashboards" / "jigsaw.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in [*asked, *(rule["expr"] for rule in RULES)] for name in NAME.findall(expression)}
    assert named - metrics() == set()


@pytest.mark.parametrize("name", SERVICES)
def test_every_metric_of_a_service_begins_with_its_name(name: str) -> None:
    ours = [
        each for each in vars(import_module(f"services.{name}.metrics")).values() if isinstance(each, MetricWrapperBase)
    ]
    found = [family.name for metric in ours for family in metric.collect()]
    assert found
    assert [metric for metric in found if not metric.startswith(f"jigsaw_{name}_")] == []


def test_every_alert_has_its_section_in_the_runbook() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_the_runbook_names_metrics_and_log_events_that_exist() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    code = "".join(path.read_text() for folder in ("shared", "services") for path in (ROOT / folder).rglob("*.py"))
    assert set(NAME.findall(text)) - metrics() == set()
    events = set(re.findall(r"`([a-z]+\.[a-z_]+)`", text))
    assert {event for event in events if f'"{event}"' not in code} == set()
    assert set(re.findall(r'critical\("([a-z._]+)"', code)) - events == set()


def test_prometheus_asks_every_service() -> None:
    [job] = read(OBSERVABILITY / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{name}:8000" for name in SERVICES]
    subprocess.run([tool("promtool"), "check", "config", OBSERVABILITY / "prometheus.yml"], check=True)


def test_alertmanager_understands_its_configuration() -> None:
    subprocess.run([tool("amtool"), "check-config", OBSERVABILITY / "alertmanager.yml"], check=True)
