"""What the model says of two identities that need not be in the index: what somebody typed, or records cut to what a
viewer may see. Nothing hidden can speak through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import compare
from services.linkage.matching.explain import Explanation, explain
from services.linkage.matching.match import Matcher
from services.linkage.matching.rules import NO_RULE, rule_of, strength
from services.linkage.purposes.terms import Terms
from services.linkage.reading.subjects import traits_of
from services.linkage.records import Identity, Kept
from services.linkage.ruled.kinds import RULED
from shared.contracts import Kind


@dataclass(frozen=True, slots=True)
class Pair:
    """Places of two identities in a list, and the evidence that they are one."""

    left: int
    right: int
    evidence: Explanation


class Weighing:
    """``matcher`` gives a kind's active model, made ready, ``None`` for what is linked by rules; where an agreement
    forbids probability, stated rules decide."""

    def __init__(self, matcher: Callable[[Kind], Matcher | None], terms: Terms | None = None) -> None:
        self._matcher, self._terms = matcher, terms or Terms()

    def rule(self, kind: Kind, purpose: str, left: Kept, right: Kept) -> str | None:
        """The rule that decides about two records, ``NO_RULE`` when none joins them; None where scores decide."""
        if kind in RULED:
            return RULED[kind].decided(left.identity, right.identity) or NO_RULE
        if not self._terms.forbids(purpose, left.agreement, right.agreement):
            return None
        return rule_of(left.identity, right.identity) or NO_RULE

    def against(self, kind: Kind, one: Identity, others: Sequence[Identity]) -> list[Explanation]:
        """The evidence that ``one`` is each of n others, in their order."""
        return [pair.evidence for pair in self._weigh(kind, [one, *others], [(0, at + 1) for at in range(len(others))])]

    def chain(self, kind: Kind, purpose: str, records: Sequence[Kept]) -> list[Pair]:
        """For n ≥ 2 records the n − 1 strongest pairs that hold them together (a maximum spanning tree, Kruskal)."""
        count = len(records)
        places = [(i, j) for i in range(count) for j in range(i + 1, count)]
        pairs = [
            replace(
                pair,
                evidence=replace(pair.evidence, rule=self.rule(kind, purpose, records[pair.left], records[pair.right])),
            )
            for pair in self._weigh(kind, [record.identity for record in records], places)
        ]
        tree, root = [], list(range(count))
        for pair in sorted(pairs, key=_strongest_first):
            left, right = root[pair.left], root[pair.right]
            if left != right:
                root = [left if one == right else one for one in root]
                tree.append(pair)
        return tree

    def _weigh(self, kind: Kind, identities: Sequence[Identity], pairs: Sequence[tuple[int, int]]) -> list[Pair]:
        matcher = self._matcher(kind)
        if kind in RULED:
            return [Pair(i, j, _by_rule(RULED[kind].decided(identities[i], identities[j]))) for i, j in pairs]
        if matcher is None or not pairs:
            return []
        columns, traits = Columns(matcher.model.frequencies()), traits_of(kind)
        nodes = columns.append([traits(identity) for identity in identities])
        left, right = np.array(pairs, np.int64).T
        levels, rarities = compare(columns, nodes[left], nodes[right])
        return [
            Pair(i, j, explain(matcher, levels[:, at], rarities[:, at], None, False)) for at, (i, j) in enumerate(pairs)
        ]


def _by_rule(rule: str | None) -> Explanation:
    """No score speaks: a rule joins, or nothing does."""
    return Explanation((), 0.0, 0.0, 0.0, 100.0 if rule else 0.0, "", "", rule, False)


def _strongest_first(pair: Pair) -> tuple[float, ...]:
    return -strength(pair.evidence.rule), -pair.evidence.bits, pair.left, pair.right
