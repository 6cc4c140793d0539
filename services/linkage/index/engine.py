"""Who finds and weighs the candidates of a whole set of nodes, where no batch would (``services.linkage.engines``)."""

from collections.abc import Iterator
from typing import Protocol

from services.linkage.index.blocking import Blocks
from services.linkage.index.keys import Nodes
from services.linkage.index.weighing import Weighed, Weigher


class Engine(Protocol):
    """Finds and weighs the candidate pairs of nodes that ``blocks`` holds. See ``Index.fill``."""

    def weighed(self, blocks: Blocks, nodes: Nodes, weigher: Weigher) -> Iterator[Weighed]:
        """The edges among all these nodes, each once, in parts. Raises ``EngineError``."""


class EngineError(Exception):
    """The engine is not there, or it gave up: what to do about it."""
