"""What every engine asks: which nodes share a live block key. Nothing of a person goes into SQL: keys are numbers."""

from collections.abc import Callable
from typing import Final

CANDIDATES: Final = """
SELECT one.node AS older, other.node AS newer, count(*) AS keys
FROM bears AS one JOIN bears AS other ON one.key = other.key AND one.node < other.node
WHERE other.node >= {first} AND other.node < {end}
GROUP BY one.node, other.node
"""
"""Pairs under a live key, whose newer end is in a slice; ``bears`` has columns key and node. Any engine's SQL."""

Progress = Callable[[int, int], None]
"""Hears how many nodes are done, of how many."""
