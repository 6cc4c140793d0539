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

from cryptography.exceptions import InvalidTag

from services.audit.checkpoint import Checkpoint, Signer
from services.audit.domain import NOBODY, SALT_BYTES, Broken, Draft, Entry, Key, Opened, draft, erased, numbered, opened
from services.audit.merkle import Node, Span, consistency, folded, inclusion, kept, span_hash, subtrees
from services.audit.store import AuditStore, SealedKey
from shared.contracts import Access, Action
from shared.crypto import seal, unseal

SECRET_BYTES = 32
MOST_KEYS = 50_000
"""Keys kept in memory, some 20 MB."""


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
    """One process's hand on the log. It remembers keys that were committed, and nothing else."""

    def __init__(self, signer: Signer, sealing_key: bytes) -> None:
        self.signer = signer
        self._sealing_key = sealing_key
        self._keys: dict[UUID, Key] = {}
        self._erasure = -1

    async def append(self, store: AuditStore, accesses: Sequence[Access], now: datetime) -> Checkpoint:
        """Add the entries in their order; at most once a transaction. The checkpoint is the log after them."""
        drafts = await self._drafted(store, accesses)
        head = await store.lock_head()
        if head.erasure != self._erasure:  # keys were destroyed since we read ours: read again, now that nobody can
            self._keys, self._erasure = {}, head.erasure
            drafts = await self._drafted(store, accesses)
        entries = numbered(drafts, head.frontier.size)
        frontier, completed = head.frontier.extend([entry.leaf for entry in entries])
        checkpoint = Checkpoint(self.signer.origin, frontier.size, frontier.root(), head.frontier.size, now)
        await store.append(entries)
        await store.keep_checkpoint(self.signer.sign(checkpoint), frontier, completed)
        return checkpoint

    async def erase(self, store: AuditStore, entities: Iterable[UUID], because: Access, now: datetime) -> Erasure:
        """Destroy the keys of these entities and say so: for each, ``because`` with its number as reference.

        Nothing happens for an entity that the log does not know.
        """
        await self._keys_of(store, {NOBODY})
        await store.lock_head()
        numbers = await store.destroy_keys(set(entities) - {NOBODY})
        if not numbers:
            return Erasure([], [])
        said = {"action": Action.ERASURE, "subject": None}
        told = [because.model_copy(update=said | {"reference": erased(number)}) for number in numbers]
        checkpoint = await self.append(store, told, now)
        seqs = list(range(checkpoint.previous, checkpoint.size))
        await store.keep_erasures(dict(zip(seqs, numbers, strict=True)))
        return Erasure(numbers, seqs)

    async def read(self, store: AuditStore, entries: Sequence[Entry]) -> list[Reading]:
        """What the entries say."""
        keys = {key.number: key for key in await store.keys_numbered({entry.subject for entry in entries})}
        return [self._reading(entry, keys.get(entry.subject)) for entry in entries]

    def _reading(self, entry: Entry, key: SealedKey | None) -> Reading:
        if key is None:
            return Reading(entry)
        try:
            return Reading(entry, key.entity, opened(entry, self._unsealed(key)))
        except Broken as error:
            return Reading(entry, key.entity, fault=str(error))

    async def _drafted(self, store: AuditStore, accesses: Sequence[Access]) -> list[Draft]:
        keys = await self._keys_of(store, {access.subject or NOBODY for access in accesses})
        salts = os.urandom(SALT_BYTES * len(accesses))
        return [
            draft(access, keys[access.subject or NOBODY], salts[at : at + SALT_BYTES])
            for at, access in zip(range(0, len(salts), SALT_BYTES), accesses, strict=True)
        ]

    async def _keys_of(self, store: AuditStore, entities: set[UUID]) -> dict[UUID, Key]:
        """The keys of these entities, made for those that are new.

        Only keys that were read are remembered: one made here may yet be rolled back.
        """
        unknown = entities - self._keys.keys()
        if unknown:
            if len(self._keys) + len(unknown) > MOST_KEYS:
                self._keys = {entity: self._keys[entity] for entity in entities & self._keys.keys()}
            self._keys |= {k.entity: self._unsealed(k) for k in await store.keys_of(unknown)}
        made = await self._made(store, entities - self._keys.keys())
        return {entity: self._keys.get(entity) or made[entity] for entity in entities}

    async def _made(self, store: AuditStore, entities: set[UUID]) -> dict[UUID, Key]:
        if not entities:
            return {}
        secrets = {entity: os.urandom(SECRET_BYTES) for entity in entities}
        sealed = {entity: seal(self._sealing_key, secret, entity.bytes) for entity, secret in secrets.items()}
        numbers = await store.add_subjects(sealed)
        made = {entity: Key(number, entity, secrets[entity]) for entity, number in numbers.items()}
        if len(made) < len(entities):  # another replica was first
            made |= {k.entity: self._unsealed(k) for k in await store.keys_of(entities - made.keys())}
        return made

    def _unsealed(self, key: SealedKey) -> Key:
        return unsealed(self._sealing_key, key)


def unsealed(sealing_key: bytes, key: SealedKey) -> Key:
    """Raises ``Broken`` when the sealing key is not the one it was sealed with, or the row was changed."""
    try:
        return Key(key.number, key.entity, unseal(sealing_key, key.sealed_key, key.entity.bytes))
    except (InvalidTag, ValueError) as error:
        raise Broken("entity or sealed_key: it does not open with this sealing key") from error


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
