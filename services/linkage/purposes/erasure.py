"""What an erasure means for what is heard later. Pure.

A record that was erased stays out, and a later event about it is dropped: what happened before the erasure always, what
happened after it unless the ground is such that new dealings with the person bring a new need to know them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground of UK GDPR Art. 17(1). ``returns``: may what happens after the erasure bring the record back?"""

    article: str
    returns: bool


GROUNDS: Final[Mapping[str, Ground]] = {
    "no_longer_necessary": Ground("17(1)(a)", returns=True),
    "consent_withdrawn": Ground("17(1)(b)", returns=False),
    "objection": Ground("17(1)(c)", returns=False),
    "unlawful": Ground("17(1)(d)", returns=False),
    "legal_obligation": Ground("17(1)(e)", returns=False),
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """By whom (a subject id at the issuer), when, on which ground and why. ``reason`` names nobody."""

    id: UUID
    at: datetime
    by: str
    ground: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """The newest erasure of a record."""

    ground: str
    at: datetime

    def admits(self, occurred: datetime) -> bool:
        """Is something taken in that happened at this moment?"""
        return GROUNDS[self.ground].returns and occurred > self.at
