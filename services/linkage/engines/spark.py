"""The same engine on Apache Spark: the join and the weighing on as many machines as there are.

The driver is the process that holds the index. It sends the block keys of the nodes (numbers), and to each worker one
copy of what weighing reads: the nodes' traits as numbers, the values they stand for, the model. That copy is what
travels: a hundred bytes and a few values a node, where traits joined to pairs would be five thousand. Only edges come
back. Workers get the code from the driver; they need the packages that linkage needs, and pyarrow.

Failures
    a worker is killed    Spark does its share again elsewhere
    Spark gives up        ``EngineError``; nothing is kept of the load
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from services.linkage.engines.candidates import CANDIDATES, Progress
from services.linkage.index.blocking import Blocks, Pairs
from services.linkage.index.engine import EngineError
from services.linkage.index.keys import Nodes
from services.linkage.index.weighing import Weighed, Weigher

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = "local[2]"
SLICE = 200_000
"""Nodes whose edges come back at once: some 2 million edges."""
EDGES = tuple(one.name for one in fields(Weighed))
CODE = ("services", "shared")
PACKED = (".py", ".txt")
"""What workers are sent of this project."""


@dataclass(frozen=True, slots=True)
class Spark:
    """``master`` is Spark's address of a cluster, or ``local[n]``: n processors of this machine. ``memory`` is the
    driver's JVM's; everything else is told as always, in ``spark-defaults.conf``."""

    master: str = LOCAL
    memory: str = "1GB"
    progress: Progress = lambda done, of: None

    def weighed(self, blocks: Blocks, nodes: Nodes, weigher: Weigher) -> Iterator[Weighed]:
        """See ``Engine``."""
        with _session(self.master, self.memory) as spark:
            held = spark.sparkContext.broadcast(weigher)

            def weigh(batches: Iterable[Any]) -> Iterator[Any]:  # runs on the workers
                import pyarrow

                for batch in batches:
                    older, newer, keys = (np.asarray(column, np.int64) for column in batch.columns)
                    edges = held.value.weigh(Pairs(older, newer, keys))
                    columns = [getattr(edges, name).astype(np.int32) for name in EDGES]
                    yield pyarrow.record_batch(columns, names=EDGES)

            _take(spark, blocks, nodes)
            end = int(nodes.max(initial=-1)) + 1
            for first in range(0, end, SLICE):
                pairs = spark.sql(CANDIDATES.format(first=first, end=first + SLICE))
                edges = pairs.mapInArrow(weigh, ", ".join(f"`{name}` int" for name in EDGES)).toArrow()
                yield Weighed(*(np.asarray(column, np.int64) for column in edges.columns))
                self.progress(min(first + SLICE, end), end)


@contextmanager
def _session(master: str, memory: str) -> Iterator["SparkSession"]:
    """A session that lasts as long as the work. Whatever Spark finds wrong is an ``EngineError``."""
    _check()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    told = {"spark.driver.memory": memory.removesuffix("B"), "spark.ui.showConsoleProgress": "false"}
    if master.startswith("local"):
        told["spark.ui.enabled"] = "false"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = None
    with TemporaryDirectory(prefix="jigsaw-spark-") as folder:
        try:
            spark = SparkSession.builder.master(master).appName("jigsaw linkage").config(map=told).getOrCreate()
            spark.sparkContext.setLogLevel("ERROR")
            spark.sparkContext.addPyFile(str(_code(Path(folder))))
            yield spark
        except (PySparkException, Py4JError) as error:
            raise EngineError(f"Spark ({master}) gave up: {_short(error)}") from error
        finally:
            if spark is not None:
                spark.stop()


def _check() -> None:
    if not all(map(importlib.util.find_spec, ("pyspark", "pyarrow"))):
        raise EngineError("Spark needs packages that are not here: make spark, or pip install 'jigsaw[spark]'")
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise EngineError("Spark needs Java 17 or newer: install it (Debian: openjdk-17-jre-headless) or set JAVA_HOME")


def _code(folder: Path) -> Path:
    """This project's modules and the tables they read, packed for workers that have none."""
    root, packed = Path(__file__).parents[3], folder / "jigsaw.zip"
    with ZipFile(packed, "w") as archive:
        for package in CODE:
            for file in sorted((root / package).rglob("*")):
                if file.suffix in PACKED:
                    archive.write(file, file.relative_to(root))
    return packed


def _take(spark: "SparkSession", blocks: Blocks, nodes: Nodes) -> None:
    """Which node bears which live key, for ``CANDIDATES``."""
    import pyarrow

    parts = [
        pyarrow.record_batch([keys.astype(np.int32), bearers.astype(np.int32)], names=["key", "node"])
        for keys, bearers in blocks.living(nodes)
    ]
    schema = pyarrow.schema([("key", pyarrow.int32()), ("node", pyarrow.int32())])
    spark.createDataFrame(pyarrow.Table.from_batches(parts, schema)).createOrReplaceTempView("bears")
    spark.catalog.cacheTable("bears")


def _short(error: Exception) -> str:
    """What went wrong, without the stack: its lines are indented, and the cause comes last."""
    return [line for line in str(error).splitlines() if line and not line[0].isspace()][-1].removeprefix(": ")
