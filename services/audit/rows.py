"""Rows of ``entries`` as PostgreSQL's binary COPY takes them (its manual, COPY, "Binary Format"). Pure.

asyncpg would write them value by value, in the time that it takes to encrypt them; here a row is packed in one step.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

from services.audit.domain import Draft, microseconds
from services.audit.merkle import HASH_BYTES

COLUMNS = ("seq", "at", "subject", "commitment", "leaf", "actor", "sealed")
HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
BEGINNING = struct.Struct(f">h iq iq iq i{HASH_BYTES}s i{HASH_BYTES}s i")
"""Of a row: the number of columns; each of fixed width after its length; the length of ``actor``."""
LENGTH = struct.Struct(">i")
NEW_YEAR_2000 = microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""Where PostgreSQL begins to count."""


def copied(drafts: Sequence[Draft], leaves: Sequence[bytes], first: int) -> bytes:
    """The drafts with their leaf hashes as rows, ``seq`` from ``first`` on."""
    parts = [HEAD]
    for seq, ((at, subject, actor, commitment, sealed, _), leaf) in enumerate(zip(drafts, leaves, strict=True), first):
        fixed = (8, seq, 8, at - NEW_YEAR_2000, 8, subject, HASH_BYTES, commitment, HASH_BYTES, leaf)
        parts += (BEGINNING.pack(len(COLUMNS), *fixed, len(actor)), actor, LENGTH.pack(len(sealed)), sealed)
    parts.append(END)
    return b"".join(parts)
