"""Rows of ``entries`` as PostgreSQL's binary COPY takes them (its manual, COPY, "Binary Format"). Pure.

asyncpg would write them value by value, in the time that it takes to encrypt them; here a row is packed in one step.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

from services.audit.domain import Drafts
from services.audit.merkle import HASH_BYTES
from shared.moments import microseconds

COLUMNS = ("seq", "at", "subject", "commitment", "leaf", "actor", "sealed")
HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
FIXED = struct.Struct(f">h iq iq iq i{HASH_BYTES}s i{HASH_BYTES}s i")
"""How many columns; each of fixed width after its length; the length of ``actor``."""
LENGTH = struct.Struct(">i")
NEW_YEAR_2000 = microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""Where PostgreSQL begins to count."""


def copied(drafts: Drafts, leaves: Sequence[bytes], first: int) -> bytes:
    """The drafts with their leaf hashes as rows, ``seq`` from ``first`` on."""
    parts = [HEAD]
    columns = zip(drafts.at, drafts.subject, drafts.commitment, leaves, drafts.actor, drafts.sealed, strict=True)
    for seq, (at, subject, commitment, leaf, actor, sealed) in enumerate(columns, first):
        at -= NEW_YEAR_2000
        fixed = FIXED.pack(7, 8, seq, 8, at, 8, subject, HASH_BYTES, commitment, HASH_BYTES, leaf, len(actor))
        parts += (fixed, actor, LENGTH.pack(len(sealed)), sealed)
    parts.append(END)
    return b"".join(parts)
