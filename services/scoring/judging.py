"""A batch, judged: entities scored in one model call an initiative, news told from noise.

Pure but for the model, which is a function. Nothing here knows of events, tables or the clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.scoring import metrics
from services.scoring.domain import (
    Assessed,
    Ending,
    Known,
    Place,
    Said,
    as_of,
    each_once,
    is_news,
    is_over,
    top_reasons,
)
from services.scoring.features import Features
from services.scoring.model import Model
from shared.initiatives import Initiative, Initiatives


@dataclass(frozen=True, slots=True)
class Running:
    """An initiative at work: its features compiled, its model loaded. ``deciding``: the types of events by which
    somebody of whom it has counted something may come into its population."""

    name: str
    initiative: Initiative
    features: Features
    model: Model
    deciding: frozenset[str]


@dataclass(frozen=True, slots=True)
class Over:
    """A score that is taken back: the entity is merged, erased, or has nothing left to score."""

    entity: UUID
    said: Said
    ending: Ending


@dataclass(slots=True)
class Judged:
    """What follows from a batch for one initiative. ``postponed``: ``swept`` and ``due`` of scores that are no news."""

    running: Running
    assessed: list[Assessed] = field(default_factory=list)
    news: list[Assessed] = field(default_factory=list)
    overs: list[Over] = field(default_factory=list)
    postponed: dict[Place, tuple[date | None, date | None]] = field(default_factory=dict)


def load(initiatives: Initiatives) -> list[Running]:
    """Compile and load them all. Raises ``ValueError`` that names the initiative and what is wrong with it."""
    return [_running(initiative) for initiative in initiatives]


def judged(
    running: Running,
    known: Mapping[Place, Known],
    said: Mapping[Place, Said],
    endings: Mapping[UUID, Ending],
    day: date | None = None,
    unreceipted: Collection[UUID] = (),
) -> Judged:
    """Score every entity of which anything is known; ``day``: age the windows of those that are due by then.

    ``endings``: of the entities that were scored and of which nothing is known now. ``unreceipted``: those whose score
    has lost its receipt with a record that was erased; they are news.
    """
    name, judgement = running.name, Judged(running)
    mine = {entity: about for (entity, initiative), about in known.items() if initiative == name}
    before = {entity: about for (entity, initiative), about in said.items() if initiative == name}
    judgement.assessed = _assessed(running, mine, before, day)
    scored = {now.entity for now in judgement.assessed}
    wholes = {about.whole for about in mine.values()}
    for entity, was in before.items():
        if entity not in scored:
            # A part that is no more went nowhere, nor did one whose records are counted in the entity's other parts.
            simple = entity in mine or entity in wholes or was.whole != entity
            left = Ending(was.membership, None) if simple else endings.get(entity)
            _miss(judgement, entity, was, left)
    survivors = {over.ending.into for over in judgement.overs}
    model, thresholds = running.model.sha256, running.initiative.thresholds
    for now in judgement.assessed:
        last = before.get(now.entity)
        forced = now.entity in survivors or now.entity in unreceipted
        if last is None or forced or is_news(last, now, model, thresholds):
            judgement.news.append(now)
        elif now.swept != last.swept or _earlier(now.due, last.due):
            judgement.postponed[now.entity, name] = (now.swept, now.due)
    return judgement


def _running(initiative: Initiative) -> Running:
    try:
        features = Features(initiative.statement.data.features)
        model = Model(initiative.model(), features.names)
        return Running(initiative.name, initiative, features, model, _deciding(initiative))
    except ValueError as error:
        raise ValueError(f"initiative {initiative.name!r} cannot run: {error}") from error


def _deciding(initiative: Initiative) -> frozenset[str]:
    """All that it reads, unless there is a population by what stays as it is until something is heard of just that."""
    data = initiative.statement.data
    by = [one for one in data.features if data.population and one.name == data.population.feature]
    lasting = bool(by) and not any(one.days or one.kind == "days_since" for one in by)
    return frozenset(event for one in (by if lasting else data.features) for event in one.events)


def _assessed(
    running: Running, known: Mapping[UUID, Known], said: Mapping[UUID, Said], day: date | None
) -> list[Assessed]:
    if not known:
        return []
    swept = [_swept(said.get(entity), day) for entity in known]
    moments = [as_of(one.newest, to) for one, to in zip(known.values(), swept, strict=True)]
    evaluated = running.features.evaluated([one.tiles for one in known.values()], moments)
    chosen = _population(running, evaluated.vectors)
    if not len(chosen):
        return []
    with metrics.MODEL_SECONDS.labels(running.name).time():
        scores = running.model.score(evaluated.vectors[chosen])
    reasons, numbers = top_reasons(scores.contributions, running.features.names), scores.score.tolist()
    entities, assessed = list(known.items()), []
    for row, i in enumerate(chosen.tolist()):
        entity, one = entities[i]
        assessed.append(
            Assessed(
                entity, one.whole, evaluated.vectors[i], scores.contributions[row], numbers[row], reasons[row],
                moments[i], evaluated.due[i], swept[i], one.area, each_once(one.agreements), one.members,
                one.membership,
            )
        )  # fmt: skip
    return assessed


def _population(running: Running, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows of those who are scored: nobody else's data is made into a score."""
    who = running.initiative.statement.data.population
    if who is None:
        return np.arange(len(vectors))
    values = vectors[:, running.features.names.index(who.feature)]
    return np.flatnonzero((values >= who.least) & (values <= who.most))


def _swept(said: Said | None, day: date | None) -> date | None:
    """The day to which an entity's windows are aged: further when it is due."""
    if said is None:
        return None
    if day is not None and said.due is not None and said.due <= day:
        return day if said.swept is None else max(day, said.swept)
    return said.swept


def _miss(judgement: Judged, entity: UUID, said: Said, ending: Ending | None) -> None:
    """An entity that was scored, and is not now: ended, outside the population, or nothing is known of it."""
    if ending is not None and is_over(said, ending):
        judgement.overs.append(Over(entity, said, ending))
    elif said.due is not None:
        judgement.postponed[entity, judgement.running.name] = (said.swept, None)


def _earlier(now: date | None, before: date | None) -> bool:
    return now is not None and (before is None or now < before)
