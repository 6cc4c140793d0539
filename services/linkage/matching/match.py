"""Match weights: what the agreement of two records is worth in bits, by a model, for many pairs at once.

  weight = log2( Σ_{w same} share_w · Π_f p_wf  /  Σ_{w other} share_w · Π_f p_wf ),   p_wf = ρ_wf m_f + (1 − ρ_wf) u_f

It is the posterior log odds, so 0 is even and 3 is 8 : 1. `m_f` is taken out of each product: tables hold p_wf / m_f.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import RARITY_STEPS, Codes
from services.linkage.matching.compare import DAYS, FIELDS, LEVELS
from services.linkage.matching.model import Model

Weights = NDArray[np.int32]
"""Posterior log odds in millibits."""

_AT_ONCE: Final = 512
"""Pairs of which all fields' factors are looked up at once: few enough to stay in the processor's cache."""
LASTING: Final = ("given", "year", "day", "sex", "nhs_number", "nino")
"""Fields that stay with a person: where two clusters differ in one throughout, it is no slip of one record."""
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
        self._same = np.array([way.same for way in model.ways])
        self._strangers = np.array([not way.same and not way.shared for way in model.ways])
        self._share = np.array([way.share for way in model.ways])
        self._against = [(FIELDS.index(name), -np.log2(np.maximum(self.ratios[name], 1.0))) for name in LASTING]
        tables = [self._table(name) for name in FIELDS]
        self._tables = np.concatenate(tables)
        self._offsets = np.cumsum([0, *map(len, tables[:-1])])[:, None]

    def _table(self, field: str) -> NDArray[np.float64]:
        """p_wf / m_f by (level · 256 + rarity, way)."""
        shared = np.array([way.of(field) for way in self.model.ways])
        table = shared + (1 - shared) * self.ratios[field].reshape(-1, 1)
        table[:256] = 1.0
        return np.ascontiguousarray(table)

    def likelihoods(self, levels: Codes, rarities: Codes) -> NDArray[np.float64]:
        """Share of each way times its likelihood of n pairs, over Π m: shape (n, ways)."""
        likely = np.empty((levels.shape[1], len(self._share)))
        said = np.asarray(levels.any(axis=1)).nonzero()[0]
        rows = self._offsets[said] + levels[said].astype(np.intp) * 256 + rarities[said]
        for start in range(0, rows.shape[1], _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            np.multiply.reduce(self._tables[rows[:, part]], axis=0, out=likely[part], initial=1.0)
        likely *= self._share
        return likely

    @cached_property
    def version(self) -> str:
        """The model's."""
        return self.model.version

    @property
    def prior(self) -> float:
        """Log odds in bits that two records, of which nothing is known, are of one subject."""
        share = self._share
        return round(float(np.log2(share[self._same].sum() / share[~self._same].sum())), 2)

    def bits(self, levels: Codes, rarities: Codes) -> NDArray[np.float64]:
        """Posterior log odds of n pairs in bits."""
        return self._odds(self.likelihoods(levels, rarities))

    def weigh(self, levels: Codes, rarities: Codes) -> Weights:
        """Weights of n pairs in millibits, clipped to what a model lets one pair say."""
        return self._clipped(self.bits(levels, rarities))

    def evidence(self, levels: Codes, rarities: Codes) -> tuple[Weights, NDArray[np.bool_]]:
        """Weights of n pairs, and which of them say anything.

        What weighs least says that two people were compared, as most pairs would. Of relatives and neighbours, rather
        than strangers, it says more: records of theirs that look alike should not become one.
        """
        likely = self.likelihoods(levels, rarities)
        weights = self._clipped(self._odds(likely))
        related = 2 * likely[:, self._strangers].sum(1) < likely.sum(1)
        return weights, (weights > self.model.thresholds.least) | related

    def _odds(self, likely: NDArray[np.float64]) -> NDArray[np.float64]:
        odds = likely[:, self._same].sum(1) / np.maximum(likely[:, ~self._same].sum(1), 1e-300)
        return np.asarray(np.log2(np.maximum(odds, 1e-300)))

    def _clipped(self, bits: NDArray[np.float64]) -> Weights:
        limits = self.model.thresholds
        return np.clip(np.rint(1000 * bits), limits.least, limits.most).astype(np.int32)

    def conflicts(self, levels: Codes, rarities: Codes) -> NDArray[np.int64]:
        """What lasting traits say against each of n pairs beyond `TOLERATED`, in millibits ≤ 0."""
        bits = np.zeros(levels.shape[1])
        for at, against in self._against:
            if levels[at].any():
                bits += against[levels[at], rarities[at]]
        return np.rint(1000 * np.clip(bits + TOLERATED, -MOST_CONFLICT, 0)).astype(np.int64)


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
    always = {1: 1.0, 9: 1.0} if name == "given" else {1: 1.0}
    return always | dict.fromkeys(fuzzy, _FUZZY_POWER)
