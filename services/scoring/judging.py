"""A batch, judged: counts brought up to date, entities scored in one model call an initiative, news told from noise.

Pure but for the model, which is a function. Nothing here knows of events, tables or the clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from services.scoring.domain import (
    Assessed,
    Claim,
    Held,
    Household,
    Place,
    Said,
    all_of,
    as_of,
    is_news,
    is_over,
    newest_area,
    top_reasons,
)
from services.scoring.features import EMPTY, Features, State
from services.scoring.metrics import MODEL_SECONDS
from services.scoring.model import Model
from shared.initiatives import Initiative, Initiatives

NOWHERE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Running:
    """An initiative at work: its features compiled, its model loaded."""

    initiative: Initiative
    features: Features
    model: Model

    @property
    def name(self) -> str:
        return self.initiative.name


@dataclass(frozen=True, slots=True)
class Addition:
    """What one fact adds to a record, for one initiative. ``version`` is linkage's, when it linked the fact."""

    place: Place
    tiles: State
    occurred: datetime
    version: int
    area: str | None
    agreement: str


@dataclass(frozen=True, slots=True)
class Over:
    """A score that is taken back: the entity is merged ``into`` another, erased, or has nothing left to score."""

    place: Place
    said: Said
    version: int
    into: UUID | None


@dataclass(slots=True)
class Judged:
    """What follows from a batch for one initiative. ``postponed``: the days to keep for scores that are no news."""

    running: Running
    assessed: list[Assessed] = field(default_factory=list)
    news: list[Assessed] = field(default_factory=list)
    overs: list[Over] = field(default_factory=list)
    postponed: dict[Place, tuple[date | None, date | None]] = field(default_factory=dict)


def load(initiatives: Initiatives) -> list[Running]:
    """Compile and load them all. Raises ``ValueError`` that names the initiative and what is wrong with it."""
    return [_running(initiative) for initiative in initiatives]


def counted(running: Sequence[Running], held: Mapping[Place, Held], additions: Iterable[Addition]) -> dict[Place, Held]:
    """The new state of each place that a fact adds to; ``held`` is what was kept of them before."""
    by_initiative: dict[str, dict[Place, list[Addition]]] = {}
    for addition in additions:
        by_initiative.setdefault(addition.place[1], {}).setdefault(addition.place, []).append(addition)
    found: dict[Place, Held] = {}
    for one in running:
        added = by_initiative.get(one.name)
        if added:
            loose = [_put_together(held.get(place), some) for place, some in added.items()]
            settled = one.features.settled([state.tiles for state in loose])
            for place, state, tiles in zip(added, loose, settled, strict=True):
                found[place] = Held(
                    tiles, state.newest, state.since, state.area, state.area_at, state.agreements
                )  # fmt: skip
    return found


def judged(
    running: Running, households: Mapping[UUID, Household], said: Mapping[Place, Said], day: date | None = None
) -> Judged:
    """Score every entity of which anything is known; ``day``: age the windows of those that are due by then."""
    verdict = Judged(running)
    verdict.assessed = _assessed(running, households, said, day)
    scored = {now.entity for now in verdict.assessed}
    for entity, household in households.items():
        before = said.get((entity, running.name))
        if before is not None and entity not in scored:
            _empty(verdict, entity, household, before)
    survivors = {over.into for over in verdict.overs}
    for now in verdict.assessed:
        before = said.get((now.entity, running.name))
        if now.entity in survivors or is_news(before, now, running.model.sha256, running.initiative.thresholds):
            verdict.news.append(now)
        elif before is not None and (now.swept != before.swept or _earlier(now.due, before.due)):
            verdict.postponed[now.entity, running.name] = (now.swept, now.due)
    return verdict


def _running(initiative: Initiative) -> Running:
    try:
        features = Features(initiative.statement.data.features)
        return Running(initiative, features, Model(initiative.model(), features.names))
    except ValueError as error:
        raise ValueError(f"initiative {initiative.name!r} cannot run: {error}") from error


def _put_together(held: Held | None, additions: Sequence[Addition]) -> Held:
    """What is kept and what is added, not yet settled."""
    tiles = [addition.tiles for addition in additions]
    newest = max(addition.occurred for addition in additions)
    since = min(addition.version for addition in additions)
    area = max(((a.occurred, a.area) for a in additions if a.area is not None), default=(NOWHERE, None))
    agreements = frozenset(addition.agreement for addition in additions)
    if held is None:
        return Held(b"".join(tiles), newest, since, area[1], area[0], all_of(agreements))
    if held.area is not None and (area[1] is None or (held.area_at, held.area) > area):
        area = (held.area_at, held.area)
    return Held(
        b"".join([held.tiles, *tiles]), max(newest, held.newest), min(since, held.since), area[1], area[0],
        all_of(agreements | {held.agreements}),
    )  # fmt: skip


def _assessed(
    running: Running, households: Mapping[UUID, Household], said: Mapping[Place, Said], day: date | None
) -> list[Assessed]:
    known: list[tuple[UUID, list[Claim], list[Held], date | None]] = []
    for entity, household in households.items():
        if not household.held:
            continue
        members = household.members()
        held = [h for m in members if (h := household.held.get((m.record, running.name))) is not None]
        if held:
            known.append((entity, members, held, _swept(said.get((entity, running.name)), day)))
    if not known:
        return []
    moments = [as_of(held, swept) for _, _, held, swept in known]
    tiles = [b"".join([h.tiles for h in held]) if held else EMPTY for _, _, held, _ in known]
    evaluated = running.features.evaluated(tiles, moments)
    with MODEL_SECONDS.labels(running.name).time():
        scores = running.model.score(evaluated.vectors)
    reasons = top_reasons(scores.contributions, running.features.names)
    return [
        Assessed(
            entity=entity,
            vector=evaluated.vectors[i],
            contributions=scores.contributions[i],
            score=score,
            reasons=reasons[i],
            as_of=moments[i],
            due=evaluated.due[i],
            swept=swept,
            area=newest_area(held),
            agreements=all_of(frozenset(h.agreements for h in held)),
            members=tuple(claim.record for claim in members),
            membership=max(claim.version for claim in members),
        )
        for i, ((entity, members, held, swept), score) in enumerate(zip(known, scores.score.tolist(), strict=True))
    ]


def _swept(said: Said | None, day: date | None) -> date | None:
    """The day to which an entity's windows are aged: further when it is due."""
    if said is None:
        return None
    if day is not None and said.due is not None and said.due <= day:
        return day if said.swept is None else max(day, said.swept)
    return said.swept


def _empty(verdict: Judged, entity: UUID, household: Household, said: Said) -> None:
    """An entity that was scored, and of which nothing is known any more."""
    place, members = (entity, verdict.running.name), household.members()
    if household.departure is not None and is_over(said, members, household.departure):
        into = None if members else household.departure.into
        verdict.overs.append(Over(place, said, household.departure.version, into))
    elif said.due is not None:
        verdict.postponed[place] = (said.swept, None)


def _earlier(now: date | None, before: date | None) -> bool:
    return now is not None and (before is None or now < before)
