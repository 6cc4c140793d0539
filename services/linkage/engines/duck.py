"""Edges of millions of records at once, by DuckDB: block keys join with themselves, and pairs are weighed.

What SQL expresses is what sets are good at: which records share a live block key, and how many. The weights are not in
SQL: Splink's comparisons know no ways of being two, no crowds and no rarity of near agreement, so the very code of the
stream (``weighing``) weighs the pairs, in several processes here or on the machines of a cluster (``spark``). The first
load by any engine, a shadow's index and a stream of the same records are therefore equal by construction, and a test
compares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from services.linkage.engines.candidates import CANDIDATES, Progress
from services.linkage.index.blocking import Blocks, Pairs
from services.linkage.index.keys import Nodes
from services.linkage.index.weighing import Weighed, Weigher
from shared.parallel import in_order

TABLE = "CREATE TABLE bears (key INTEGER, node INTEGER)"
TAKE = "INSERT INTO bears SELECT key, node FROM part"
SLICE = 50_000
"""Nodes whose pairs are held in memory at once: some 3 million pairs."""
WEIGHED = 16_384
"""Pairs that are weighed at once: what a processor's cache holds."""
ALONE = 100_000
"""Nodes up to which other processes would not be worth their start."""


@dataclass(frozen=True, slots=True)
class DuckDB:
    """DuckDB in this process. ``memory`` bounds what it holds (``1GB``); what is more goes to a temporary folder. Pairs
    are weighed in ``processes``, each with a copy of the columns: unless said otherwise one a processor, once that is
    worth their start."""

    memory: str = "1GB"
    progress: Progress = lambda done, of: None
    processes: int | None = None

    def weighed(self, blocks: Blocks, nodes: Nodes, weigher: Weigher) -> Iterator[Weighed]:
        """See ``Engine``."""
        processes = self.processes or (1 if len(nodes) <= ALONE else None)
        yield from in_order(weigher.weigh, self.propose(blocks, nodes), processes)

    def propose(self, blocks: Blocks, nodes: Nodes) -> Iterator[Pairs]:
        """All candidate pairs of these nodes, each once."""
        import duckdb  # some 15 MB that the stream has no use for

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
                left, right, keys = (np.asarray(found[name], np.int64) for name in ("older", "newer", "keys"))
                for at in range(0, len(left), WEIGHED):
                    some = slice(at, at + WEIGHED)
                    yield Pairs(left[some], right[some], keys[some])
                self.progress(min(first + SLICE, end), end)
