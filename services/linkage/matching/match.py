"""Match weights: what the agreement of two records is worth in bits, by a model, for many pairs at once.

  weight = log2( Σ_{w same} share_w · Π_f p_wf  /  Σ_{w other} share_w · Π_f p_wf ),   p_wf = ρ_wf m_f + (1 − ρ_wf) u_f

It is the posterior log odds, so 0 is even and 3 is 8 : 1. `m_f` is taken out of each product: tables hold p_wf / m_f.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.compiled import compiled, inner
from services.linkage.matching.columns import RARITY_STEPS, Codes
from services.linkage.matching.compare import DAYS, FIELDS, LEVELS
from services.linkage.matching.model import Model

Weights = NDArray[np.int32]
"""Posterior log odds in millibits."""
Floats = NDArray[np.float64]
Places = NDArray[np.int64]
LASTING: Final = ("given", "year", "day", "sex", "nhs_number", "nino")
"""Fields that stay with a person: where two clusters differ in one throughout, it is no slip of one record."""
_LASTING: Final = tuple(FIELDS.index(name) for name in LASTING)
TOLERATED: Final = 4
"""Bits that a clerk's ways may cost every record of a person: a short name, a date to the month."""
MOST_CONFLICT: Final = 20
"""Bits that lasting traits together may say against one pair."""

_RARITY: Final = np.exp2(-np.arange(256) / RARITY_STEPS)
_FUZZY_POWER: Final = 0.5
"""How far the rarity of nearly agreeing values counts: 0 not at all, 1 as much as of equal ones."""


class Matcher:
    """A model made ready to weigh pairs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.ratios = {name: _ratios(model, name) for name in FIELDS}
        self._all = np.arange(len(model.ways))
        self._same = np.flatnonzero([way.same for way in model.ways])
        self._other = np.flatnonzero([not way.same for way in model.ways])
        self._strangers = np.flatnonzero([not way.same and not way.shared for way in model.ways])
        self._share = np.array([way.share for way in model.ways])
        against = [-np.log2(np.maximum(self.ratios[name], 1.0)).ravel() for name in LASTING]
        self._against = np.concatenate(against)
        self._offsets_against = np.cumsum([0, *map(len, against[:-1])])
        tables = [self._table(name) for name in FIELDS]
        self._tables = np.concatenate(tables)
        self._offsets = np.cumsum([0, *map(len, tables[:-1])])

    def _table(self, field: str) -> NDArray[np.float64]:
        """p_wf / m_f by (level · 256 + rarity, way)."""
        shared = np.array([way.of(field) for way in self.model.ways])
        table = shared + (1 - shared) * self.ratios[field].reshape(-1, 1)
        table[:256] = 1.0
        return np.ascontiguousarray(table)

    def likelihoods(self, levels: Codes, rarities: Codes) -> NDArray[np.float64]:
        """Share of each way times its likelihood of n pairs, over Π m: shape (n, ways)."""
        return _likelihoods(_by_pair(levels), _by_pair(rarities), self._tables, self._offsets, self._share)

    @cached_property
    def version(self) -> str:
        """The model's."""
        return self.model.version

    @property
    def prior(self) -> float:
        """Log odds in bits that two records, of which nothing is known, are of one subject."""
        share = self._share
        return round(float(np.log2(share[self._same].sum() / share[self._other].sum())), 2)

    def bits(self, levels: Codes, rarities: Codes) -> NDArray[np.float64]:
        """Posterior log odds of n pairs in bits."""
        odds, _ = self._odds(levels, rarities)
        return np.asarray(np.log2(odds))

    def weigh(self, levels: Codes, rarities: Codes) -> Weights:
        """Weights of n pairs in millibits, clipped to what a model lets one pair say."""
        return self._clipped(self.bits(levels, rarities))

    def evidence(self, levels: Codes, rarities: Codes) -> tuple[Weights, NDArray[np.bool_]]:
        """Weights of n pairs, and which of them say anything.

        What weighs least says that two people were compared, as most pairs would. Of relatives and neighbours, rather
        than strangers, it says more: records of theirs that look alike should not become one.
        """
        odds, related = self._odds(levels, rarities)
        weights = self._clipped(np.log2(odds))
        return weights, (weights > self.model.thresholds.least) | related

    def _odds(self, levels: Codes, rarities: Codes) -> tuple[Floats, NDArray[np.bool_]]:
        return _odds(self.likelihoods(levels, rarities), self._all, self._same, self._other, self._strangers)

    def _clipped(self, bits: Floats) -> Weights:
        limits = self.model.thresholds
        return np.minimum(np.maximum(np.rint(1000 * bits), limits.least), limits.most).astype(np.int32)

    def conflicts(self, levels: Codes, rarities: Codes) -> NDArray[np.int64]:
        """What lasting traits say against each of n pairs beyond `TOLERATED`, in millibits ≤ 0."""
        return _conflicts(_by_pair(levels), _by_pair(rarities), self._against, self._offsets_against)


