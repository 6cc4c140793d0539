"""The image: it holds what its processes import, pinned, and nothing of it runs as root."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.deploy.files import ROOT, ours

DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
LOADED = """
import importlib, json, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
print(json.dumps([module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)]))
"""


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / name).read_text()))


def copied() -> set[str]:
    return set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))


def test_it_holds_what_its_processes_import() -> None:
    commands = [each["command"][2] for each in ours().values()]
    done = subprocess.run([sys.executable, "-c", LOADED, *commands], capture_output=True, check=True, cwd=ROOT)
    files = [Path(file) for file in json.loads(done.stdout) if Path(file).is_relative_to(ROOT) and ".venv" not in file]
    assert files
    locked = {package for package, _ in pins("requirements-runtime.lock")}
    packages = packages_distributions()
    for name in {name for file in files for name in imports(file)} - sys.stdlib_module_names:
        if (ROOT / name).is_dir():
            assert name in copied(), f"{name}/ is imported but not in the image"
        else:
            named = {re.sub(r"[-_.]+", "-", package).lower() for package in packages[name]}
            assert named & locked, f"{name} comes from {named}, which requirements-runtime.lock does not have"


def imports(file: Path) -> set[str]:
    """The packages that a module of ours names, also inside functions."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | named}


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / "deploy" / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied() | {"requirements-runtime.lock"}


def test_it_starts_from_a_pinned_python_and_ends_as_nobody_in_particular() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.13-slim-bookworm"}
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] == "10001:10001"


def test_nothing_in_it_reports_to_its_maker() -> None:
    assert "ENV ORT_DISABLE_TELEMETRY=1" in DOCKERFILE


def test_the_image_has_the_versions_that_were_tested() -> None:
    runtime = pins("requirements-runtime.lock")
    assert runtime
    assert runtime <= pins("requirements.lock"), "the locks differ: make lock"
    besides = pins("requirements-spark.lock") - pins("requirements.lock")
    assert {package for package, _ in besides} == {"pyspark", "py4j"}, "the locks differ: make lock"


def test_every_package_has_hashes_and_no_lock_names_a_registry() -> None:
    for name in ("requirements-runtime.lock", "requirements-spark.lock", "requirements.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index" not in text.replace("--no-emit-index-url", "")
        blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))
