"""Sealing: authenticated encryption of what must be kept but not read by passers-by (AES-256-GCM, NIST SP 800-38D)."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def seal(key: bytes, plain: bytes, about: bytes) -> bytes:
    """Nonce and ciphertext; ``about`` is bound to it, so a sealed text cannot be moved to another row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """Raises ``cryptography.exceptions.InvalidTag`` when key, text or ``about`` is not the one it was sealed with."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
