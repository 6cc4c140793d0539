"""What the model says of identities that need not be in the index: what somebody typed, or records cut to what a viewer
may see. Nothing hidden can speak through it.

Many pairs are weighed at once, and only those that are shown are explained: that costs a hundred times as much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import compare
from services.linkage.matching.explain import Explanation, explain
from services.linkage.matching.match import Matcher
from services.linkage.matching.rules import NO_RULE, rule_for, strength
from services.linkage.purposes.terms import Terms
from services.linkage.reading.normal import Traits
from services.linkage.reading.subjects import traits_of
from services.linkage.records import Identity, Kept
from services.linkage.ruled.kinds import RULED, Ruled
from shared.contracts import Kind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
RULED_BITS = 1e6
"""What a rule's word is worth beside any number of bits: pairs that one joins come first, those that none may last."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Places of two identities in a list, and the evidence that they are one."""

    left: int
    right: int
    evidence: Explanation


@dataclass(frozen=True, slots=True)
class Best:
    """How much speaks for a pair, the best of a group, in bits; and the evidence, made when it is asked for."""

    bits: float
    evidence: Callable[[], Explanation]


class Line(Protocol):
    """Identities made ready once, to be weighed by their places."""

    def weigh(self, left: Ints, right: Ints) -> Floats:
        """How strongly each of n pairs is held together, the rule that decides before the bits."""

    def explain(self, left: int, right: int) -> Explanation:
        """The evidence on a pair, and the rule that decides, if it is for a rule to do."""


class Weighing:
    """``matcher`` gives a kind's active model, made ready, ``None`` for what is linked by rules; where an agreement
    forbids probability, stated rules decide."""

    def __init__(self, matcher: Callable[[Kind], Matcher | None], terms: Terms | None = None) -> None:
        self._matcher, self._terms = matcher, terms or Terms()

    def under(self, matcher: Matcher) -> "Weighing":
        """The same, as another model of people weighs."""
        return Weighing(lambda kind: matcher if kind == matcher.model.kind else None, self._terms)

    def best(self, kind: Kind, one: Identity, groups: Sequence[Sequence[Identity]]) -> list[Best]:
        """For each group of n ≥ 1 identities the one that is likeliest to be ``one``; none when no model weighs."""
        line = self._line(kind, [one, *(other for group in groups for other in group)])
        if line is None or not groups:
            return []
        starts = 1 + np.cumsum([0, *map(len, groups)])
        weights = line.weigh(np.zeros(starts[-1] - 1, np.int64), np.arange(1, starts[-1]))
        found = [int(at + np.argmax(weights[at - 1 : end - 1])) for at, end in pairwise(starts.tolist())]
        return [Best(float(weights[at - 1]), partial(line.explain, 0, at)) for at in found]

    def each(self, kind: Kind, purpose: str, pairs: Sequence[tuple[Kept, Kept]]) -> list[Best]:
        """How much speaks for each of n pairs of records; none when no model weighs."""
        line = self._of(kind, purpose, [record for pair in pairs for record in pair])
        if line is None or not pairs:
            return []
        left = np.arange(0, 2 * len(pairs), 2)
        weights = line.weigh(left, left + 1).tolist()
        return [Best(bits, partial(line.explain, at, at + 1)) for bits, at in zip(weights, left.tolist(), strict=True)]

    def strongest(self, kind: Kind, purpose: str, ones: Sequence[Kept], others: Sequence[Kept]) -> Pair | None:
        """Of all pairs of one of n records and one of m others the strongest, by their places in the two lists."""
        line = self._of(kind, purpose, [*ones, *others])
        if line is None or not ones or not others:
            return None
        left = np.repeat(np.arange(len(ones)), len(others))
        right = np.tile(np.arange(len(others)), len(ones))
        at = int(np.argmax(line.weigh(left, right + len(ones))))
        one, other = int(left[at]), int(right[at])
        return Pair(one, other, line.explain(one, other + len(ones)))

    def chain(
        self, kind: Kind, purpose: str, records: Sequence[Kept], most: int, musts: Sequence[tuple[int, int]] = ()
    ) -> list[Pair]:
        """For n ≥ 2 records the n − 1 strongest pairs that hold them together (a maximum spanning tree), the strongest
        first; before all others those that a steward decided must be (``musts``, by their places). Of more than
        ``most`` records, a part of that tree which joins as many.

        The tree grows from the record that says most (Prim 1957), always by the strongest pair that leads out of it,
        so each pair of a part is one of the whole's; n · ``most`` pairs are weighed, not n².
        """
        line = self._of(kind, purpose, records)
        if line is None:
            return []
        count = len(records)
        partners: dict[int, list[int]] = {}
        for one, other in musts:
            partners.setdefault(one, []).append(other)
            partners.setdefault(other, []).append(one)
        best, via = np.full(count, -np.inf), np.zeros(count, np.int64)
        inside, here = np.zeros(count, np.bool_), max(range(count), key=lambda at: len(records[at].identity), default=0)
        tree: list[tuple[float, int, int]] = []
        while len(tree) < min(count, most) - 1:
            inside[here] = True
            outside = np.flatnonzero(~inside)
            weights = line.weigh(np.full(len(outside), here), outside)
            weights[np.isin(outside, partners.get(here, []))] += 3 * RULED_BITS
            better = weights > best[outside]
            best[outside[better]], via[outside[better]] = weights[better], here
            here = int(outside[np.argmax(best[outside])])
            left, right = sorted((int(via[here]), here))
            tree.append((-float(best[here]), left, right))
        return [Pair(left, right, line.explain(left, right)) for _, left, right in sorted(tree)]

    def _of(self, kind: Kind, purpose: str, records: Sequence[Kept]) -> Line | None:
        return self._line(
            kind, [one.identity for one in records], [self._terms.forbids(purpose, one.agreement) for one in records]
        )

    def _line(self, kind: Kind, identities: Sequence[Identity], strict: Sequence[bool] = ()) -> Line | None:
        if kind in RULED:
            return _Ruled(RULED[kind], identities)
        matcher = self._matcher(kind)
        return _Scored(matcher, kind, identities, strict or [False] * len(identities)) if matcher is not None else None


