"""Why two records are held to be one, or not: fields, agreement, bits, probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.matching.columns import Codes
from services.linkage.matching.compare import FIELDS, KEPT, LEVELS
from services.linkage.matching.match import Matcher


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One field's agreement and what it is worth: positive bits speak for one person, negative against."""

    field: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The evidence on a pair. `bits` = `prior` + the fields' + `adjustment` (what ways such as a shared household or a
    move take from or give to the plain sum, named by `way`); `probability` is in per cent; `model` is the version of
    the model that weighs. `rule` outranks them all."""

    fields: Sequence[FieldEvidence]
    prior: float
    adjustment: float
    bits: float
    probability: float
    way: str
    model: str
    rule: str | None
    together: bool


def explain(matcher: Matcher, levels: Codes, rarities: Codes, rule: str | None, together: bool) -> Explanation:
    """Take a pair's weight apart. Levels and rarities as `compare` gives them, one per field."""
    likely = matcher.likelihoods(levels[:, None], rarities[:, None])[0]
    bits = matcher.bits(levels[:, None], rarities[:, None])[0]
    fields = tuple(
        FieldEvidence(
            name,
            LEVELS[name][levels[at] - 1],
            round(-float(np.log2(matcher.ratios[name][levels[at], rarities[at]])), 2),
        )
        for at, name in enumerate(FIELDS)
        if levels[at] and (name in matcher.model.fields or name in KEPT)
    )
    prior = matcher.prior
    total = round(float(bits), 2)
    adjustment = round(total - prior - sum(one.bits for one in fields), 2)
    way = matcher.model.ways[int(np.argmax(likely))].name
    return Explanation(
        fields, prior, adjustment, total, round(100 / (1 + 2.0**-total), 1), way, matcher.version, rule, together
    )
