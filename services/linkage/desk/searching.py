"""People search: what somebody typed, weighed against what they may see; the likeliest first. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Weighing
from services.linkage.matching.explain import Explanation
from services.linkage.records import Identity
from shared.contracts import Kind

CANDIDATES = 200
"""Records that are looked at more closely."""
MOST_HITS = 10
"""Entities in an answer: who needs more must say more about whom they mean."""
LEAST = 0.01
"""A smaller probability than this is not worth a look, and so not worth a disclosure."""


class Finder(Protocol):
    """The index in memory."""

    async def find(self, kind: Kind, identity: Identity, limit: int) -> Sequence[UUID]:
        """Records that share a block key with an identity that need not be in the index, the likeliest first."""
        ...

    async def building(self, identity: Identity) -> UUID | None:
        """The place that a flat is in."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """An entity that may be meant, and how likely (0–1, given that at most one is)."""

    shown: Shown
    probability: float
    evidence: Explanation


def rank(kind: Kind, asked: Identity, found: Iterable[Shown], weighing: Weighing) -> list[Hit]:
    """By the record of each entity that fits best.

    The pairwise odds o = 2^bits are for "this one or not". At most one entity is meant, so the probability of each is
    o / (1 + Σ o), where 1 stands for "none of these" (Bayes' rule over exclusive hypotheses).
    """
    some = [one for one in found if one.records]
    best = weighing.best(kind, asked, [[record.identity for record in one.records] for one in some])
    odds = [2.0 ** min(one.bits, 500.0) for one in best]
    whole = 1.0 + sum(odds)
    shares = [(share / whole, one, its) for share, one, its in zip(odds, some, best, strict=False)]
    likely = sorted((hit for hit in shares if hit[0] >= LEAST), key=lambda hit: (-hit[0], hit[1].entity))
    return [Hit(one, share, its.evidence()) for share, one, its in likely[:MOST_HITS]]
