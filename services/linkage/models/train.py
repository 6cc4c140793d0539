"""A model from records alone: no labels, no thresholds tuned on a truth.

Rarities are counted, `u` is measured on random pairs, `m`, the shares of the ways and what they share come from
expectation–maximisation over candidates and neighbours (`sample`; Winkler 1988; Larsen and Rubin 2001). Dirichlet and
Beta priors (`TYPICAL`, `WAYS`) keep what has little data sane.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.linkage.matching.columns import RARITY_STEPS, Columns
from services.linkage.matching.compare import DAYS, FIELDS, KEPT, LEVELS, compare
from services.linkage.matching.compare_values import COHORTS, MOST_SOURCES, cohort
from services.linkage.matching.match import Matcher
from services.linkage.matching.model import Field, Model, Rarities, Sources, Way
from services.linkage.models.sample import Sample, sample
from services.linkage.reading.normal import TRAITS, Traits

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_YEARS: Final = (0.905, 0.06, 0.015, 0.015, 0.005)
_DAYS: Final = (
    (0.90, 0.02, 0.06, 0.01, 0.01), (0.60, 0.04, 0.16, 0.10, 0.10), (0.40, 0.05, 0.20, 0.05, 0.30),
    (0.20, 0.02, 0.18, 0.05, 0.55), (0.20, 0.02, 0.18, 0.05, 0.55),
)  # fmt: skip
TYPICAL: Final[Mapping[str, tuple[float, ...]]] = {
    "given": (0.70, 0.09, 0.06, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01, 0.01),
    "family": (0.80, 0.07, 0.03, 0.03, 0.01, 0.02, 0.04),
    "middle": (0.80, 0.12, 0.08), "sex": (0.98, 0.02), "year": _YEARS, "day": sum(_DAYS, ()),
    "postcode": (0.75, 0.06, 0.02, 0.03, 0.04, 0.10), "address": (0.65, 0.03, 0.08, 0.03, 0.02, 0.03, 0.16),
    "town": (0.80, 0.07, 0.03, 0.10), "uprn": (0.80, 0.20), "phone": (0.70, 0.03, 0.27),
    "email": (0.70, 0.10, 0.05, 0.15), "nhs_number": (0.96, 0.02, 0.01, 0.01), "nino": (0.95, 0.02, 0.01, 0.02),
    "reference": (0.90, 0.04, 0.01, 0.05), "vehicle": (0.60, 0.05, 0.02, 0.33), "birth_place": (0.80, 0.08, 0.05, 0.07),
    "occupation": (0.75, 0.05, 0.05, 0.15),
}  # fmt: skip
"""What `m` is like in general, by level: where EM starts, and what it is drawn to where data is scarce."""

PRIOR_PAIRS: Final = 200
"""How many pairs of experience `TYPICAL` counts as, and `WAYS` for each field."""

MEETINGS: Final = 10
"""How many pairs of experience it counts as that people meet in two partners as often as chance has it."""

_HOME: Final = {"postcode": 0.97, "address": 0.90, "town": 0.98, "uprn": 0.95, "phone": 0.50, "birth_place": 0.50}
WAYS: Final = (
    Way("stayed", True, 1.0),
    Way("moved", True, 0.05, {"postcode": 0.05, "address": 0.05, "uprn": 0.05, "town": 0.50, "phone": 0.20}),
    Way("strangers", False, 0.0),
    Way("household", False, 1.0, _HOME | {"family": 0.70, "email": 0.10}),
    Way("street", False, 3.0, {"postcode": 0.80, "town": 0.98, "address": 0.30, "birth_place": 0.50}),
    Way("neighbours", False, 1.0, {"postcode": 0.50, "town": 0.95, "birth_place": 0.50}),
    Way("twins", False, 0.05, _HOME | {"family": 0.95, "year": 0.999, "day": 0.999, "birth_place": 0.95}),
    Way("relatives", False, 0.30, {"family": 0.80, "phone": 0.30, "email": 0.10, "town": 0.60, "birth_place": 0.50}),
    Way(
        "twins apart",
        False,
        0.005,
        {"family": 0.95, "year": 0.999, "day": 0.999, "phone": 0.30, "email": 0.10, "town": 0.60, "birth_place": 0.95},
    ),
    Way("elder", False, 0.03, _HOME | {"family": 0.97, "given": 0.97}),
    Way("namesakes", False, 0.10, {"family": 0.98, "given": 0.95, "email": 0.05}),
)
"""The ways of being one person or two, their shares in pairs a record, and what each shares: where EM starts.

