"""What the deployment's files say, and what the code says about itself, side by side."""

import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy" / "k8s"
OBSERVABILITY = ROOT / "deploy" / "observability"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors and merges resolved."""
    return dict(read(ROOT / "docker-compose.yml"))


def ours() -> dict[str, Any]:
    """Compose's services that run our image, by name."""
    return {name: each for name, each in compose()["services"].items() if each["image"] == "jigsaw:local"}


def settings_of(module: str) -> type[BaseSettings]:
    """What a process is told: the settings that its main module reads."""
    main = import_module(module)
    if module.startswith("services."):
        return get_type_hints(main.service)["settings"]  # type: ignore[no-any-return]
    names = {"shared.prepare": "PrepareSettings", "local.parts.issuer": "Told", "local.visiting": "Told"}
    return getattr(main, names[module])  # type: ignore[no-any-return]


def variables_of(settings: type[BaseSettings]) -> set[str]:
    return {f"JIGSAW_{name.upper()}" for name in settings.model_fields}


def tool(name: str) -> str:
    """The path of an operators' program. On a developer's machine a test may do without; in CI it must be there."""
    found = shutil.which(name)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"no {name} on this machine: .ci/tools installs it, or says what to do")
    assert found, f"{name} is missing: .ci/tools has not done its work"
    return found
