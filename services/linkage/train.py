"""A model from records alone: no labels, no thresholds tuned on a truth.

Rarities are counted, `u` is measured on random pairs, `m` and the shares of the ways come from expectation–maximisation
over candidate pairs (Winkler 1988; Larsen and Rubin 2001). Candidates are a function of what EM looks at, so conditioning
on them scales every way alike and the odds stay right. Dirichlet priors (`TYPICAL`) keep fields with little data sane.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.blocking import Blocks, Pairs
from services.linkage.columns import RARITY_STEPS, Codes, Columns
from services.linkage.compare import FIELDS, LEVELS, compare
from services.linkage.match import Matcher
from services.linkage.model import HOUSE, Field, Model, Rarities, Way
from services.linkage.normal import TRAITS, Traits

Ints = NDArray[np.int64]

_YEARS: Final = (0.90, 0.06, 0.02, 0.02)
_DAYS: Final = ((0.90, 0.02, 0.06, 0.02), (0.60, 0.04, 0.16, 0.20), (0.40, 0.05, 0.20, 0.35), (0.20, 0.02, 0.18, 0.60))
TYPICAL: Final[Mapping[str, tuple[float, ...]]] = {
    "given": (0.70, 0.09, 0.06, 0.04, 0.03, 0.02, 0.02, 0.03, 0.01),
    "family": (0.80, 0.07, 0.03, 0.03, 0.01, 0.02, 0.04),
    "middle": (0.80, 0.12, 0.08), "sex": (0.98, 0.02), "year": _YEARS, "day": sum(_DAYS, ()),
    "postcode": (0.75, 0.06, 0.02, 0.03, 0.04, 0.10), "address": (0.65, 0.03, 0.08, 0.03, 0.02, 0.03, 0.16),
    "town": (0.80, 0.07, 0.03, 0.10), "uprn": (0.80, 0.20), "phone": (0.70, 0.03, 0.27),
    "email": (0.70, 0.10, 0.05, 0.15), "nhs_number": (0.96, 0.02, 0.01, 0.01), "nino": (0.95, 0.02, 0.01, 0.02),
    "reference": (0.90, 0.04, 0.01, 0.05), "vehicle": (0.60, 0.05, 0.02, 0.33), "birth_place": (0.80, 0.08, 0.05, 0.07),
    "occupation": (0.75, 0.05, 0.05, 0.15),
}  # fmt: skip
"""What `m` is like in general, by level: where EM starts, and what it is drawn to where data is scarce."""

MOVED: Final = dict.fromkeys(HOUSE, 0.0)
CONTACT: Final = {"phone": 0.6, "email": 0.3}
WAYS: Final = (
    Way("stay", True, 5e-4, {"phone": 0.9, "email": 0.9, "vehicle": 0.9, "occupation": 0.8}),
    Way("moved", True, 2e-4, MOVED | {"phone": 0.5, "email": 0.9}),
    Way("renamed", True, 1e-5, {"family": 0.05, "phone": 0.9, "email": 0.7}),
    Way("renamed and moved", True, 1e-6, MOVED | {"family": 0.05, "phone": 0.5, "email": 0.7}),
    Way("random", False, 1.0),
    Way("household", False, 3e-4, HOUSE | CONTACT | {"family": 0.75}),
    Way("neighbours", False, 1e-3, {"town": 0.95, "postcode": 0.9}),
    Way("twins", False, 1e-6, HOUSE | CONTACT | {"family": 0.97, "year": 1.0, "day": 1.0}),
    Way("namesakes at home", False, 1e-6, HOUSE | CONTACT | {"family": 0.98, "given": 1.0}),
    Way("kin", False, 1e-4, {"family": 0.98}),
)
"""How two records are of one person or of two, before the data says how often: EM learns the shares of the ways."""

PRIOR_PAIRS: Final = 200
"""How many pairs of experience `TYPICAL` counts as."""

_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "year": ("date",), "day": ("date",), "address": ("street",), "phone": ("phone_1", "phone_2"),
}  # fmt: skip


def train(name: str, kind: str, rows: Sequence[Traits], provenance: Mapping[str, str], *, seed: int = 1) -> Model:
    """A model for records of these traits. Needs at least two distinct contents; the more the better.

    The same rows in any order give the same model up to the choice of random pairs, which `seed` fixes.
    """
    distinct = sorted(set(rows))
    if len(distinct) < 2:
        raise ValueError(f"Training needs records that differ: there are {len(distinct)}. Give more records.")
    rarities = count_rarities(rows)
    model = Model(name, kind, {}, WAYS, rarities, provenance=provenance)
    columns = Columns(model.frequencies())
    nodes = columns.append(distinct)
    u = _measure_u(columns, np.random.default_rng(seed))
    pairs = _candidates(columns, nodes, model.block_cap, np.random.default_rng(seed))
    return _Fit(model, u, columns, pairs).run()


def count_rarities(rows: Sequence[Traits]) -> dict[str, Rarities]:
    """How rare each value is among the records that have one; a value not met counts as met once."""
    at = {trait: place for place, trait in enumerate(TRAITS)}
    rarities: dict[str, Rarities] = {}
    for field in FIELDS:
        if field == "middle":
            continue
        part = {"year": slice(0, 4), "day": slice(4, 8)}.get(field, slice(None))
        counts = Counter(row[at[t]][part] for t in _COUNTED.get(field, (field,)) for row in rows if row[at[t]])
        total = counts.total()
        if total:
            rarities[field] = Rarities(_rarity(1, total), {value: _rarity(n, total) for value, n in counts.items() if n > 1})
    return rarities


def _rarity(count: int, total: int) -> int:
    return min(255, round(-RARITY_STEPS * math.log2(count / total)))


def _measure_u(columns: Columns, random: np.random.Generator, pairs: int = 400_000) -> dict[str, tuple[float, ...]]:
    """Levels among random pairs, for fields that enough of them have."""
    left, right = random.integers(0, columns.size, (2, pairs))
    apart = left != right
    levels, _ = compare(columns, left[apart], right[apart])
    u: dict[str, tuple[float, ...]] = {}
    for at, field in enumerate(FIELDS):
        counts = np.bincount(levels[at], minlength=len(LEVELS[field]) + 1)[1:] + 0.3
        if field == "day":
            counts = np.tile(counts.reshape(4, 4).sum(0), 4)
            u[field] = tuple(counts / counts.sum() * 4)
        elif counts.sum() > 200:
            u[field] = tuple(counts / counts.sum())
    if "year" not in u:
        u.pop("day")
    if "given" in u:  # names that changed places are as rare as two equal names; the rarity of both is in the pair's
        u["given"] = (*u["given"][:8], u["given"][0])
    return u


def _candidates(columns: Columns, nodes: Ints, cap: int, random: np.random.Generator, most: int = 600_000) -> Pairs:
    """The candidate pairs of all nodes, or a random sample of them."""
    pairs = Blocks(columns, cap).change(np.zeros(0, np.int64), nodes).fresh
    if len(pairs) <= most:
        return pairs
    chosen = random.permutation(len(pairs))[:most]
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.keys[chosen], len(pairs) / most)


class _Fit:
    """Expectation–maximisation over candidate pairs."""

    def __init__(self, model: Model, u: Mapping[str, tuple[float, ...]], columns: Columns, pairs: Pairs) -> None:
        self._levels, self._rarities = compare(columns, pairs.left, pairs.right)
        self._all_pairs = columns.size * (columns.size - 1) / 2
        self._weight = pairs.stands_for
        self._model = model
        self._u = u

    def run(self, rounds: int = 10) -> Model:
        model = self._with(self._model, {field: np.array(TYPICAL[field]) for field in self._u}, self._model.ways)
        for _ in range(rounds):
            model = self._round(model)
        return model

    def _with(self, model: Model, m: Mapping[str, NDArray[np.float64]], ways: tuple[Way, ...]) -> Model:
        fields = {name: Field(tuple(map(float, m[name])), tuple(map(float, self._u[name]))) for name in m}
        return Model(
            model.name, model.kind, fields, ways, model.rarities, model.thresholds, model.block_cap, model.provenance
        )

    def _round(self, model: Model) -> Model:
        likely = Matcher(model).likelihoods(self._levels, self._rarities)
        belief = likely / likely.sum(1, keepdims=True) * self._weight
        same = np.array([way.same for way in model.ways])
        matched = belief[:, same].sum(1)
        m = {field: self._levels_among(field, matched) for field in model.fields}
        shares = belief.sum(0) / self._all_pairs
        ways = tuple(
            Way(way.name, way.same, 1.0 if way.name == "random" else max(float(share), 1e-12), way.shared)
            for way, share in zip(model.ways, shares, strict=True)
        )
        return self._with(model, m, ways)

    def _levels_among(self, field: str, matched: NDArray[np.float64]) -> NDArray[np.float64]:
        levels: Codes = self._levels[FIELDS.index(field)]
        counts = np.bincount(levels, weights=matched, minlength=len(LEVELS[field]) + 1)[1:]
        typical = np.array(TYPICAL[field])
        if field == "day":  # the day's agreement is told apart by the year's
            table = counts.reshape(4, 4) + PRIOR_PAIRS / 4 * typical.reshape(4, 4)
            return np.asarray((table / table.sum(1, keepdims=True)).ravel())
        counts = counts + PRIOR_PAIRS * typical
        return np.asarray(counts / counts.sum())
