"""Candidates of millions of records at once, by a set-based engine: block keys join with themselves in DuckDB.

What SQL expresses is what sets are good at: which records share a live block key, and how many. The weights are not in
SQL: Splink's comparisons know no ways of being two, no crowds and no rarity of near agreement, so pairs come back in
slices and the very code of the stream (``compare``, ``match``) scores them. The first load, a shadow's index and a
stream of the same records are therefore equal by construction, and a test compares them. Nothing of a person goes into
SQL: keys are numbers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from services.linkage.index.blocking import Blocks, Pairs

Ints = NDArray[np.int64]

TABLE = "CREATE TABLE bears (key INTEGER, node INTEGER)"
TAKE = "INSERT INTO bears SELECT key, node FROM part"
CANDIDATES = """
SELECT older.node AS "left", newer.node AS "right", count(*) AS keys
FROM bears AS older JOIN bears AS newer ON older.key = newer.key AND older.node < newer.node
WHERE newer.node >= {first} AND newer.node < {end}
GROUP BY older.node, newer.node
"""
"""Pairs under a live key, whose newer end is in a slice. Plain SQL: any engine with joins says the same."""

SLICE = 50_000
"""Nodes whose pairs are held in memory at once: some 2 million pairs."""
SCORED = 16_384
"""Pairs that are scored at once: what a processor's cache holds."""

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Hears how many nodes are done, of how many."""


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many, the last of fewer."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part


@dataclass(frozen=True, slots=True)
class Bulk:
    """The engine. ``memory`` bounds what DuckDB holds (``4GB``); what is more goes to a temporary folder."""

    memory: str = "4GB"
    progress: Progress = lambda done, of: None

    def propose(self, blocks: Blocks, nodes: Ints) -> Iterator[Pairs]:
        """All candidate pairs of these nodes, each once. See ``Index.fill``."""
        with TemporaryDirectory(prefix="jigsaw-bulk-") as folder, duckdb.connect(Path(folder) / "keys.db") as engine:
            engine.execute(f"SET memory_limit = '{self.memory}'")
            engine.execute(TABLE)
            for keys, bearers in blocks.living(nodes):
                part = {"key": keys.astype(np.int32), "node": bearers.astype(np.int32)}
                engine.register("part", part)
                engine.execute(TAKE)
            end = int(nodes.max(initial=-1)) + 1
            for first in range(0, end, SLICE):
                found = engine.execute(CANDIDATES.format(first=first, end=first + SLICE)).fetchnumpy()
                left, right, shared = (np.asarray(found[name], np.int64) for name in ("left", "right", "keys"))
                for at in range(0, len(left), SCORED):
                    some = slice(at, at + SCORED)
                    yield Pairs(left[some], right[some], shared[some])
                self.progress(min(first + SLICE, end), end)
