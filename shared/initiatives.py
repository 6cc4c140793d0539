"""Initiatives as files (``initiatives/<name>/``): the four-part statement of a problem, and what runs it.

``initiative.yaml`` says the problem, the action, the product and the data, and names the model, its thresholds and who
is told; ``reasons.yaml`` has a sentence a feature in English and Welsh; the model and its card lie beside them. Source
of the four parts: Nesta, "Public Sector Data Analytics", module 3.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.contracts import Kind

ProductKind = Literal[
    "alert", "list", "map", "hotspots", "single_view", "dashboard", "profile", "allocation", "forecast", "drivers",
    "report",
]  # fmt: skip
FeatureKind = Literal["count", "sum", "mean", "max", "ratio", "latest", "any", "days_since"]
Plain = bool | int | float | str
_PLACEHOLDER = re.compile(r"\{value[^}]*\}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Part):
    """The same words in English and Welsh."""

    en: str = Field(min_length=1)
    cy: str = Field(min_length=1)

    def of(self, language: str) -> str:
        """In Welsh for ``cy``, in English for anything else."""
        return self.cy if language == "cy" else self.en


class Act(_Part):
    """What would be done, by whom, and how many cases they can take on in a week."""

    statement: Text
    who: Text
    capacity_a_week: int = Field(gt=0)


class Product(_Part):
    """What a person needs to see."""

    kind: ProductKind
    shows: Text


class Feature(_Part):
    """One column of the model's input: how it is counted is said by services/scoring/features.py.

    ``days`` is the length of its window (none: for ever); ``where`` keeps the events whose facts have these values;
    ``over`` is a ratio's denominator; ``default`` is the value of an entity about which nothing is known.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: FeatureKind
    events: tuple[str, ...] = Field(min_length=1)
    fact: str | None = None
    over: str | None = None
    where: dict[str, Plain | tuple[Plain, ...]] = {}
    days: int | None = Field(None, gt=0)
    default: float = 0.0

    @model_validator(mode="after")
    def _complete(self) -> "Feature":
        if self.kind in ("sum", "mean", "max", "ratio", "latest") and self.fact is None:
            raise ValueError(f"{self.name}: a {self.kind} needs the fact it is made of: fact: …")
        if (self.kind == "ratio") != (self.over is not None):
            raise ValueError(f"{self.name}: a ratio, and nothing else, has a denominator: over: …")
        return self


class Population(_Part):
    """Who is scored: those of whom ``feature`` lies between ``least`` and ``most``, both included."""

    feature: str
    least: float
    most: float


class Data(_Part):
    """The event types that are read, the features in the order of the model's columns, and who is scored (none:
    everybody of the initiative's kind of whom anything is known). ``linking``: whether records may be joined for its
    purpose by probability, or by stated rules alone."""

    events: tuple[str, ...]
    features: tuple[Feature, ...] = Field(min_length=1)
    population: Population | None = None
    linking: Literal["probabilistic", "deterministic"] = "probabilistic"

    @model_validator(mode="after")
    def _consistent(self) -> "Data":
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("two features have the same name")
        unread = {event for feature in self.features for event in feature.events} - set(self.events)
        if unread:
            raise ValueError(f"features use {sorted(unread)}, which data.events does not name")
        if self.population is not None and self.population.feature not in names:
            raise ValueError(f"population.feature is {self.population.feature!r}: name one of the features")
        return self


class Model(_Part):
    """The file of the model beside ``initiative.yaml``, the sha256 (hex) it must have, and its card."""

    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    card: str


class Thresholds(_Part):
    """An alert opens at ``raise`` and may lapse below ``lower``; between them it stays as it is (hysteresis)."""

    raise_at: float = Field(alias="raise", gt=0, lt=1)
    lower_at: float = Field(alias="lower", gt=0, lt=1)

    @model_validator(mode="after")
    def _apart(self) -> "Thresholds":
        if self.lower_at > self.raise_at:
            raise ValueError("lower must not be above raise")
        return self


class Routing(_Part):
    """Which team is told: by the newest value of ``fact`` known of the entity."""

    fact: str
    teams: dict[str, str]
    otherwise: str

    def team(self, area: str | None) -> str:
        return self.teams.get(area or "", self.otherwise)


