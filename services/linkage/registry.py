"""Which models there are and which one weighs: kept in the database, so that all replicas agree.

A model begins as a *shadow* (its index is built beside, nobody sees it), is *wanted* from the moment somebody asks for
the switch, *active* from the switch on, then *retired*. The file among the settings is the seed of an empty database.

Invariants
    1. One model of a kind is active, and it changes only in the transaction that brings the entities in line with it.
    2. At most one stands beside it, shadow or wanted.
    3. A version names the very bytes of a model: the same version, the same weights, on every machine, for ever.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.linkage.match import Matcher
from services.linkage.model import Model
from services.linkage.store import Q, LinkageStore
from shared.contracts import Kind
from shared.db import Connection

State = Literal["shadow", "wanted", "active", "retired"]
SEED = "seed"
"""Who made the first model active: the file among the settings did."""


def version_of(model: Model) -> str:
    """The model's name, and 12 hexadecimal digits of BLAKE2b over its JSON."""
    return f"{model.name}-{blake2b(model.dump().encode(), digest_size=6).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Registered:
    """A model and what became of it. ``followed``: the version of the index that a shadow has seen."""

    number: int
    version: str
    json: str
    state: State
    at: datetime
    by: str
    followed: int
    report: Mapping[str, Any] | None

    def load(self) -> Model:
        """Raises ``ValueError`` when it is of another format than this release's."""
        return _loaded(self.json)


@lru_cache(maxsize=4)
def _loaded(text: str) -> Model:
    return Model.load(text)


class Registry:
    """One transaction's view of the models."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def active(self) -> Registered | None:
        """The model that weighs; ``None`` in a database that nobody has seeded yet."""
        row = await self._connection.fetchrow(Q["active_model"])
        return _registered(row) if row else None

    async def all(self) -> list[Registered]:
        """Every model there ever was, the newest first."""
        return [_registered(row) for row in await self._connection.fetch(Q["models"])]

    async def beside(self) -> Registered | None:
        """The shadow, or the model that is wanted."""
        return next((one for one in await self.all() if one.state in ("shadow", "wanted")), None)

    async def keep(self, model: Model, state: State, by: str) -> int:
        """Register a model in a state; its number."""
        number: int = await self._connection.fetchval(
            Q["keep_model"], version_of(model), model.kind, model.dump(), state, by
        )
        return number

    async def set(self, number: int, state: State, by: str) -> None:
        """What becomes of a model."""
        await self._connection.execute(Q["set_state"], number, state, by)

    async def follow(self, number: int, version: int, report: Mapping[str, Any]) -> None:
        """A shadow has seen the index at ``version``; what it would change."""
        await self._connection.execute(Q["follow"], number, version, report)

    async def drop_rows(self, number: int) -> None:
        """Forget what a model beside says of each record."""
        await self._connection.execute(Q["drop_shadow"], number)

    async def keep_rows(self, number: int, version: int, rows: Sequence[tuple[UUID, bytes, UUID]]) -> None:
        """Record, its edges and its entity under a model beside: new and changed ones."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await self._connection.execute(Q["keep_shadow_rows"], number, version, *columns)

    async def reassign(self, number: int, entity_of: Mapping[UUID, UUID]) -> None:
        """Records that changed hands under a model beside."""
        if entity_of:
            await self._connection.execute(Q["reassign_shadow"], number, list(entity_of), list(entity_of.values()))

    async def settle(self, number: int, most: int) -> int:
        """Move some of the active model's rows to their place; how many there were to move."""
        moved: int = await self._connection.fetchval(Q["settle"], number, most)
        return moved


class InUse:
    """The model that weighs, as this process knows it. ``seed`` becomes active in a database that has none."""

    def __init__(self, seed: Model) -> None:
        self._seed = seed
        self._matcher = Matcher(seed)
        self.version = version_of(seed)

    async def current(self, store: LinkageStore) -> Model:
        """The active model, in the store's transaction."""
        registry = Registry(store.connection)
        active = await registry.active()
        if active is None:
            await registry.keep(self._seed, "active", SEED)
        model = active.load() if active else self._seed
        if model is not self.model:
            self._matcher, self.version = Matcher(model), version_of(model)
        return model

    @property
    def model(self) -> Model:
        """The active model when this process last looked."""
        return self._matcher.model

    def matcher(self, kind: Kind) -> Matcher | None:
        """The active model made ready; ``None`` for a kind that is linked by rules."""
        return self._matcher if self.model.kind == kind else None


def _registered(row: asyncpg.Record) -> Registered:
    return Registered(**dict(row))
