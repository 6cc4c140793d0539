"""What is compiled: for one sort of arguments only, and wherever it may be kept."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from numba.core.dispatcher import Dispatcher

from services.linkage.rehearsal import rehearse, rehearse_apart
from tests.linkage.people import model

ROOT = Path(__file__).parents[2]
CALL = """
import numpy as np
from services.linkage.index.chains import Chains
chains = Chains()
chains.append(np.array([3, 3, 7]), np.array([1, 2, 5]))
print(chains.read(np.array([3, 7]))[1].tolist(), Chains.__module__, __import__("services").__path__[0])
"""
APART = """
import sys
from numba.core.dispatcher import Dispatcher
from services.linkage.rehearsal import rehearse, rehearse_apart
from services.linkage.settings import seed

rehearse_apart()
rehearse(seed())
stats = {
    one: one.stats
    for module in list(sys.modules.values()) if module.__name__.startswith("services.linkage.")
    for one in vars(module).values() if isinstance(one, Dispatcher)
}
print(sum(sum(each.cache_hits.values()) for each in stats.values()))
print(sum(sum(each.cache_misses.values()) for each in stats.values() if each.cache_path))
"""
MEMORY = """
import numba, psutil
from services.linkage.rehearsal import rehearse, rehearse_apart
from services.linkage.settings import seed
from shared.memory import give_back

def held():
    mapped = psutil.Process().memory_maps(grouped=False)
    return sum(area.rss for area in mapped if "libllvmlite" in area.path) // 1_000_000

rehearse(seed())
print(held())
give_back()
print(held())
rehearse(seed())
print(held())
print(numba.njit(lambda number: 2 * number)(21))
"""


def _compiled() -> Iterator[tuple[str, Dispatcher]]:
    for name, module in list(sys.modules.items()):
        if name.startswith("services.linkage.") and isinstance(module, ModuleType):
            yield from ((f"{name}.{at}", one) for at, one in vars(module).items() if isinstance(one, Dispatcher))


def test_each_loop_is_compiled_once() -> None:
    rehearse_apart()  # where callers are compiled, what they call is typed for them too
    rehearse(model())
    assert {name: len(one.signatures) for name, one in _compiled() if len(one.signatures) > 1} == {}
    assert any(one.signatures for _, one in _compiled())


def test_what_is_compiled_runs_from_an_archive_and_where_nothing_can_be_written_to(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for package in ("services", "shared"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    archive = shutil.make_archive(str(tmp_path / "jigsaw"), "zip", copy)
    nowhere = tmp_path / "a file"
    nowhere.touch()
    environment = os.environ | {"PYTHONPATH": archive, "HOME": str(nowhere), "NUMBA_CACHE_DIR": str(nowhere / "none")}
    said = subprocess.run(
        [sys.executable, "-c", CALL], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("[1, 2, 5]")
    assert archive in said.stdout


def test_the_compiler_is_given_back_after_the_rehearsal_and_compiles_all_the_same() -> None:
    said = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said.stderr
    before, after, linking, doubled = map(int, said.stdout.split())
    assert before > 40
    assert after < 10
    assert linking < 10
    assert doubled == 42


def test_a_process_that_lives_does_not_compile(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", APART], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert said.returncode == 0, said.stderr
    read, compiled = map(int, said.stdout.split())
    assert read > 20
    assert compiled == 0
