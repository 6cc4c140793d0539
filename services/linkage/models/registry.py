"""Which models there are and which one weighs: kept in the database, so that all replicas agree.

A model begins as a *shadow* (its index was built beside, and a report says what it would change), is *wanted* once
everything is linked anew under it, *active* from the switch on, then *retired*. The file among the settings is the
seed of an empty database.

Invariants
    1. One model of a kind is active, and it changes only in the transaction that brings the entities in line with it.
    2. At most one stands beside it, shadow or wanted.
    3. A version names the very bytes of a model: the same version, the same weights, on every machine, for ever.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from services.linkage.matching.match import Matcher
from services.linkage.matching.model import Model
from services.linkage.store import COPIED, LinkageStore, Q
from shared.batched import batched
from shared.contracts import Kind
from shared.db import Connection, of_one_moment, plan_anew, read_whole

KEPT = 1_000
"""Rows of a wanted model that are kept at once: the stream waits some hundredths of a second."""
State = Literal["shadow", "wanted", "active", "retired"]
Row = tuple[UUID, bytes, UUID]
"""A record, its edges under a model, its entity."""

SNAPSHOT: Final = re.compile(r"[0-9A-F-]+")
SEED = "seed"
"""Who made the first model active: the file among the settings did."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model and what became of it. ``snapshot``: the moment at which everything was linked under a wanted one;
    ``given_up``: why the last switch to it did not come about."""

    number: int
    version: str
    json: str
    state: State
    at: datetime
    by: str
    activated: datetime | None
    snapshot: str | None
    report: Mapping[str, Any] | None
    given_up: str | None

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
        row = await self._connection.fetchrow(Q["beside"])
        return _registered(row) if row else None

    async def keep(self, model: Model, state: State, by: str) -> int:
        """Register a model in a state; its number."""
        number: int = await self._connection.fetchval(
            Q["keep_model"], model.version, model.kind, model.dump(), state, by
        )
        return number

    async def seed(self, model: Model) -> Registered:
        """The first model becomes active, if another process has not just done so with its own."""
        await self._connection.execute(Q["seed_model"], model.version, model.kind, model.dump(), SEED)
        active = await self.active()
        assert active is not None, "a seeded database has an active model"
        return active

    async def set(self, number: int, state: State, by: str, snapshot: str | None = None) -> None:
        """What becomes of a model."""
        await self._connection.execute(Q["set_state"], number, state, by, snapshot)

    async def give_up(self, wanted: Registered, by: str, reason: str) -> bool:
        """A wanted model is the shadow again, and what was linked anew for it is forgotten. Nothing happens, and false
        comes back, if it is wanted no more, or was handed over again since."""
        given_up = await self._connection.fetchval(Q["give_up"], wanted.number, wanted.snapshot, by, reason)
        if given_up:
            await self.forget_relinked()
        return given_up is not None

    async def report(self, number: int, report: Mapping[str, Any]) -> None:
        """What a shadow would change."""
        await self._connection.execute(Q["report"], number, report)

    async def export_snapshot(self) -> str:
        """This transaction's moment, as long as it is open."""
        snapshot: str = await self._connection.fetchval(Q["export_snapshot"])
        return snapshot

    async def import_snapshot(self, snapshot: str) -> None:
        """First in a transaction: it reads what the exporting one would. Raises asyncpg's error when that one ended."""
        if not SNAPSHOT.fullmatch(snapshot):
            raise ValueError(f"{snapshot!r} is no snapshot of PostgreSQL's")
        await of_one_moment(self._connection)
        await self._connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")

    async def forget_relinked(self) -> None:
        """What was linked anew for a switch that never came."""
        await self._connection.execute(Q["forget_relinked"])

    async def keep_relinked(self, number: int, rows: Sequence[Row], version: int) -> None:
        """Records linked anew or moved under the wanted model as of a version, as far as they are still here. To be
        called under the index's lock, so that none leaves meanwhile."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await self._connection.execute(Q["keep_relinked"], number, version, *columns)

    async def copy_relinked(self, number: int, rows: Sequence[Row], version: int) -> None:
        """The same for rows that are all new, and very many."""
        columns = ["id", "row", "entity", "model", "version"]
        for part in batched(((*row, number, version) for row in rows), COPIED):
            await self._connection.copy_records_to_table("relinked", records=part, columns=columns)

    async def drop_gone(self) -> None:
        """Forget what the wanted model says of records that are no more."""
        await read_whole(self._connection)
        await self._connection.execute(Q["drop_gone"])

    async def is_settled(self, number: int) -> bool:
        """Whether all rows of a model are in their place."""
        return not await self._connection.fetchval(Q["unsettled"], number)

    async def settle(self, number: int, most: int) -> int:
        """Move some of the active model's rows to their place; how many there were to move."""
        await plan_anew(self._connection)  # how many rows are not in place decides in which order to join
        moved: int = await self._connection.fetchval(Q["settle"], number, most)
        return moved


class InUse:
    """The model that weighs, as this process knows it. ``seed`` becomes active in a database that has none."""

    def __init__(self, seed: Model) -> None:
        self._seed = self._model = seed
        self._matcher: Matcher | None = None

    async def current(self, store: LinkageStore) -> Model:
        """The active model, in the store's transaction."""
        registry = Registry(store.connection)
        active = await registry.active() or await registry.seed(self._seed)
        self._model = active.load()
        return self._model

    @property
    def model(self) -> Model:
        """The active model when this process last looked."""
        return self._model

    def matcher(self, kind: Kind) -> Matcher | None:
        """The active model made ready; ``None`` for a kind that is linked by rules. Only who asks needs it: the index
        has its own, and its tables are megabytes."""
        model, matcher = self._model, self._matcher
        if model.kind != kind:
            return None
        if matcher is None or matcher.model is not model:
            matcher = self._matcher = Matcher(model)
        return matcher


def _registered(row: asyncpg.Record) -> Registered:
    return Registered(**dict(row))
