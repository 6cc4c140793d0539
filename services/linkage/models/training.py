"""A model from the index's own records: read in a snapshot, trained offline, without labels, ready to be shown.

A model file leaves the database, so it may hold no personal data. What could be is a value in its frequencies: a rare
name, a telephone, a number. A value is named only if people in at least `FEWEST` entities have it; what is rarer counts
as met once, however often its one person was published.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final
from uuid import UUID

from services.linkage.matching.model import Model, Rarities
from services.linkage.models.train import train, values_of
from services.linkage.reading.normal import Traits, traits
from services.linkage.records import compared
from services.linkage.store import LinkageStore
from shared.contracts import Kind

FEWEST: Final = 5
"""Entities that must have a value before a model names it."""
MOST: Final = 200_000
"""Records that are enough to learn from: a random sample of more has the same shares."""


class TooFew(ValueError):
    """There are too few records to learn from; the message says what to do."""


async def trained(
    store: LinkageStore, name: str, now: datetime, commit: str, *, most: int = MOST, seed: int = 1,
    read: Callable[[int], None] = lambda _: None, say: Callable[[str], None] = lambda _: None,
) -> Model:  # fmt: skip
    """A model of the people in a frozen transaction's snapshot. ``read`` hears how many more records were read.

    The same records, seed and release give the same model but for its provenance's date. Raises ``TooFew``.
    """
    rows: list[tuple[Traits, UUID]] = []
    partners: defaultdict[str, int] = defaultdict(int)
    async for part in store.read("training", Kind.PERSON):
        rows += [(traits(compared(row["identity"], row["agreement"])), row["entity"]) for row in part]
        for row in part:
            partners[row["partner"]] += 1
        read(len(part))
    if len({row for row, _ in rows}) < FEWEST:
        raise TooFew(f"There are {len(rows)} records in the index: load or publish more before you train.")
    chosen = sorted(rows) if len(rows) <= most else Random(seed).sample(sorted(rows), most)  # noqa: S311
    say(f"Learning from {len(chosen)} of {len(rows)} records")
    provenance = {
        "records": str(len(rows)), "learned_from": str(len(chosen)), "partners": _counted(partners),
        "version": str(await store.committed()), "at": now.date().isoformat(), "commit": commit, "seed": str(seed),
        "trained": "EM over candidate pairs, no labels (services/linkage/models/train.py)",
        "named": f"values that people in {FEWEST} entities or more have; rarer ones count as met once",
    }  # fmt: skip
    model = await asyncio.to_thread(train, name, "person", [row for row, _ in chosen], provenance, seed=seed)
    return without_rare(model, chosen)


def without_rare(model: Model, rows: Sequence[tuple[Traits, UUID]], fewest: int = FEWEST) -> Model:
    """The model without what fewer entities have: rows are a record's traits and its entity."""
    rarities = {name: _named(name, one, rows, fewest) for name, one in model.rarities.items()}
    return replace(model, rarities=rarities)


def _named(field: str, known: Rarities, rows: Sequence[tuple[Traits, UUID]], fewest: int) -> Rarities:
    having: defaultdict[str, set[UUID]] = defaultdict(set)
    for row, entity in rows:
        for value in values_of(field, row):
            if value in known.known and len(having[value]) < fewest:
                having[value].add(entity)
    return Rarities(known.other, {value: one for value, one in known.known.items() if len(having[value]) >= fewest})


def _counted(partners: Mapping[str, int]) -> str:
    return ", ".join(f"{partner} {count}" for partner, count in sorted(partners.items()))
