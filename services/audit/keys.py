"""The data keys of subjects: made when the log first meets one, sealed by the service's key, remembered for a while."""

import os
from collections.abc import Iterable, Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag

from services.audit.domain import Broken, Key, Secret
from services.audit.store import AuditStore, SealedKey
from shared.crypto import seal, unseal

SECRET_BYTES = 32
MOST = 50_000
"""Keys kept in memory, some 10 MB."""


class KeyRing:
    """One process's keys, by the integer of the entity's id: a UUID is hashed and compared by Python code.

    ``erasure`` is the newest erasure that what is remembered takes account of.
    """

    def __init__(self, sealing_key: bytes) -> None:
        self.erasure = -1
        self._sealing_key = sealing_key
        self._known: dict[int, Secret] = {}

    def forget(self, erasure: int) -> None:
        """Keys were destroyed: what is remembered may be among them."""
        self._known, self.erasure = {}, erasure

    async def secrets(self, store: AuditStore, entities: Sequence[UUID], *, remember: bool) -> list[Secret]:
        """One for each entity, in this order.

        ``remember`` those that are found, never those that are made: they may yet be rolled back. So not twice in one
        transaction, which finds what it made itself.
        """
        ids = [entity.int for entity in entities]
        known = list(map(self._known.get, ids))
        unknown = {id: entity for id, entity, secret in zip(ids, entities, known, strict=True) if secret is None}
        fresh = await self._fresh(store, unknown, remember=remember) if unknown else {}
        return [secret or fresh[id] for id, secret in zip(ids, known, strict=True)]

    async def _fresh(self, store: AuditStore, unknown: dict[int, UUID], *, remember: bool) -> dict[int, Secret]:
        remembering = self._known
        found = await self._found(store, unknown.values())
        made = await self._made(store, {id: entity for id, entity in unknown.items() if id not in found})
        if remember and remembering is self._known:  # else keys were destroyed meanwhile, maybe these
            if len(remembering) + len(found) > MOST:
                for id in list(remembering)[: MOST // 2]:
                    del remembering[id]
            remembering.update(found)
        return found | made

    async def _found(self, store: AuditStore, entities: Iterable[UUID]) -> dict[int, Secret]:
        keys = [unsealed(self._sealing_key, key) for key in await store.keys_of(entities)]
        return {key.entity.int: (key.number, key.secret) for key in keys}

    async def _made(self, store: AuditStore, entities: dict[int, UUID]) -> dict[int, Secret]:
        """In the order of their ids, so that two replicas cannot wait for each other."""
        if not entities:
            return {}
        new = [entity for _, entity in sorted(entities.items())]
        secrets = {entity.int: os.urandom(SECRET_BYTES) for entity in new}
        sealed = [seal(self._sealing_key, secrets[entity.int], entity.bytes) for entity in new]
        numbers = await store.add_subjects(new, sealed)
        made = {entity.int: (number, secrets[entity.int]) for entity, number in numbers}
        missing = [entity for id, entity in entities.items() if id not in made]  # another replica was first
        return made | await self._found(store, missing) if missing else made

    def unsealed(self, key: SealedKey) -> Key:
        """Raises ``Broken`` when the row was changed."""
        return unsealed(self._sealing_key, key)


def unsealed(sealing_key: bytes, key: SealedKey) -> Key:
    """Raises ``Broken`` when the sealing key is not the one it was sealed with, or the row was changed."""
    try:
        return Key(key.number, key.entity, unseal(sealing_key, key.sealed_key, key.entity.bytes))
    except (InvalidTag, ValueError) as error:
        raise Broken("entity or sealed_key: it does not open with this sealing key") from error