class _Scored:
    """People's identities. Where one of a pair is ``strict``, a rule decides."""

    def __init__(self, matcher: Matcher, kind: Kind, identities: Sequence[Identity], strict: Sequence[bool]) -> None:
        self._matcher, self._columns = matcher, Columns(matcher.model.frequencies())
        read = traits_of(kind)
        self._traits: Sequence[Traits] = [read(one) for one in identities]
        self._nodes, self._strict = self._columns.append(self._traits), np.array(strict, np.bool_)

    def weigh(self, left: Ints, right: Ints) -> Floats:
        bits = self._matcher.bits(*compare(self._columns, self._nodes[left], self._nodes[right]))
        for at in np.flatnonzero(self._strict[left] | self._strict[right]).tolist():
            bits[at] += _outweighing(self._rule(int(left[at]), int(right[at])))
        return bits

    def explain(self, left: int, right: int) -> Explanation:
        levels, rarities = compare(self._columns, self._nodes[[left]], self._nodes[[right]])
        rule = self._rule(left, right) if self._strict[left] or self._strict[right] else None
        return explain(self._matcher, levels[:, 0], rarities[:, 0], rule, False)

    def _rule(self, left: int, right: int) -> str:
        return rule_for(self._traits[left], self._traits[right]) or NO_RULE


class _Ruled:
    """Identities of what is linked by rules: no score speaks, a rule joins or nothing does. Of two that no rule joins
    those that share a key may be of one: nobody can tell, the odds are even."""

    def __init__(self, by: Ruled, identities: Sequence[Identity]) -> None:
        self._by, self._readings = by, [by.read(one) for one in identities]

    def weigh(self, left: Ints, right: Ints) -> Floats:
        return np.array([self._weight(i, j) for i, j in zip(left.tolist(), right.tolist(), strict=True)], np.float64)

    def explain(self, left: int, right: int) -> Explanation:
        rule = self._rule(left, right)
        return Explanation((), 0.0, 0.0, 0.0, 0.0 if rule == NO_RULE else 100.0, "", "", rule, False)

    def _rule(self, left: int, right: int) -> str:
        return self._by.decided(self._readings[left], self._readings[right]) or NO_RULE

    def _weight(self, left: int, right: int) -> float:
        one, other = self._readings[left], self._readings[right]
        rule = self._rule(left, right)
        if rule == NO_RULE and not (one.number and other.number) and not set(one.keys).isdisjoint(other.keys):
            return 0.0
        return _outweighing(rule)


def _outweighing(rule: str) -> float:
    return (strength(rule) - strength(None)) * RULED_BITS
