"""Partners' keys: ``jsk_<partner>_<secret>``. Only a digest is kept; one that leaks can be revoked alone."""

import hmac
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from uuid import UUID, uuid4

from services.ingest.store import IngestStore
from shared.contracts import Access, Action
from shared.db import Database
from shared.outbox import Outbox
from shared.settings import Settings
from shared.telemetry import log
from shared.work import Worker

SECRET_BYTES = 32
_KEY = re.compile(r"jsk_([a-z0-9-]{1,64})_([A-Za-z0-9_-]{43})")
_HINT = 4
KEEPER, PURPOSE = "operator", "partner-keys"
"""Whose task keys are, and what audit's entries about them say they were touched for."""


def minted(partner: str) -> str:
    """A new key. Scanners for leaked secrets know it by its beginning, people by the partner's name in it."""
    return f"jsk_{partner}_{urlsafe_b64encode(os.urandom(SECRET_BYTES)).decode().rstrip('=')}"


def digest(key: str) -> bytes:
    """SHA-256: 256 random bits cannot be guessed, so nothing slower is needed."""
    return sha256(key.encode()).digest()


@asynccontextmanager
async def office(told: Settings) -> AsyncIterator[Worker[IngestStore]]:
    """Ingest's database, to issue keys in. What is to be said of it, ingest finds there and says."""
    database = Database(told.database.get_secret_value(), size=2)
    await database.open()
    try:
        outbox = Outbox(database, told.broker("ingest"), "ingest")
        yield Worker("ingest", database, outbox, IngestStore, bytes.fromhex(told.sealing_key.get_secret_value()))
    finally:
        await database.close()


async def issue_key(worker: Worker[IngestStore], partner: str, by: str = "command line") -> str:
    """A new key for a partner, besides those it has. It is shown now and never again; audit hears who issued it.

    Raises ``ValueError`` for a name that no agreement could have.
    """
    key, id, now = minted(partner), uuid4(), datetime.now(UTC)
    if not _KEY.fullmatch(key):
        raise ValueError(f"{partner!r} is not a partner's name: use a-z, 0-9 and -")
    async with worker.work() as work:
        await work.store.add_key(id, partner, digest(key), key[-_HINT:], by, now)
        work.audit([_decision(id, "issued", by, now)])
    log().info("key.issued", partner=partner, key=str(id), by=by)
    return key


async def revoke_key(worker: Worker[IngestStore], partner: str, id: UUID, by: str) -> bool:
    """End a partner's key within ``Keyring.SECONDS``, and account for it. False when it has no such key in use."""
    now = datetime.now(UTC)
    async with worker.work() as work:
        revoked = await work.store.revoke_key(id, partner, now)
        if revoked:
            work.audit([_decision(id, "revoked", by, now)])
    if revoked:
        log().info("key.revoked", partner=partner, key=str(id), by=by)
    return revoked


def _decision(id: UUID, change: str, by: str, at: datetime) -> Access:
    """Who may send what goes by its key: whoever gives one away or takes it back decides that, about nobody's data."""
    return Access(
        at=at, actor=by, role=KEEPER, service="ingest", action=Action.DECISION, subject=None, purpose=PURPOSE,
        agreement="", reference=f"key:{id}:{change}",
    )  # fmt: skip


class Keyring:
    """Whose key is this? Known keys are remembered for a few seconds, so a revoked one works for so long at most."""

    SECONDS = 5.0
    MOST = 10_000

    def __init__(self, worker: Worker[IngestStore], clock: Callable[[], float] = monotonic) -> None:
        self._worker, self._clock = worker, clock
        self._known: dict[bytes, tuple[str, float]] = {}

    async def partner_of(self, key: str) -> str | None:
        """``None`` for a key that was never issued, or is revoked."""
        if not _KEY.fullmatch(key):
            return None
        shown = digest(key)
        partner, until = self._known.get(shown, ("", 0.0))
        return partner if self._clock() < until else await self._looked_up(shown)

    async def _looked_up(self, shown: bytes) -> str | None:
        self._known.pop(shown, None)
        async with self._worker.work() as work:
            found = await work.store.use_key(shown, datetime.now(UTC))
        if found is None or not hmac.compare_digest(found[1], shown):
            return None
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[shown] = found[0], self._clock() + self.SECONDS
        return found[0]
