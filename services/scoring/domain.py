"""What scoring decides: who belongs to an entity, whether a score is news, and what its receipt says. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.scoring.features import State
from shared.contracts import Change, EntityChanged, Reason
from shared.initiatives import Thresholds

Place: TypeAlias = tuple[UUID, str]
"""An entity (or a record) and an initiative."""

NOWHERE = datetime(1970, 1, 1, tzinfo=UTC)

EPSILON = 0.01
"""A change of probability smaller than this is not said by itself."""

MOST_REASONS = 5
LEAST_CONTRIBUTION = 0.1
"""A feature that adds less (in log-odds) is no reason."""

SAME = 1e-5
"""How far a replayed number may lie from the receipt's: a batch may be summed in another order, in float32."""


class Claim(NamedTuple):
    """``record`` belongs to ``entity``, says linkage at ``version``. Of several, the highest version holds.

    ``parts``: for each purpose to which the entity is several, the part of it that the record is in, if that has an id
    of its own. Only a change of the entity knows; a fact (``None``) leaves what is known of them.
    """

    record: UUID
    entity: UUID
    version: int
    parts: Mapping[str, str] | None = None

    def beats(self, other: "Claim") -> bool:
        """Of two with one version, the greater entity id (any rule will do, if it is the same everywhere); of two that
        say the same, the one that knows of parts."""
        if self.version != other.version:
            return self.version > other.version
        if self.entity != other.entity:
            return self.entity.int > other.entity.int
        return self.parts is not None


class Standing(NamedTuple):
    """The claim that holds for a record, and the version at which it was last erased (0: never): facts linked before
    that must not come back."""

    claim: Claim
    erased: int


class Departure(NamedTuple):
    """Records left ``entity`` at ``version``: only ``remaining`` stayed. Older claims of others are void.

    ``ended``: the entity is no more; ``into`` is where its id redirects, ``None`` when it was erased. (The rule itself
    is in queries.sql: which records are ``counted`` in ``scored``.)
    """

    entity: UUID
    version: int
    remaining: frozenset[UUID]
    ended: bool
    into: UUID | None


class Addition(NamedTuple):
    """What facts add to a record for one initiative. ``version``: linkage's, when it linked (the first of) them;
    ``area``: the newest they name, of ``area_at``, or "" and ``NOWHERE``."""

    tiles: State
    newest: datetime
    version: int
    area: str
    area_at: datetime
    agreements: str


class Known(NamedTuple):
    """What is counted of an entity, or of a part of it that the initiative's purpose sees as somebody else, for one
    initiative: its members' together. ``whole``: the entity; ``members``: the records that count; ``membership``: the
    highest version among the claims on them."""

    whole: UUID
    tiles: State
    newest: datetime
    area: str | None
    agreements: str
    members: Sequence[UUID]
    membership: int


class Share(NamedTuple):
    """What is counted of one record of ``whole``, or of a part of it, for one initiative. ``version``: of the claim on
    the record; ``area``: the newest known, of ``area_at``, or "" and ``NOWHERE``."""

    whole: UUID
    record: UUID
    version: int
    tiles: State
    newest: datetime
    area: str
    area_at: datetime
    agreements: str


class Ending(NamedTuple):
    """Why nothing is counted of an entity any more: what left it at ``version``, ``into`` whom, if it was merged."""

    version: int
    into: UUID | None


class Said(NamedTuple):
    """The newest score of one entity (or of a part of ``whole``) for one initiative, as it was said.

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
    whole: UUID


class Assessed(NamedTuple):
    """One entity, or part of ``whole``, as the model sees it now; vectors float32 (features,), ``reasons`` the names of
    the top ones."""

    entity: UUID
    whole: UUID
    vector: NDArray[np.float32]
    contributions: NDArray[np.float32]
    score: float
    reasons: str
    as_of: datetime
    due: date | None
    swept: date | None
    area: str | None
    agreements: str
    members: Sequence[UUID]
    membership: int


class Receipt(NamedTuple):
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
    members: Sequence[UUID]
    membership: int
    model: str
    raise_at: float
    lower_at: float
    agreements: str


def newest_claims(claims: Iterable[Claim]) -> dict[UUID, Claim]:
    """The claim that holds for each record."""
    found: dict[UUID, Claim] = {}
    for claim in claims:
        known = found.get(claim.record)
        if known is None or claim.beats(known):
            found[claim.record] = claim
    return found


def claims_of(change: EntityChanged) -> list[Claim]:
    """What a change says of its entity's records: that they are in it, and in which parts."""
    parts: dict[UUID, dict[str, str]] = {record: {} for record in change.after}
    for purpose, some in change.parts.items():
        for part in some:
            if part.entity != change.entity:
                for record in part.records:
                    parts[record][purpose] = str(part.entity)
    return [Claim(record, change.entity, change.version, parts[record]) for record in change.after]


