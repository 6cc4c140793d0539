"""One secret, one key for each use of it, and values sealed for one use only."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.crypto import seal, unseal

SHORTEST_SECRET = 32


class Keys:
    """Keys derived (HKDF, RFC 5869) from ``JIGSAW_SESSION_KEY``: each service holds the secret, so derives the same."""

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(
                f"JIGSAW_SESSION_KEY has {len(secret)} characters; make one of {SHORTEST_SECRET}: openssl rand -hex 32"
            )
        self._secret = secret.encode()

    def key(self, use: str) -> bytes:
        """32 bytes for one use: a key that leaks through one use opens no other."""
        return HKDF(SHA256(), length=32, salt=None, info=f"jigsaw {use}".encode()).derive(self._secret)

    def close(self, use: str, content: Mapping[str, Any]) -> str:
        """The content encrypted and authenticated, as a cookie may carry it."""
        plain = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(seal(self.key(use), plain, use.encode())).decode().rstrip("=")

    def open(self, use: str, closed: str) -> dict[str, Any] | None:
        """What ``close`` was given for this use; None when changed, or closed for another use or with another key."""
        try:
            sealed = base64.urlsafe_b64decode(closed + "=" * (-len(closed) % 4))
            content = json.loads(unseal(self.key(use), sealed, use.encode()))
        except (InvalidTag, ValueError):
            return None
        return content if isinstance(content, dict) else None