class Statement(_Part):
    """``initiative.yaml`` as it is written."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    purpose: str
    kind: Kind
    title: Text
    problem: Text
    action: Act
    product: Product
    data: Data
    model: Model
    thresholds: Thresholds
    routing: Routing
    evaluation: Text


class Initiative:
    """One initiative: its statement, its reasons, its model's card, and where the model lies.

    Raises ``ValueError`` that names the file, the place in it and what to do.
    """

    def __init__(
        self, statement: Statement, reasons: Mapping[str, Text], card: Mapping[str, Any], folder: Path
    ) -> None:
        self.statement, self.card, self.folder = statement, card, folder
        self._reasons = reasons

    @classmethod
    def load(cls, folder: Path) -> "Initiative":
        path = folder / "initiative.yaml"
        try:
            statement = Statement.model_validate(_mapping(path))
        except ValidationError as error:
            raise ValueError(f"{path}: not an initiative: {error}") from error
        if statement.name != folder.name:
            raise ValueError(f"{path}: name is {statement.name!r}: give it the folder's name, {folder.name!r}")
        card = _mapping(folder / statement.model.card)
        return cls(statement, _reasons(folder / "reasons.yaml", statement.data.features), card, folder)

    @property
    def name(self) -> str:
        return self.statement.name

    @property
    def title(self) -> Text:
        return self.statement.title

    @property
    def purpose(self) -> str:
        return self.statement.purpose

    @property
    def kind(self) -> Kind:
        return self.statement.kind

    @property
    def thresholds(self) -> Thresholds:
        return self.statement.thresholds

    @property
    def routing(self) -> Routing:
        return self.statement.routing

    def team(self, area: str | None) -> str:
        """The team that is told of an entity in this area."""
        return self.statement.routing.team(area)

    def reason(self, feature: str, value: float, language: str) -> str:
        """The sentence for a feature with this value. Raises ``KeyError`` for one it does not have."""
        return self._reasons[feature].of(language).format(value=value)

    def words(self, feature: str, language: str) -> str:
        """The sentence for a feature without a value: "Missed … of lessons in the last four weeks"."""
        return _PLACEHOLDER.sub("…", self._reasons[feature].of(language))

    def model(self) -> bytes:
        """The model's bytes, checked against the statement's sha256."""
        path = self.folder / self.statement.model.file
        if not path.is_file():
            raise ValueError(f"{path}: no such file: put the model of {self.name!r} there, or correct model.file")
        content = path.read_bytes()
        if (found := sha256(content).hexdigest()) != self.statement.model.sha256:
            raise ValueError(
                f"{path}: sha256 is {found}, initiative.yaml says {self.statement.model.sha256}: "
                "restore the approved model, or approve this one by writing its sha256 there"
            )
        return content


class Initiatives:
    """All initiatives of a region, by name."""

    def __init__(self, initiatives: Iterable[Initiative]) -> None:
        self.by_name: Mapping[str, Initiative] = {initiative.name: initiative for initiative in initiatives}

    @classmethod
    def load(cls, folder: Path) -> "Initiatives":
        """Each subfolder is an initiative. Raises ``ValueError`` when there is none or one cannot be read."""
        folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        found = cls(Initiative.load(path) for path in folders if not path.name.startswith((".", "_")))
        if not found.by_name:
            raise ValueError(f"{folder}: no initiative there: set JIGSAW_INITIATIVES to the folder that holds them")
        return found

    def __iter__(self) -> Iterator[Initiative]:
        return iter(self.by_name.values())

    def __getitem__(self, name: str) -> Initiative:
        return self.by_name[name]

    @cached_property
    def purposes(self) -> frozenset[str]:
        return frozenset(initiative.purpose for initiative in self)


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file: each initiative has one") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: a mapping is wanted, not {type(content).__name__}")
    return content


def _reasons(path: Path, features: Iterable[Feature]) -> dict[str, Text]:
    """A sentence for each feature; each is tried, so that a misspelt placeholder stops the start, not a page."""
    content = _mapping(path)
    missing = [feature.name for feature in features if feature.name not in content]
    if missing:
        raise ValueError(f"{path}: no sentence for {', '.join(missing)}: add one in English and Welsh for each")
    reasons = {}
    for name, text in content.items():
        try:
            reasons[name] = Text.model_validate(text)
            for language in ("en", "cy"):
                reasons[name].of(language).format(value=0.5)
        except (ValidationError, KeyError, IndexError, ValueError, AttributeError) as error:
            raise ValueError(f"{path}: {name}: {error}: write {{en: …, cy: …}} with only {{value}} in it") from error
    return reasons
