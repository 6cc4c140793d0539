"""A stack of its own for a benchmark: fresh, on free ports, gone afterwards."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from local.home import Home
from local.keys import partner_keys
from local.running import Up, bring_down, bring_up


def say(line: str) -> None:
    """Progress goes to standard error: standard output is for figures."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Stack:
    home: Home
    up: Up
    keys: dict[str, str]


@asynccontextmanager
async def fresh_stack() -> AsyncIterator[Stack]:
    """Everything running, in a temporary home; stopped and removed at the end, whatever happened."""
    with tempfile.TemporaryDirectory(prefix="jigsaw-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        try:
            up = await bring_up(home, say)
            yield Stack(home, up, await partner_keys(home, up))
        finally:
            bring_down(home, remove=True)
