"""What scoring has said of an entity, and what follows for the person: a function of what was heard, in any order.

Hysteresis (raise fast, lower slowly) is usually written as a walk: up at ``raise``, down below ``lower``, else as
before. A walk depends on the order of its steps. Two maxima do not: the newest version that was at or above ``raise``
and the newest that was below ``lower``; the entity is up when the first is newer. Maxima commute, so a score that is
late, or comes twice, ends in the same place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.contracts import Reason

NEVER = 0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities: up at or above ``raise_at``, down below ``lower_at``, between them as before."""

    raise_at: float
    lower_at: float


@dataclass(frozen=True, slots=True)
class Score:
    """One thing scoring has said. ``value`` is a probability, ``None`` when there is nothing left to score, because the
    entity was merged ``into`` another or because its facts are gone. Versions of all entities come from one sequence.
    """

    version: int
    value: float | None
    area: str | None
    reasons: tuple[Reason, ...]
    receipt: UUID
    as_of: datetime
    into: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One entity in one initiative; the default is one of which nothing was heard. ``raised`` and ``lowered`` are
    versions of scores, ``left`` the one at which scoring knew that it was merged.

    ``settled``: a person has dealt with this rise; nothing opens before the score has fallen below ``lower``.
    ``episodes``: how many alerts were opened for the entity under its own id.
    """

    newest: Score | None = None
    raised: int = NEVER
    lowered: int = NEVER
    left: int = NEVER
    settled: bool = False
    episodes: int = 0

    @property
    def up(self) -> bool:
        return self.raised > self.lowered


def heard(standing: Standing, score: Score, thresholds: Thresholds) -> Standing:
    """The standing after one more score, whatever its version."""
    if score.into is not None:
        return replace(standing, left=max(standing.left, score.version))
    value, newest = score.value, standing.newest
    if newest is None or score.version > newest.version:
        newest = score
    raised, lowered = standing.raised, standing.lowered
    if value is None or value < thresholds.lower_at:
        lowered = max(lowered, score.version)
    elif value >= thresholds.raise_at:
        raised = max(raised, score.version)
    return Standing(newest, raised, lowered, standing.left, standing.settled, standing.episodes)


def up(person: Standing, merged: Iterable[Standing], thresholds: Thresholds) -> bool:
    """Whether a person needs attention: ``person`` is the survivor's standing, ``merged`` those it took in.

    The survivor's own score decides, once there is one. Between the thresholds (or before its first score) the rise
    of a merged entity still holds, unless the survivor has been below ``lower`` since.
    """
    if person.newest is None:
        return any(standing.up for standing in merged)
    value = person.newest.value
    if value is None or value < thresholds.lower_at:
        return False
    since = person.lowered
    return person.up or any(one.up and (since == NEVER or since < one.left) for one in merged)


def speaking(person: Standing, merged: Iterable[Standing]) -> Score | None:
    """The score to show: the survivor's, or before it has one the highest of the merged that are up."""
    risen = [standing.newest for standing in merged if standing.up and standing.newest]
    return person.newest or max(risen, key=lambda score: (score.value or 0.0, score.version), default=None)


def redirected(known: Mapping[UUID, UUID], said: Iterable[tuple[UUID, UUID]]) -> dict[UUID, UUID]:
    """The redirects that are new or lead further than before: each leads to where its chain ends.

    ``known`` holds every redirect from, or to, an entity that ``said`` names. The first redirect of an id holds for
    ever; one that would close a circle is linkage's mistake and is left out.
    """
    after = dict(known)
    for entity, into in said:
        end = after.get(into, into)
        if entity in after or end == entity:
            continue
        after |= {one: end for one, two in after.items() if two == entity}
        after[entity] = end
    return {entity: into for entity, into in after.items() if known.get(entity) != into}
