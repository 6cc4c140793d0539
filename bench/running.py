"""``jigsaw bench NAME``: runs one benchmark, or all, and prints one JSON line of figures for each."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
Benchmark = Callable[[Sequence[str], bool], Figures]

MODULES = {
    "ingest": "bench.ingest_hot_path",
    "pipeline": "bench.pipeline",
    "linkage-quality": "bench.linkage_quality",
    "linkage-speed": "bench.linkage_speed",
    "linkage-peers": "bench.linkage_peers",
    "linkage-ceiling": "bench.linkage_ceiling",
    "linkage-load": "bench.linkage_load",
    "scoring": "bench.scoring",
    "audit": "bench.audit",
    "faults": "bench.faults",
}
"""Each module has ``benchmark(arguments, quick) -> figures``."""

PACKAGES = ("aiokafka", "asyncpg", "faststream", "numpy", "onnxruntime", "pydantic", "rapidfuzz", "uvloop")


def run(name: str, arguments: Sequence[str], *, quick: bool) -> int:
    """Exit code 0 when every benchmark ran; what a figure ought to be is for its reader to judge."""
    if name != "all" and name not in MODULES:
        print(f"There is no benchmark {name!r}. There are: {', '.join(MODULES)}, all.", file=sys.stderr)
        return 2
    for one in MODULES if name == "all" else (name,):
        benchmark: Benchmark = import_module(MODULES[one]).benchmark
        figures = benchmark(arguments, quick)
        print(json.dumps({"bench": one, "figures": figures, "parts": parts(), "commit": commit()}), flush=True)
    return 0


def parts() -> dict[str, str]:
    """Versions of what was measured."""
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in PACKAGES}}


def commit() -> str:
    """The commit, with a plus when the tree differs from it; empty outside a checkout."""
    here = Path(__file__).parent
    try:
        id = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return id.stdout.strip() + ("+" if dirty.stdout else "")
