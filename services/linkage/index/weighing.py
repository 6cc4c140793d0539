"""Candidate pairs in, edges out. What two records weigh depends on them, the model, and what is a crowd's: on no other
pair. So it is the same wherever it is done, and a copy (pickle) in another process or on another machine does it too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.apart import RULE
from services.linkage.index.blocking import Pairs
from services.linkage.index.crowds import crowded
from services.linkage.index.keys import Keys, Nodes
from services.linkage.matching.columns import Codes, Columns
from services.linkage.matching.compare import FIELDS, compare
from services.linkage.matching.match import Matcher
from services.linkage.matching.rules import rule_for


@dataclass(frozen=True, slots=True)
class Weighed:
    """n edges: pairs of nodes, `left` < `right`, their weights and conflicts in millibits, how many keys they share."""

    left: Nodes
    right: Nodes
    weight: Nodes
    conflict: Nodes
    keys: Nodes

    def of(self, which: NDArray[np.bool_]) -> "Weighed":
        """Some of them."""
        return Weighed(self.left[which], self.right[which], self.weight[which], self.conflict[which], self.keys[which])


@dataclass(frozen=True, slots=True)
class Weigher:
    """`crowds` are the keys of what crowds share, in order; `strict[node]` says that only rules may join it."""

    matcher: Matcher
    columns: Columns
    crowds: Keys
    strict: NDArray[np.bool_]

    def compare(self, left: Nodes, right: Nodes) -> tuple[Codes, Codes]:
        """Levels and rarities of n pairs; what they share with a crowd counts as unknown."""
        levels, rarities = compare(self.columns, left, right)
        for name, pairs in crowded(self.columns, self.crowds, left, right):
            levels[FIELDS.index(name), pairs] = 0
        return levels, rarities

    def weigh(self, pairs: Pairs) -> Weighed:
        """The pairs that say something."""
        levels, rarities = self.compare(pairs.left, pairs.right)
        said, telling = self.matcher.evidence(levels, rarities)
        strict = self.strict[pairs.left] | self.strict[pairs.right]
        kept = (telling | strict).nonzero()[0]
        edges = Weighed(
            pairs.left[kept], pairs.right[kept], said[kept].astype(np.int64),
            self.matcher.conflicts(levels, rarities)[kept], pairs.keys[kept],
        )  # fmt: skip
        self._rule_over(edges, strict[kept])
        return edges

    def _rule_over(self, edges: Weighed, strict: NDArray[np.bool_]) -> None:
        """Where scores may not join, a rule's weight, or one that is as good as not having been compared: it neither
        joins, nor keeps from the others a record that a rule has joined."""
        edges.conflict[strict] = 0
        for at in np.flatnonzero(strict).tolist():
            one, other = self.columns.traits(int(edges.left[at])), self.columns.traits(int(edges.right[at]))
            edges.weight[at] = RULE if rule_for(one, other) else self.matcher.model.thresholds.link - 1