Elder: somebody's parent or child of the same name in the same home. Namesakes: names go together by origin, so full
names repeat more often than their parts' frequencies say.
"""

DEFINING: Final[Mapping[str, tuple[str, ...]]] = {
    "twins": ("family", "year", "day"), "twins apart": ("family", "year", "day"),
    "elder": ("given", "family"), "namesakes": ("given", "family"),
}  # fmt: skip
"""What makes a way what it is, and is not learned: else EM makes of rare twins whatever pairs nothing else explains."""

TWINS_AMONG_HOUSEHOLD: Final = 0.05
ELDERS_AMONG_HOUSEHOLD: Final = (0.02, 0.06)
"""Twins cannot be told from one person with two given names by data that has no labels, so their share is fixed to that
of households; it is set well above their share of births (1.6%), because merging twins is worse than parting records.
Elders are learned within bounds: below, they would be taken for wrong dates of birth, above, these for elders. Of
relatives there are at least as many for each pair of a household as there are moves for each person who stayed."""

ROUNDS: Final = 18
SETTLING: Final = 5
"""Rounds of EM, and how many of the first leave `m` alone until the ways have found their shares."""

_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "year": ("date",), "day": ("date",), "address": ("street",), "phone": ("phone_1", "phone_2"),
}  # fmt: skip
_PARTS: Final = {"year": slice(0, 4), "day": slice(4, 8)}
_AT: Final = {trait: place for place, trait in enumerate(TRAITS)}


def train(name: str, kind: str, rows: Sequence[Traits], provenance: Mapping[str, str], *, seed: int = 1) -> Model:
    """A model for records of these traits. Needs at least two distinct contents; the more the better.

    The same rows in any order give the same model up to the choice of random pairs, which `seed` fixes.
    """
    distinct = sorted(set(rows))
    if len(distinct) < 2:
        raise ValueError(f"Training needs records that differ: there are {len(distinct)}. Give more records.")
    rarities = count_rarities(rows)
    ways = tuple(replace(way, share=way.share / len(distinct) if way.share else 1.0) for way in WAYS)
    model = Model(name, kind, {}, ways, rarities, provenance=provenance, sources=_sources(rows))
    columns = Columns(model.frequencies())
    columns.append(distinct)
    random = np.random.default_rng(seed)
    u = _measure_u(columns, random)
    return _Fit(model, u, columns, sample(columns, model.block_cap, random)).run()


def _sources(rows: Sequence[Traits]) -> Sources:
    """The partners with the most records."""
    counts = Counter(row[TRAITS.index("source")] for row in rows)
    counts.pop("", None)
    return Sources(tuple(sorted(name for name, _ in sorted(counts.most_common(), key=_by_count)[: MOST_SOURCES - 1])))


def _by_count(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def count_rarities(rows: Sequence[Traits]) -> dict[str, Rarities]:
    """How rare each value is among the records that have one; a value not met counts as met once."""
    rarities: dict[str, Rarities] = {}
    for field in FIELDS:
        if field == "middle" or field in KEPT:
            continue
        counts = Counter(value for row in rows for value in values_of(field, row))
        total = counts.total()
        if total:
            known = {value: _rarity(number, total) for value, number in sorted(counts.items()) if number > 1}
            rarities[field] = Rarities(_rarity(1, total), known)
    return rarities


def values_of(field: str, row: Traits) -> list[str]:
    """What of a record's traits counts as a value of the field."""
    part = _PARTS.get(field, slice(None))
    return [row[_AT[trait]][part] for trait in _COUNTED.get(field, (field,)) if row[_AT[trait]]]


def _rarity(count: int, total: int) -> int:
    return min(255, round(-RARITY_STEPS * math.log2(count / total)))


