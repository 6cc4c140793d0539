"""What scoring decides: who belongs to an entity, whether a score is news, and what its receipt says. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.scoring.features import State
from shared.contracts import Change, EntityChanged, Reason
from shared.initiatives import Thresholds

Place: TypeAlias = tuple[UUID, str]
"""An entity (or a record) and an initiative."""

EPSILON = 0.01
"""A change of probability smaller than this is not said by itself."""

MOST_REASONS = 5
LEAST_CONTRIBUTION = 0.1
"""A feature that adds less (in log-odds) is no reason."""

SAME = 1e-5
"""How far a replayed number may lie from the receipt's: a batch may be summed in another order, in float32."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``record`` belongs to ``entity``, says linkage at ``version``. Of several, the highest version holds."""

    record: UUID
    entity: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The claim that holds for a record, and the version at which it was last erased (0: never): facts linked before
    that must not come back."""

    claim: Claim
    erased: int


@dataclass(frozen=True, slots=True)
class Departure:
    """Records left ``entity`` at ``version``: only ``remaining`` stayed. Older claims of others are void.

    ``ended``: the entity is no more; ``into`` is where its id redirects, ``None`` when it was erased.
    """

    entity: UUID
    version: int
    remaining: frozenset[UUID]
    ended: bool
    into: UUID | None

    @property
    def erased(self) -> bool:
        return self.ended and self.into is None

    def voids(self, claim: Claim) -> bool:
        return claim.version <= self.version and claim.record not in self.remaining


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of one record for one initiative. ``since`` is linkage's version at its first fact."""

    tiles: State
    newest: datetime
    since: int
    area: str | None
    area_at: datetime
    agreements: str


@dataclass(slots=True)
class Household:
    """All that an entity may be made of: who claims it, what left it, what is counted of each record."""

    departure: Departure | None = None
    claims: dict[UUID, Claim] = field(default_factory=dict)
    held: dict[Place, Held] = field(default_factory=dict)

    def members(self) -> list[Claim]:
        return staying(self.claims.values(), self.departure)


@dataclass(frozen=True, slots=True)
class Said:
    """The newest score of one entity for one initiative, as it was said.

    ``membership`` is the highest version among its members' claims then; ``swept`` the day to which its windows were
    aged; ``due`` the day on which they next lose something.
    """

    version: int
    score: float | None
    reasons: str
    area: str | None
    into: UUID | None
    membership: int
    model: str
    receipt: UUID
    swept: date | None
    due: date | None


