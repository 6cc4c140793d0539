"""The linkage model: what agreement and disagreement are worth, as a versioned JSON file.

A pair of records is the same person or not, and there are several ways of being either (`Way`): the same person who
stayed put or moved; two people who have nothing, a street, a household, a birth or a name in common. Each way says,
field by field, how often the two *share* the field's one true value; sharing it they agree as a person agrees with
itself (`m`), else as strangers do (`u`). This is Fellegi and Sunter (1969) with the dependence between fields that a
household makes written down as a mixture, in the spirit of Larsen and Rubin (2001).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

from services.linkage.matching.columns import Frequencies
from services.linkage.matching.compare import FIELDS
from services.linkage.matching.compare_values import COHORTS, MOST_SOURCES


@dataclass(frozen=True, slots=True)
class Field:
    """`m[level]` and `u[level]`: probability of each level (level 1 first) among same and among random pairs."""

    m: tuple[float, ...]
    u: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of being the same person (`same`) or not: its share of all pairs, and how often each field is shared.

    A field not named is always shared by the same person, never by two.
    """

    name: str
    same: bool
    share: float
    shared: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str) -> float:
        return self.shared.get(name, 1.0 if self.same else 0.0)


@dataclass(frozen=True, slots=True)
class Rarities:
    """Frozen rarities of one field's values (`RARITY_STEPS` a bit); every other value has the rarity `other`."""

    other: int
    known: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, value: str) -> int:
        return self.known.get(value, self.other)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """In millibits, posterior: 0 is even odds. Clusters merge while their mean weight is at least `link`; from `review`
    to there, and within `margin` of a better choice, a person should look. A weight counts at least `least` and at most
    `most`; `missing` stands for pairs never compared, which is a sign of difference, but a weaker one.
    """

    link: int = 0
    review: int = -2500
    margin: int = 1000
    missing: int = -1500
    least: int = -3000
    most: int = 18000


@dataclass(frozen=True, slots=True)
class Sources:
    """What it says that two records are kept by these two partners: a school and a council's tax office have nobody in
    common, and one register seldom holds a person twice. `names` are numbered from 1; `bits["a|b"]`, names in order, is
    log2(m/u) of the two. What is not named says nothing.

    `ages["a"]` is the same, cohort by cohort (`compare_values.cohort`), of a record without a date that `a` keeps and
    one of somebody born then: nobody at school pays council tax.
    """

    names: tuple[str, ...] = ()
    bits: Mapping[str, float] = field(default_factory=dict)
    ages: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def number(self, name: str) -> int:
        return self.names.index(name) + 1 if name in self.names else 0

    def pairs(self) -> Iterator[tuple[str, int]]:
        """`a|b` of any two, and the number that `compare` gives the two."""
        for at, one in enumerate(self.names, start=1):
            for to, other in enumerate(self.names[at - 1 :], start=at):
                yield f"{one}|{other}", at * MOST_SOURCES + to

    def said(self, name: str) -> Iterator[tuple[int, float]]:
        """By the number that `compare` gives, what the field `source` or `age` is worth in bits."""
        if name == "source":
            yield from ((number, self.bits.get(pair, 0.0)) for pair, number in self.pairs())
        elif name == "age":
            for at, keeper in enumerate(self.names, start=1):
                yield from enumerate(self.ages.get(keeper, ()), start=at * COHORTS)


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a weight depends on besides the two records."""

    name: str
    kind: str
    fields: Mapping[str, Field]
    ways: tuple[Way, ...]
    rarities: Mapping[str, Rarities]
    thresholds: Thresholds = Thresholds()
    block_cap: int = 60
    provenance: Mapping[str, str] = field(default_factory=dict)
    sources: Sources = Sources()

    def frequencies(self) -> Frequencies:
        """Field → rarity of a value as the index's columns hold it (a date's year and day are known apart)."""

        def of(name: str) -> Rarities:
            return self.rarities.get(name, Rarities(160))

        year, day = of("year"), of("day")
        plain: dict[str, Callable[[str], int]] = {name: of(name) for name in FIELDS}
        return plain | {
            "year": lambda date: year(date[:4]),
            "day": lambda date: day(date[4:]),
            "source": self.sources.number,
        }

    @property
    def version(self) -> str:
        """The model's name, and 12 hexadecimal digits of BLAKE2b over its JSON: the same version, the same weights."""
        return f"{self.name}-{blake2b(self.dump().encode(), digest_size=6).hexdigest()}"

    def dump(self) -> str:
        """The model as JSON text, readable and stable: the same model, the same bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Model":
        """The inverse of `dump`. Raises ValueError that names what is wrong."""
        try:
            raw: dict[str, Any] = json.loads(text)
            return cls(
                raw["name"], raw["kind"],
                {name: Field(tuple(f["m"]), tuple(f["u"])) for name, f in raw["fields"].items()},
                tuple(Way(**way) for way in raw["ways"]),
                {name: Rarities(**one) for name, one in raw["rarities"].items()},
                Thresholds(**raw["thresholds"]), raw["block_cap"], raw["provenance"],
                Sources(
                    tuple(raw["sources"]["names"]), raw["sources"]["bits"],
                    {name: tuple(bits) for name, bits in raw["sources"]["ages"].items()},
                ),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"This is no linkage model: {error!r} is missing or unknown. Train one anew.") from error
