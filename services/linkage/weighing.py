"""What the model says of two identities that need not be in the index: what somebody typed, or records cut to what a
viewer may see. Nothing hidden can speak through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.columns import Columns
from services.linkage.compare import compare
from services.linkage.explain import Explanation, explain
from services.linkage.match import Matcher
from services.linkage.records import Identity
from services.linkage.subjects import traits_of
from shared.contracts import Kind


@dataclass(frozen=True, slots=True)
class Pair:
    """Places of two identities in a list, and the evidence that they are one."""

    left: int
    right: int
    evidence: Explanation


class Weighing:
    """``matcher`` gives a kind's active model, made ready; ``None`` for what is linked by rules."""

    def __init__(self, matcher: Callable[[Kind], Matcher | None]) -> None:
        self._matcher = matcher

    def against(self, kind: Kind, one: Identity, others: Sequence[Identity]) -> list[Explanation]:
        """The evidence that ``one`` is each of n others, in their order."""
        return [pair.evidence for pair in self._weigh(kind, [one, *others], [(0, at + 1) for at in range(len(others))])]

    def chain(self, kind: Kind, identities: Sequence[Identity]) -> list[Pair]:
        """For n ≥ 2 identities the n − 1 strongest pairs that hold them together (a maximum spanning tree, Kruskal)."""
        count = len(identities)
        pairs = self._weigh(kind, identities, [(i, j) for i in range(count) for j in range(i + 1, count)])
        tree, root = [], list(range(count))
        for pair in sorted(pairs, key=lambda pair: (-pair.evidence.bits, pair.left, pair.right)):
            left, right = root[pair.left], root[pair.right]
            if left != right:
                root = [left if one == right else one for one in root]
                tree.append(pair)
        return tree

    def _weigh(self, kind: Kind, identities: Sequence[Identity], pairs: Sequence[tuple[int, int]]) -> list[Pair]:
        matcher = self._matcher(kind)
        if matcher is None or not pairs:
            return []
        columns, traits = Columns(matcher.model.frequencies()), traits_of(kind)
        nodes = columns.append([traits(identity) for identity in identities])
        left, right = np.array(pairs, np.int64).T
        levels, rarities = compare(columns, nodes[left], nodes[right])
        return [
            Pair(i, j, explain(matcher, levels[:, at], rarities[:, at], None, False)) for at, (i, j) in enumerate(pairs)
        ]
