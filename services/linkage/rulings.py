"""What stewards decided about pairs of records. It outranks every score and is never undone by arriving data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.linkage.index.changes import Verdict


@dataclass(frozen=True, slots=True)
class Ruling:
    """About one pair: "must" be of one, or "must_not". ``by`` is a person's subject id at the issuer."""

    verdict: Verdict
    by: str
    reason: str
    at: datetime


Rulings = Mapping[frozenset[UUID], Ruling]
"""By the pair."""
