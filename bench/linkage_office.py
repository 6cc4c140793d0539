"""Linkage from consumed to committed, without a broker: messages as they come off the bus go through the bus's own
decoding, inbox, transaction and outbox, the real handler and the real store. What is committed counts as acknowledged.
"""

import gc
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from uuid import UUID

from services.linkage import main
from services.linkage.live import LiveIndex
from services.linkage.model import Model
from services.linkage.records import Published, fold
from services.linkage.registry import InUse
from services.linkage.store import LinkageStore
from services.linkage.stream import Linker
from shared.bus import Bus
    return heard(first("/partners/bench", str(id_of(name)), body, NOON, id=f"{name}/{after}"))


def heard(event: Event[RecordsAccepted]) -> Heard:
    """An event as the broker's client gives it."""
    headers = to_headers(attributes(event))
    return Heard(event.key.encode(), event.body.model_dump_json().encode(), headers, next(_serial))
