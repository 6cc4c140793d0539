"""The log: appending, erasing, opening and proving, over a store, inside its caller's transaction.

Invariants
    1. Entries are numbered 0, 1, 2… in the order of their transactions: the numbers are given under a lock that is held
       until the commit, whichever replica appends.
    2. Each transaction that appends ends with a signed checkpoint over all entries before it and of it.
    3. No entry is sealed under a key that was destroyed: erasing takes the same lock, who waited for it looks again.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.audit.checkpoint import Checkpoint, Signer
from services.audit.domain import CHANCE, NOBODY, Broken, Drafts, Entry, Opened, drafts, erased, leaves, opened
from services.audit.keys import KeyRing
from services.audit.merkle import Node, Span, consistency, folded, inclusion, kept, span_hash, subtrees
from services.audit.rows import copied
from services.audit.store import AuditStore, SealedKey
from shared.contracts import Access, Action


class Reading(NamedTuple):
    """An entry of the log and what it says; ``entity`` is None when its subject was erased, and ``fault`` says what
    is wrong with a row that was changed."""

    entry: Entry
    entity: UUID | None = None
    opened: Opened | None = None
    fault: str = ""


class Erasure(NamedTuple):
    """What was erased: numbers of subjects that mean nothing now, and the entries that tell of it."""

    subjects: list[int]
    entries: list[int]


class Log:
    """One process's hand on the log."""

    def __init__(self, signer: Signer, sealing_key: bytes) -> None:
        self.signer = signer
        self._ring = KeyRing(sealing_key)

    async def append(
        self, store: AuditStore, accesses: Sequence[Access], now: datetime, *, remember: bool = True
    ) -> Checkpoint:
        """Add the entries in their order. The checkpoint is the log after them.

        ``remember`` the keys that were found: only where nothing was added before in the same transaction.
        """
        drafted = await self._drafted(store, accesses, remember=remember)
        head = await store.lock_head()
        if head.erasure != self._ring.erasure:  # keys were destroyed since: read again, now that nobody can destroy any
            self._ring.forget(head.erasure)
            drafted = await self._drafted(store, accesses, remember=False)
        first = head.frontier.size
        hashes = leaves(drafted, first)
        frontier, completed = head.frontier.extend(hashes)
        checkpoint = Checkpoint(self.signer.origin, frontier.size, frontier.root(), first, now)
        await store.append(copied(drafted, hashes, first))
        await store.keep_checkpoint(self.signer.sign(checkpoint), frontier, completed)
        return checkpoint

    async def erase(self, store: AuditStore, entities: Iterable[UUID], because: Access, now: datetime) -> Erasure:
        """Destroy the keys of these entities and say so: for each, ``because`` with its number as reference.

        Nothing happens for an entity that the log does not know. Who asks sees to it that they may be erased
        (``over``).
        """
        await self._ring.secrets(store, [NOBODY], remember=False)  # before the lock, as when appending
        await store.lock_head()
        numbers = await store.destroy_keys(set(entities) - {NOBODY})
        if not numbers:
            return Erasure([], [])
        said = {"action": Action.ERASURE, "subject": None}
        told = [because.model_copy(update=said | {"reference": erased(number)}) for number in numbers]
        checkpoint = await self.append(store, told, now, remember=False)
        seqs = list(range(checkpoint.previous, checkpoint.size))
        await store.keep_erasures(dict(zip(seqs, numbers, strict=True)))
        return Erasure(numbers, seqs)

    async def over(self, store: AuditStore, entities: Iterable[UUID]) -> set[UUID]:
        """Those of which an entry says that linkage erased them, and nothing is left there."""
        found = set()
        for key in await store.keys_of(set(entities) - {NOBODY}):
            readings = await self.read(store, await store.by_people(key.number))
            if any(reading.opened and reading.opened.access.leaves_nothing for reading in readings):
                found.add(key.entity)
        return found

    async def read(self, store: AuditStore, entries: Sequence[Entry]) -> list[Reading]:
        """What the entries say."""
        keys = {key.number: key for key in await store.keys_numbered({entry.subject for entry in entries})}
        return [self._reading(entry, keys.get(entry.subject)) for entry in entries]

    def _reading(self, entry: Entry, key: SealedKey | None) -> Reading:
        if key is None:
            return Reading(entry)
        try:
            return Reading(entry, key.entity, opened(entry, self._ring.unsealed(key)))
        except Broken as error:
            return Reading(entry, key.entity, fault=str(error))

    async def _drafted(self, store: AuditStore, accesses: Sequence[Access], *, remember: bool) -> Drafts:
        entities = [access.subject or NOBODY for access in accesses]
        secrets = await self._ring.secrets(store, entities, remember=remember)
        return drafts(accesses, secrets, os.urandom(CHANCE.size * len(accesses)))


async def prove_inclusion(store: AuditStore, seq: int, size: int) -> list[bytes]:
    """The hashes from the leaf of entry ``seq`` to the root of the log's first ``size`` entries (RFC 6962 §2.1.1)."""
    return await _span_hashes(store, inclusion(seq, size))


async def prove_consistency(store: AuditStore, older: int, newer: int) -> list[bytes]:
    """That the log of ``older`` entries is the beginning of the log of ``newer`` (RFC 6962 §2.1.2)."""
    return await _span_hashes(store, consistency(older, newer))


async def _span_hashes(store: AuditStore, spans: Sequence[Span]) -> list[bytes]:
    hashes = await store.hashes(kept(node) for span in spans for node in subtrees(span))

    def hash_of(node: Node) -> bytes:
        height, span = kept(node)
        return folded([hashes[Node(height, index)] for index in range(span.first, span.end)])

    return [span_hash(span, hash_of) for span in spans]