def _measure_u(columns: Columns, random: np.random.Generator, pairs: int = 400_000) -> dict[str, tuple[float, ...]]:
    """Levels among random pairs, for the fields that there are."""
    left, right = random.integers(0, columns.size, (2, pairs))
    apart = left != right
    levels, _ = compare(columns, left[apart], right[apart])
    u: dict[str, tuple[float, ...]] = {}
    for at, field in enumerate(FIELDS):
        counts = np.bincount(levels[at], minlength=len(LEVELS[field]) + 1)[1:].astype(np.float64) + _RARE_AGREEMENT
        if field == "day":
            # By the year's level: of two born in one year one pair in six is within a month.
            table = counts.reshape(-1, DAYS)
            counts = (table + PRIOR_PAIRS * table.sum(0) / counts.sum()).ravel()
        u[field] = tuple(_rows(field, counts).ravel())
    # Names that changed places are as rare as two equal names; the rarity of both is in the pair's.
    u["given"] = (*u["given"][:8], u["given"][0], u["given"][0])
    compared = (field for field in FIELDS if field not in KEPT)
    there = {field for field in compared if columns.ids[:, columns.at[_HELD_IN.get(field, field)]].any()}
    return {field: levels for field, levels in u.items() if field in there}


_RARE_AGREEMENT: Final = 0.3
_HELD_IN: Final = {"middle": "middle_1", "year": "date", "day": "date", "address": "street", "phone": "phone_1"}