def _by_pair(codes: Codes) -> Codes:
    """Those of one pair beside each other, as `compare` has them in memory."""
    return np.ascontiguousarray(codes.T)


@compiled
def _likelihoods(levels: Codes, rarities: Codes, tables: Floats, offsets: Places, share: Floats) -> Floats:
    """Share of each way, times the factors of what is known of each of n pairs, field by field."""
    likely = np.ones((len(levels), len(share)))
    for pair in range(len(levels)):
        _multiply(likely, pair, levels, rarities, tables, offsets)
        for way in range(len(share)):
            likely[pair, way] *= share[way]
    return likely


@inner
def _multiply(likely: Floats, pair: int, levels: Codes, rarities: Codes, tables: Floats, offsets: Places) -> None:
    for field in range(len(offsets)):
        level = np.int64(levels[pair, field])
        if level > 0:
            row = offsets[field] + level * 256 + np.int64(rarities[pair, field])
            for way in range(likely.shape[1]):
                likely[pair, way] *= tables[row, way]


@compiled
def _odds(
    likely: Floats, ways: Places, same: Places, other: Places, strangers: Places
) -> tuple[Floats, NDArray[np.bool_]]:
    """The odds that each of n pairs is of one person, and whether two others are rather related than strangers."""
    odds, related = np.empty(len(likely)), np.empty(len(likely), np.bool_)
    for pair in range(len(likely)):
        against = max(_sum(likely, pair, other), 1e-300)
        odds[pair] = max(_sum(likely, pair, same) / against, 1e-300)
        related[pair] = 2 * _sum(likely, pair, strangers) < _sum(likely, pair, ways)
    return odds, related


@inner
def _four(likely: Floats, pair: int, ways: Places, at: int) -> float:
    one, other = (
        likely[pair, ways[at]] + likely[pair, ways[at + 1]],
        likely[pair, ways[at + 2]] + likely[pair, ways[at + 3]],
    )
    return float(one + other)


@inner
def _sum(likely: Floats, pair: int, ways: Places) -> float:
    """The likelihood of some ways together: of more than eight the first eight two by two, as numpy sums, for a sum
    depends in its last digit on the order."""
    total, first = 0.0, 0
    if len(ways) >= 8:
        total, first = _four(likely, pair, ways, 0) + _four(likely, pair, ways, 4), 8
    for at in range(first, len(ways)):
        total += likely[pair, ways[at]]
    return total


@compiled
def _conflicts(levels: Codes, rarities: Codes, against: Floats, offsets: Places) -> NDArray[np.int64]:
    found = np.empty(len(levels), np.int64)
    for pair in range(len(levels)):
        bits = 0.0
        for at in range(len(offsets)):
            level, rarity = levels[pair, _LASTING[at]], rarities[pair, _LASTING[at]]
            bits += against[offsets[at] + np.int64(level) * 256 + np.int64(rarity)]
        found[pair] = round(1000 * min(max(bits + TOLERATED, -MOST_CONFLICT), 0))
    return found


def _ratios(model: Model, name: str) -> NDArray[np.float64]:
    """u / m of one field by (level, rarity); level 0 is 1. Rare values make agreement stranger among strangers."""
    levels = len(LEVELS[name])
    ratios = np.ones((levels + 1, 256))
    for number, bits in model.sources.said(name):
        ratios[1:, number] = 2.0**-bits
    known = model.fields.get(name)
    if known is None:
        return ratios
    m, u = np.array(known.m), np.array(known.u)
    ratios[1:] = (u / m)[:, None]
    if name in model.rarities:
        relative = _RARITY / max(u[0], 1e-12)
        for level, power in rarity_powers(name).items():
            ratios[level] *= np.clip(relative**power, 2.0**-12, 2.0**12)
    return ratios


def rarity_powers(name: str) -> Mapping[int, float]:
    """Level → how far rarity counts there."""
    if name == "day":
        return dict.fromkeys(range(1, len(LEVELS["day"]) + 1, DAYS), 1.0)
    fuzzy = {"given": (2, 3, 4), "family": (2, 3)}.get(name, ())
    always = {1: 1.0, 9: 1.0, 10: 1.0} if name == "given" else {1: 1.0}
    return always | dict.fromkeys(fuzzy, _FUZZY_POWER)
