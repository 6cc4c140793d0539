"""deploy/k8s: valid to the letter, and in step with the code: variables, secrets, topics, who calls whom."""

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from shared.contracts import SERVICES, Topic
from shared.secrets import make
from shared.service import GRACE_SECONDS
from tests.deploy.files import K8S, ROOT, read, settings_of, tool, variables_of

VERSION = "1.37"
OUTBOX_SECONDS = 10
BATCH_SECONDS = 5
KUSTOMIZATION = read(K8S / "kustomization.yaml")
DOCUMENTS: list[dict[str, Any]] = list(
    chain.from_iterable(yaml.safe_load_all((K8S / name).read_text()) for name in KUSTOMIZATION["resources"])
)
WORKLOADS = {each["metadata"]["name"]: each for each in DOCUMENTS if each["kind"] in ("Deployment", "Job")}
SCALED = {each["metadata"]["name"]: each for each in yaml.safe_load_all((K8S / "keda" / "scaling.yaml").read_text())}
CONFIG: dict[str, str] = next(each["data"] for each in DOCUMENTS if each["kind"] == "ConfigMap")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_each_resource_fits_the_api(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("components", [[], ["keda"]], ids=["as it is", "with KEDA"])
def test_kustomize_builds_it(components: list[str], tmp_path: Path) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    (tmp_path / "k8s" / "kustomization.yaml").write_text(yaml.safe_dump(KUSTOMIZATION | {"components": components}))
    built = subprocess.run([tool("kubectl"), "kustomize", tmp_path / "k8s"], capture_output=True, check=True).stdout
    resources = list(yaml.safe_load_all(built))
    for each in resources:
        if each["apiVersion"] != "keda.sh/v1alpha1":
            kubernetes_validate.validate(each, VERSION, strict=True)
    fixed = {each["metadata"]["name"] for each in resources if "replicas" in each.get("spec", {})}
    assert fixed == set(SERVICES) - (set(SCALED) if components else set())
    images = set(re.findall(r"image: (.*)", built.decode()))
    assert all(re.search(r":\d", image) for image in images)


def test_the_job_that_works_on_models_is_confined_as_linkage_is() -> None:
    job = read(K8S / "models" / "job.yaml")
    kubernetes_validate.validate(job, VERSION, strict=True)
    [ours], [linkage] = job["spec"]["template"]["spec"]["containers"], _pod("linkage")["containers"]
    assert ours["securityContext"] == linkage["securityContext"]
    assert ours["command"] == [*linkage["command"][:2], "services.linkage.commands"]


def test_every_file_is_used() -> None:
    files = {path.name for path in K8S.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])


def test_every_variable_is_one_that_a_process_reads() -> None:
    known = set().union(*(variables_of(settings_of(_command(each))) for each in WORKLOADS.values()))
    assert set(CONFIG) <= known


@pytest.mark.parametrize("name", WORKLOADS)
def test_config_and_secret_are_all_a_process_needs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, {"JIGSAW_POSTGRES": "postgresql://admin:x@db:5432/postgres?sslmode=require"})
    for variable, value in CONFIG.items():
        monkeypatch.setenv(variable, value)
    [secret] = [volume["secret"]["secretName"] for volume in _pod(name)["volumes"] if "secret" in volume]
    settings_of(_command(WORKLOADS[name]))(_secrets_dir=tmp_path / secret.removeprefix("jigsaw-"))
    assert f"jigsaw-{name}" == secret


def test_the_guide_makes_every_secret() -> None:
    guide = (ROOT / "deploy" / "README.md").read_text()
    loop = re.search(r"for name in (.*); do\n.*create secret generic jigsaw-\$name", guide)
    assert loop, "deploy/README.md should make the secrets in a loop"
    assert set(loop[1].split()) == set(WORKLOADS)


@pytest.mark.parametrize("name", WORKLOADS)
def test_pods_are_confined(name: str) -> None:
    pod = _pod(name)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_probed_where_they_answer_and_have_time_to_leave(name: str) -> None:
    [container] = _pod(name)["containers"]
    source = (ROOT / "shared" / "service.py").read_text()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f'"{container[probe]["httpGet"]["path"]}"' in source
    leaving = container["lifecycle"]["preStop"]["sleep"]["seconds"] + GRACE_SECONDS + OUTBOX_SECONDS + BATCH_SECONDS
    assert _pod(name)["terminationGracePeriodSeconds"] > leaving


def test_network_policies_are_who_calls_whom_in_the_code() -> None:
    called = {
        (caller, callee)
        for caller in SERVICES
        for path in (ROOT / "services" / caller).rglob("*.py")
        for callee in re.findall(r"settings\.(\w+)_url\b", path.read_text())
    }
    policies = [each["spec"] for each in DOCUMENTS if each["kind"] == "NetworkPolicy"]
    let_in = {(who, _app(p["podSelector"])) for p in policies for who in _peers(p.get("ingress", ()), "from")}
    let_out = {(_app(p["podSelector"]), whom) for p in policies for whom in _peers(p.get("egress", ()), "to")}
    assert called == let_in == let_out
    assert {f"JIGSAW_{callee.upper()}_URL" for _, callee in called} == {v for v in CONFIG if v.endswith("_URL")}


def test_scaling_knows_the_topics() -> None:
    topics = {topic.spec.name: topic.spec for topic in Topic}
    for name, each in SCALED.items():
        for trigger in each["spec"]["triggers"]:
            if trigger["type"] != "kafka":
                continue
            told = trigger["metadata"]
            assert told["consumerGroup"] == name
            assert each["spec"]["maxReplicaCount"] <= topics[told["topic"]].partitions
            assert told["bootstrapServers"].replace(f".{KUSTOMIZATION['namespace']}", "") == CONFIG["JIGSAW_KAFKA"]


def test_services_that_work_alone_are_not_scaled() -> None:
    alone = {name for name in SERVICES if "alone=True" in (ROOT / "services" / name / "main.py").read_text()}
    assert alone & set(SCALED) == set()


def test_the_address_leads_to_every_service() -> None:
    [ingress] = [each for each in DOCUMENTS if each["kind"] == "Ingress"]
    paths = {path["path"]: path["backend"]["service"]["name"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths == {"/v1/": "ingest"} | {f"/{name}/": name for name in SERVICES}


def _pod(name: str) -> dict[str, Any]:
    return dict(WORKLOADS[name]["spec"]["template"]["spec"])


def _command(workload: dict[str, Any]) -> str:
    [container] = workload["spec"]["template"]["spec"]["containers"]
    return str(container["command"][2])


def _app(selector: dict[str, Any]) -> str:
    return str(selector.get("matchLabels", {}).get("app.kubernetes.io/name", ""))


def _peers(rules: Any, end: str) -> list[str]:
    """The services that a policy's rules name."""
    return [_app(peer["podSelector"]) for rule in rules for peer in rule.get(end, ()) if "podSelector" in peer]