@dataclass(frozen=True, slots=True)
class Assessed:
    """One entity as the model sees it now; vectors float32 (features,), ``reasons`` the names of the top ones."""

    entity: UUID
    vector: NDArray[np.float32]
    contributions: NDArray[np.float32]
    score: float
    reasons: str
    as_of: datetime
    due: date | None
    swept: date | None
    area: str | None
    agreements: str
    members: tuple[UUID, ...]
    membership: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that a score was made of: the score can be computed again from it. ``score`` is ``None`` when it was taken
    back because the entity is no more; then ``vector`` and ``contributions`` are empty."""

    id: UUID
    at: datetime
    initiative: str
    entity: UUID
    version: int
    as_of: datetime
    score: float | None
    vector: NDArray[np.float32]
    contributions: NDArray[np.float32]
    members: tuple[UUID, ...]
    membership: int
    model: str
    raise_at: float
    lower_at: float
    agreements: str


def newest_claims(claims: Iterable[Claim]) -> dict[UUID, Claim]:
    """The claim that holds for each record; of two with one version, the greater entity id (any rule will do)."""
    found: dict[UUID, Claim] = {}
    for claim in claims:
        known = found.get(claim.record)
        if known is None or (claim.version, claim.entity.int) > (known.version, known.entity.int):
            found[claim.record] = claim
    return found


def claims_of(change: EntityChanged) -> list[Claim]:
    return [Claim(record, change.entity, change.version) for record in change.after]


def departure_of(change: EntityChanged) -> Departure | None:
    """What a change takes away from its entity; ``None`` when it only adds."""
    remaining = frozenset(change.after)
    ended = change.change in (Change.MERGED, Change.ERASED)
    if not ended and remaining.issuperset(change.before):
        return None
    return Departure(change.entity, change.version, remaining, ended, change.into)


def staying(claims: Iterable[Claim], departure: Departure | None) -> list[Claim]:
    """The members of an entity among those that claim it."""
    return [claim for claim in claims if departure is None or not departure.voids(claim)]


def is_news(said: Said | None, now: Assessed, model: str, thresholds: Thresholds) -> bool:
    """Worth saying: a new entity, another model, team or reasons, a threshold crossed, or a change that shows."""
    if said is None or said.score is None:
        return True
    return (
        said.model != model
        or said.area != now.area
        or said.reasons != now.reasons
        or abs(said.score - now.score) > EPSILON
        or level(said.score, thresholds) != level(now.score, thresholds)
    )


def is_over(said: Said | None, members: Sequence[Claim], departure: Departure | None) -> bool:
    """Whether a score must be taken back, given that nothing is known of the entity any more.

    Only once linkage has said so of this very entity: a merge may be heard first from the entity that grew by it, and
    alerts must learn where the case went. ``into`` that becomes known later is said too.
    """
    if said is None or departure is None or departure.version < said.membership:
        return False
    into = None if members else departure.into
    return said.score is not None or said.into != into


def level(score: float, thresholds: Thresholds) -> int:
    """0 below both thresholds, 1 between them, 2 at or above ``raise``."""
    return (score >= thresholds.lower_at) + (score >= thresholds.raise_at)


def top_reasons(contributions: NDArray[np.float32], names: Sequence[str]) -> list[str]:
    """The reasons of each entity, names in the order of the features joined by commas. ``contributions`` float32
    (entities, features)."""
    most = min(MOST_REASONS, contributions.shape[1])
    top = np.argpartition(-contributions, most - 1, axis=1)[:, :most]
    chosen = np.zeros(contributions.shape, bool)
    np.put_along_axis(chosen, top, True, axis=1)
    chosen &= contributions >= LEAST_CONTRIBUTION
    key = tuple(names)
    return [_joined(row.tobytes(), key) for row in chosen]


def reasons_of(
    names: Sequence[str], vector: NDArray[np.float32], contributions: NDArray[np.float32], top: str
) -> list[Reason]:
    """The reasons with their values, the one that adds most first."""
    column = {name: i for i, name in enumerate(names)}
    found = [(name, column[name]) for name in top.split(",") if name]
    found.sort(key=lambda pair: -float(contributions[pair[1]]))
    return [
        Reason.model_construct(feature=name, value=float(vector[i]), contribution=float(contributions[i]))
        for name, i in found
    ]


@lru_cache(maxsize=4096)
def _joined(chosen: bytes, names: tuple[str, ...]) -> str:
    return ",".join(name for name, is_reason in zip(names, chosen, strict=True) if is_reason)


@lru_cache(maxsize=4096)
def all_of(agreements: frozenset[str]) -> str:
    """The names in several comma-joined lists, each once."""
    return ",".join(sorted({name for some in agreements for name in some.split(",")}))


def newest_area(held: Iterable[Held]) -> str | None:
    """Where the entity is: the newest area known of any of its records (of two at one moment, the greater name)."""
    found = max(((h.area_at, h.area) for h in held if h.area is not None), default=None)
    return found[1] if found else None


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def as_of(held: Iterable[Held], swept: date | None) -> datetime:
    """Windows end at the newest fact of the entity, or at the day to which they were aged, if that is later."""
    newest = max(h.newest for h in held)
    return newest if swept is None else max(newest, midnight(swept))


def differences(receipt: Receipt, score: float, contributions: NDArray[np.float32]) -> Mapping[str, float]:
    """How far a recomputation lies from the receipt, for what is not the same."""
    found = {"score": abs(score - (receipt.score or 0.0))}
    found["contributions"] = float(np.abs(contributions - receipt.contributions).max(initial=0.0))
    return {name: distance for name, distance in found.items() if distance > SAME}
