"""What could be reached on the region's people by somebody who was told the truth: ``jigsaw bench linkage-ceiling``.

Gradient-boosted trees (scikit-learn) learn from the labelled candidate pairs of other regions: every field's level and
weight, who keeps the two records, the years of birth, how much each says. Their threshold is the best on the truth of
the region they are judged on. Beside them linkage's own weights, by a model of that region's records that saw no label.
Decisions on pairs alone; recall counts all true pairs. Where the two are close, what is missing is not in the records:
``bare`` are true pairs of which a record has a name and at most one thing more that could tell whose it is.

Last, what nobody can go beyond: whoever has a register of all people, decides every other pair rightly, and of a bare
record knows whom it may be of, but not which of them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from bench.region_people import people
from bench.region_register import Register, is_bare, reachable
from bench.stack import say
from services.linkage.index.blocking import Blocks
from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import FIELDS, compare
from services.linkage.matching.match import Matcher
from services.linkage.models.train import train
from services.linkage.reading.normal import traits

JUDGED, TOLD = 1, (2, 3, 4)
"""Seeds of regions."""


@dataclass(frozen=True)
class Candidates:
    """n candidate pairs: what is known of each (n, features), its weight in bits, and whether it is of one person; and
    how many true pairs there are in all."""

    features: NDArray[np.float32]
    bits: NDArray[np.float64]
    true: NDArray[np.bool_]
    true_pairs: int
    bare: NDArray[np.bool_]
    bare_pairs: int


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    told = TOLD[:1] if quick else TOLD
    rows = [traits(one) for one in people(JUDGED)[0].values()]
    matcher = Matcher(train("bench", "person", rows, {"records": "the region's own"}))
    parts = [candidates(seed, matcher) for seed in told]
    judged = candidates(JUDGED, matcher)
    say(f"Learning from the truth of {sum(len(part.true) for part in parts):,} pairs")
    trees = HistGradientBoostingClassifier(max_iter=300, learning_rate=0.06, random_state=1)
    trees.fit(np.concatenate([part.features for part in parts]), np.concatenate([part.true for part in parts]))
    chances = trees.predict_proba(judged.features)[:, 1]
    best = max((figures(judged, chances > threshold) for threshold in np.arange(0.2, 0.9, 0.05)), key=lambda f: f["f1"])
    ours = judged.bits > 0
    found, bare = judged.true & ours, judged.true & ours & judged.bare
    return {
        "told the truth": best, "never told": figures(judged, ours), "true_pairs": judged.true_pairs,
        "bare": judged.bare_pairs, "missed": judged.true_pairs - int(found.sum()),
        "missed, bare": judged.bare_pairs - int(bare.sum()),
        "knowing everybody": {f"region:{seed}": round(knowing_everybody(seed), 4) for seed in (JUDGED, *told)},
    }  # fmt: skip


def knowing_everybody(seed: int) -> float:
    """The F1 that nobody can go beyond on the region of this seed."""
    say(f"The register of region {seed}")
    records, truth = people(seed)
    register = Register(seed)
    known = {name: register.may_be_of(one, truth[name]) if is_bare(one) else 1 for name, one in records.items()}
    of: defaultdict[str, list[int]] = defaultdict(list)
    for name, number in known.items():
        of[truth[name]].append(number)
    return reachable([1 / max(pair) for numbers in of.values() for pair in combinations(numbers, 2)])


def candidates(seed: int, matcher: Matcher) -> Candidates:
    say(f"The candidate pairs of region {seed}")
    records, truth = people(seed)
    names = list(records)
    columns = Columns(matcher.model.frequencies())
    nodes = columns.append([traits(records[name]) for name in names])
    pairs = Blocks(columns, matcher.model.block_cap).change(nodes[:0], nodes).fresh
    levels, rarities = compare(columns, pairs.left, pairs.right)
    weights = [-np.log2(matcher.ratios[name][levels[at], rarities[at]]) for at, name in enumerate(FIELDS)]
    sides = [
        np.array([column[nodes] for column in _of_one(records, names, matcher)]).T
        for nodes in (pairs.left, pairs.right)
    ]
    bits = matcher.bits(levels, rarities)
    person = np.unique([truth[name] for name in names], return_inverse=True)[1]
    bare = np.array([is_bare(records[name]) for name in names])
    told = _pairs(person[~bare])
    return Candidates(
        np.column_stack((bits, *weights, *levels, np.minimum(*sides), np.maximum(*sides))).astype(np.float32),
        bits,
        person[pairs.left] == person[pairs.right],
        _pairs(person),
        bare[pairs.left] | bare[pairs.right],
        _pairs(person) - told,
    )


def _pairs(people: NDArray[np.int64]) -> int:
    """How many pairs of records are of one person."""
    return sum(n * (n - 1) // 2 for n in Counter(people.tolist()).values())


def _of_one(
    records: Mapping[str, Mapping[str, str]], names: Sequence[str], matcher: Matcher
) -> list[NDArray[np.int64]]:
    """Of each record who keeps it, the year of birth (0 if unknown), and how many fields it has."""
    known = [records[name] for name in names]
    return [
        np.array([matcher.model.sources.number(one.get("source", "")) for one in known]),
        np.array([int(one.get("birth_date", "0")[:4]) for one in known]),
        np.array([len(one) for one in known]),
    ]


def figures(those: Candidates, together: NDArray[np.bool_]) -> dict[str, float]:
    right = int((together & those.true).sum())
    precision, recall = right / max(int(together.sum()), 1), right / those.true_pairs
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}