class _Fit:
    """Expectation–maximisation over a sample of pairs."""

    def __init__(self, model: Model, u: Mapping[str, tuple[float, ...]], columns: Columns, pairs: Sample) -> None:
        self._levels, self._rarities = compare(columns, pairs.left, pairs.right)
        self._met = _chance_meetings(columns)
        self._born = _born(columns, pairs)
        self._all_pairs = columns.size * (columns.size - 1) / 2
        self._stands_for = pairs.stands_for[:, None]
        self._u, self._first = u, model

    def run(self) -> Model:
        """The model after `ROUNDS` rounds."""
        typical = {field: _rows(field, np.array(TYPICAL[field])) for field in self._u}
        model = self._with(typical, self._first.ways)
        for number in range(ROUNDS):
            m, ways, sources = self._round(model)
            model = self._with(typical, ways) if number < SETTLING else replace(self._with(m, ways), sources=sources)
        return model

    def _with(self, m: Mapping[str, Floats], ways: tuple[Way, ...]) -> Model:
        fields = {name: Field(_rounded(m[name].ravel()), _rounded(self._u[name])) for name in m}
        return replace(self._first, fields=fields, ways=ways)

    def _round(self, model: Model) -> tuple[dict[str, Floats], tuple[Way, ...], Sources]:
        matcher = Matcher(model)
        likely = matcher.likelihoods(self._levels, self._rarities)
        belief = likely / likely.sum(1, keepdims=True) * self._stands_for
        m: dict[str, Floats] = {}
        shared: list[dict[str, float]] = [dict(way.shared) for way in model.ways]
        for field in model.fields:
            counts: Floats = np.zeros(len(LEVELS[field]))
            at = FIELDS.index(field)
            known = np.flatnonzero(self._levels[at])
            levels, rarities = self._levels[at][known], self._rarities[at][known]
            ratio = matcher.ratios[field][levels, rarities]
            for number, way in enumerate(model.ways):
                held = way.of(field)
                if not held:
                    continue
                truly = belief[known, number] * (held / (held + (1 - held) * ratio))
                if way.same:
                    counts = counts + np.bincount(levels, weights=truly, minlength=len(counts) + 1)[1:]
                if field in way.shared and field not in DEFINING.get(way.name, ()):
                    prior, total = WAYS[number].shared[field], belief[known, number].sum()
                    shared[number][field] = float((truly.sum() + PRIOR_PAIRS * prior) / (total + PRIOR_PAIRS))
            m[field] = _rows(field, _rows(field, counts, typical=True))
        if "year" in m:
            m["year"] = _without_elders(m["year"], self._u["year"])
        same = belief[:, [way.same for way in model.ways]].sum(1)
        return m, self._ways(model, belief.sum(0) / self._all_pairs, shared), self._sources(model.sources, same)

    def _sources(self, sources: Sources, same: Floats) -> Sources:
        """How much likelier one person's records meet in two partners than any two records do."""
        known = np.flatnonzero(self._levels[_SOURCE])
        counts = np.bincount(self._rarities[_SOURCE][known], same[known], minlength=256)
        expected = counts.sum() * self._met / max(self._met.sum(), 1e-12)
        bits_of = np.log2((counts + MEETINGS) / (expected + MEETINGS))
        bits = {pair: round(float(bits_of[number]), 3) for pair, number in sources.pairs()}
        return replace(sources, bits=bits, ages=self._ages(sources, same))

    def _ages(self, sources: Sources, same: Floats) -> dict[str, tuple[float, ...]]:
        """How much likelier a partner's undated records are of somebody born then than of anybody whom the other
        partner dates."""
        known = np.flatnonzero(self._levels[_AGE])
        counts = np.bincount(self._rarities[_AGE][known], same[known], minlength=256).reshape(-1, COHORTS)
        expected = np.zeros_like(counts)
        np.add.at(expected, self._rarities[_AGE][known] // COHORTS, same[known, None] * self._born[known])
        bits = np.log2((counts + MEETINGS) / (expected + MEETINGS))
        return {name: tuple(round(float(b), 3) for b in bits[at]) for at, name in enumerate(sources.names, start=1)}

    def _ways(self, model: Model, shares: Floats, shared: Sequence[Mapping[str, float]]) -> tuple[Way, ...]:
        fewest, most = ELDERS_AMONG_HOUSEHOLD
        of = {way.name: float(share) for way, share in zip(model.ways, shares, strict=True)}
        # Where those of one address seldom bear one name, few of them are family.
        kin = of["household"] * shared[_HOUSEHOLD]["family"] / WAYS[_HOUSEHOLD].shared["family"]
        of |= {
            "strangers": 1.0,
            "twins": kin * TWINS_AMONG_HOUSEHOLD,
            "relatives": (relatives := max(of["relatives"], kin * of["moved"] / of["stayed"])),
            "twins apart": relatives * TWINS_AMONG_HOUSEHOLD,
            "elder": min(max(of["elder"], kin * fewest), kin * most),
        }
        return tuple(
            replace(way, share=max(of[way.name], 1e-13), shared=held)
            for way, held in zip(model.ways, shared, strict=True)
        )


_SOURCE, _AGE = FIELDS.index("source"), FIELDS.index("age")
_HOUSEHOLD: Final = [way.name for way in WAYS].index("household")


def _born(columns: Columns, pairs: Sample) -> Floats:
    """For each pair of which one side is dated, what share of that side's partner's people is of each cohort."""
    years = columns.vocabulary("date").part["year"][columns.ids[: columns.size, columns.at["date"]]]
    keeper = columns.vocabulary("source").rarity["source"][columns.ids[: columns.size, columns.at["source"]]]
    dated = years > 0
    born = np.bincount(keeper[dated].astype(np.int64) * COHORTS + cohort(years[dated]), minlength=256)
    table = born.reshape(-1, COHORTS)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    return np.asarray(shares[keeper[np.where(years[pairs.left] > 0, pairs.left, pairs.right)]])


def _chance_meetings(columns: Columns) -> Floats:
    """The share of all pairs of nodes that are of each two partners, by their numbers as `compare` gives them."""
    held = columns.ids[: columns.size, columns.at["source"]]
    numbers = columns.vocabulary("source").rarity["source"][held]
    share = np.bincount(numbers, minlength=MOST_SOURCES) / columns.size
    share[0] = 0
    both = np.triu(np.outer(share, share) * (2 - np.eye(MOST_SOURCES)))
    return np.asarray(both.ravel())


def _rows(field: str, counts: Floats, *, typical: bool = False) -> Floats:
    """Levels as shares of 1; the day's, which the year's tells apart, in rows. `typical` adds the prior."""
    table = counts.reshape(-1, DAYS) if field == "day" else counts.reshape(1, -1)
    if typical:
        prior = np.array(TYPICAL[field]).reshape(table.shape)
        return np.asarray(table + PRIOR_PAIRS / len(table) * prior / prior.sum(1, keepdims=True))
    return np.asarray(table / table.sum(1, keepdims=True))


def _without_elders(m: Floats, u: Sequence[float]) -> Floats:
    """`m` of the year, its last level held to what the one before it says.

    Data without labels cannot tell a father and a son of one name from one man whose date is wrong. But years that are
    simply wrong fall a generation off as often as any two people's, and wrong by less they are nobody's father's.
    """
    most = m[0, -2] * u[-1] / u[-2]
    m[0, -1] = min(m[0, -1], most)
    return np.asarray(m / m.sum())


def _rounded(shares: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(f"{share:.6g}") for share in shares)