def forgotten_in(change: EntityChanged) -> list[UUID]:
    """The records of which a change says that they are to be forgotten."""
    return change.before if change.change is Change.ERASED else change.gone


def departure_of(change: EntityChanged) -> Departure | None:
    """What a change takes away from its entity; ``None`` when it only adds."""
    remaining = frozenset(change.after)
    ended = change.change in (Change.MERGED, Change.ERASED)
    if not ended and remaining.issuperset(change.before):
        return None
    return Departure(change.entity, change.version, remaining, ended, change.into)


def is_news(said: Said | None, now: Assessed, model: str, thresholds: Thresholds) -> bool:
    """Worth saying: a new entity, another model, team or reasons, a threshold crossed, or a change that shows."""
    if said is None or said.score is None:
        return True
    return (
        said.model != model
        or said.area != now.area
        or said.whole != now.whole
        or said.reasons != now.reasons
        or abs(said.score - now.score) > EPSILON
        or level(said.score, thresholds) != level(now.score, thresholds)
    )


def is_over(said: Said, ending: Ending | None) -> bool:
    """Whether a score must be taken back, given that nothing is counted of its entity any more.

    Only once linkage has said so of this very entity: a merge may be heard first from the entity that grew by it, and
    alerts must learn where the case went. ``into`` that becomes known later is said too.
    """
    if ending is None or ending.version < said.membership:
        return False
    return said.score is not None or said.into != ending.into


def level(score: float, thresholds: Thresholds) -> int:
    """0 below both thresholds, 1 between them, 2 at or above ``raise``."""
    return (score >= thresholds.lower_at) + (score >= thresholds.raise_at)


def top_reasons(contributions: NDArray[np.float32], names: Sequence[str]) -> list[str]:
    """The reasons of each entity, names in the order of the features joined by commas. ``contributions`` float32
    (entities, features)."""
    chosen = contributions >= LEAST_CONTRIBUTION
    for row in np.flatnonzero(chosen.sum(axis=1) > MOST_REASONS):
        chosen[row, np.argsort(contributions[row])[:-MOST_REASONS]] = False
    key = tuple(names)
    return [_joined(row.tobytes(), key) for row in chosen]


def reasons_of(
    names: Sequence[str], vector: NDArray[np.float32], contributions: NDArray[np.float32], top: str
) -> list[Reason]:
    """The reasons with their values, the one that adds most first."""
    known = {
        name: (value, weight)
        for name, value, weight in zip(names, vector.tolist(), contributions.tolist(), strict=True)
    }
    found = [Reason(feature=name, value=known[name][0], contribution=known[name][1]) for name in top.split(",") if name]
    return sorted(found, key=lambda reason: -reason.contribution)


@lru_cache(maxsize=4096)
def _joined(chosen: bytes, names: tuple[str, ...]) -> str:
    return ",".join(name for name, is_reason in zip(names, chosen, strict=True) if is_reason)


def together(additions: Sequence[Addition]) -> Addition:
    """What several facts add to one record."""
    if len(additions) == 1:
        return additions[0]
    area_at, area = max((one.area_at, one.area) for one in additions)
    return Addition(
        b"".join([one.tiles for one in additions]),
        max(one.newest for one in additions),
        min(one.version for one in additions),
        area,
        area_at,
        each_once(",".join(one.agreements for one in additions)),
    )


def known_of(shares: Sequence[Share]) -> Known:
    """What is counted of several records (mostly one), of one entity or part."""
    one = shares[0]
    if len(shares) == 1:
        return Known(one.whole, one.tiles, one.newest, one.area or None, one.agreements, [one.record], one.version)
    return Known(
        one.whole,
        b"".join([share.tiles for share in shares]),
        max(share.newest for share in shares),
        max((share.area_at, share.area) for share in shares)[1] or None,
        ",".join(share.agreements for share in shares),
        [share.record for share in shares],
        max(share.version for share in shares),
    )


@lru_cache(maxsize=4096)
def each_once(agreements: str) -> str:
    """Names joined by commas, each once, in order."""
    return ",".join(sorted(set(agreements.split(","))))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def as_of(newest: datetime, swept: date | None) -> datetime:
    """Windows end at the newest fact of the entity, or at the day to which they were aged, if that is later."""
    return newest if swept is None else max(newest, midnight(swept))


def differences(receipt: Receipt, score: float, contributions: NDArray[np.float32]) -> Mapping[str, float]:
    """How far a recomputation lies from the receipt, for what is not the same."""
    found = {"score": abs(score - (receipt.score or 0.0))}
    found["contributions"] = float(np.abs(contributions - receipt.contributions).max(initial=0.0))
    return {name: distance for name, distance in found.items() if distance > SAME}
