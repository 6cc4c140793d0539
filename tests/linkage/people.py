"""An index of people under the default model, and short ways to fill it."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from uuid import UUID

from services.linkage.index.changes import Upsert
from services.linkage.index.index import Index
from services.linkage.matching.model import Model

MODELS = Path(__file__).parents[2] / "services/linkage/models"
Identity = Mapping[str, str]


@cache
def model() -> Model:
    """The model that ships."""
    return Model.load((MODELS / "person.json").read_text())


def record(number: int) -> UUID:
    return UUID(int=number + 1)


def index_of(identities: Iterable[Identity]) -> Index:
    """An index with these records, numbered from 0."""
    index = Index(model())
    index.apply([Upsert(record(number), identity) for number, identity in enumerate(identities)])
    return index


def are_one(*identities: Identity) -> bool:
    """Whether these records, alone in the world, are held to be one person."""
    return len(index_of(identities).entities()) == 1


def groups(index: Index) -> set[frozenset[UUID]]:
    """The partition."""
    return {frozenset(members) for members in index.entities().values()}
