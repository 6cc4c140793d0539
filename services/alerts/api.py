"""``/alerts/api/…`` for programs: a team's alerts with their reasons in words, and what people do with them.

Nobody is named here: an alert speaks of an entity, and linkage says who that is, to those who may know.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from services.alerts.cards import Wording
from services.alerts.casework import LONGEST_NOTE, Casework, Impossible, Unknown
from services.alerts.domain import Alert, Band, Outcome
from services.alerts.showing import Elsewhere, Showing
from services.alerts.store import AlertStore
from services.alerts.views import Seen
from shared.contracts.alerts import State
from shared.web import Callers, Language, Viewer, language
from shared.web.errors import problem
from shared.web.problems import NOBODY, problems
from shared.work import Worker

MOST = 100
FURTHEST = 1_000_000
"""Nobody reads so far; PostgreSQL takes no number of any size."""
Spoken = Annotated[Language, Depends(language)]
REFUSALS = problems(
    {
        401: NOBODY,
        403: "Another team's, or not for this role. The attempt is recorded.",
        404: "There is no such alert.",
    }
)
CONFLICT = problems({409: "The alert is not in a state in which this can be done; the detail names it."})


class ReasonSaid(BaseModel):
    feature: str = Field(examples=["absence_28d"])
    value: float = Field(examples=[0.42])
    contribution: float = Field(description="What it adds to the score, in log-odds.", examples=[1.3])
    sentence: str = Field(examples=["Missed 42% of lessons in the last four weeks"])


class AlertSaid(BaseModel):
    """One alert. ``version`` counts its changes; ``keeper`` is whoever has taken it on."""

    id: UUID
    initiative: str = Field(examples=["neet"])
    entity: UUID
    episode: int
    team: str = Field(examples=["youth-east"])
    state: State
    score: float | None = Field(description="A probability, 0–1; null when there is nothing left to score.")
    band: Band
    reasons: list[ReasonSaid]
    withheld: int = Field(description="Reasons that no agreement lets your role see for this purpose.")
    receipt: UUID = Field(description="Scoring can replay the score by it.")
    opened_at: datetime
    changed_at: datetime
    version: int
    keeper: str | None
    outcome: Outcome | None
    joined_into: UUID | None
    open_until: datetime | None = Field(description="Another team's, that you opened in an emergency: until then.")


class AlertsSaid(BaseModel):
    alerts: list[AlertSaid]
    more: bool = Field(description="Whether there are more: ask with a higher offset.")


class StandSaid(BaseModel):
    """Where an alert stands now; ``version`` counts its changes. Ask for the alert to see more."""

    id: UUID
    state: State
    version: int


class Acknowledgement(BaseModel):
    note: str = Field("", max_length=LONGEST_NOTE, examples=["I know the family and will call today."])


class Closing(BaseModel):
    outcome: Outcome
    note: str = Field("", max_length=LONGEST_NOTE)


def router(
    worker: Worker[AlertStore], casework: Casework, showing: Showing, wording: Wording, callers: Callers
) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/alerts/api", tags=["Alerts"])
    routes.include_router(_readings(worker, casework, showing, wording, callers))
    routes.include_router(_changes(casework, callers))
    return routes


def _readings(
    worker: Worker[AlertStore], casework: Casework, showing: Showing, wording: Wording, callers: Callers
) -> APIRouter:
    routes = APIRouter()
    asker = Annotated[Viewer, Depends(callers.person)]

    @routes.get("/alerts", summary="Alerts of a team, the most urgent first", responses=REFUSALS)
    async def alerts(
        person: asker,
        language: Spoken,
        state: Annotated[list[State], Query(description="Repeat it for several.")] = [State.OPEN],  # noqa: B006
        team: Annotated[str, Query(description="For supervisors; others see their own.")] = "",
        initiative: str = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        offset: Annotated[int, Query(ge=0, le=FURTHEST)] = 0,
    ) -> AlertsSaid:
        """Each alert in the answer is recorded as shown to you before it is sent, and an empty answer too."""
        scope = await showing.scope(person)
        if team not in ("", scope.team) and scope.team is not None:
            await showing.refuse(person)
        of = scope.team if scope.team is not None else team or None
        wanted = [name for name in scope.features if initiative in ("", name)]
        async with worker.work() as work:
            rows = await work.store.queue(of, state, wanted, limit + 1, offset)
        found = rows[:limit]
        await showing.shown(scope, found, "api")
        seen = [_said(scope.seen(alert), wording, language) for alert in found]
        return AlertsSaid(alerts=seen, more=len(rows) > limit)

    @routes.get("/alerts/{id}", summary="One alert", response_model=AlertSaid, responses=REFUSALS)
    async def alert(person: asker, language: Spoken, id: UUID) -> AlertSaid | Response:
        """Recorded as shown to you before it is sent. Another team's is refused, unless you have opened it in an
        emergency (`POST …/override`)."""
        try:
            found = await casework.one(person, id)
        except Unknown as error:
            raise missing(id) from error
        except Elsewhere as error:
            return _elsewhere(error)
        return _said(found, wording, language)

    return routes


def _changes(casework: Casework, callers: Callers) -> APIRouter:
    routes = APIRouter()
    asker = Annotated[Viewer, Depends(callers.person)]

    @routes.post(
        "/alerts/{id}/acknowledge", summary="Take an alert on", response_model=StandSaid,
        responses=REFUSALS | CONFLICT,
    )  # fmt: skip
    async def acknowledge(person: asker, id: UUID, body: Acknowledgement) -> StandSaid | Response:
        """You are then its keeper: it no longer lapses by itself. Doing it twice is harmless."""
        try:
            return _stands(await casework.acknowledge(person, id, body.note))
        except Unknown as error:
            raise missing(id) from error
        except Impossible as error:
            return _conflict(error)

    @routes.post(
        "/alerts/{id}/close", summary="Say how an alert ended", response_model=StandSaid,
        responses=REFUSALS | CONFLICT,
    )  # fmt: skip
    async def close(person: asker, id: UUID, body: Closing) -> StandSaid | Response:
        """Only an acknowledged alert can be closed. The next one opens once the person's score has fallen and risen."""
        try:
            return _stands(await casework.close(person, id, body.outcome, body.note))
        except Unknown as error:
            raise missing(id) from error
        except Impossible as error:
            return _conflict(error)

    return routes


def missing(id: UUID) -> HTTPException:
    """404, and where to look."""
    return HTTPException(404, f"There is no alert {id}: ask /alerts/api/alerts which there are.")


def _elsewhere(error: Elsewhere) -> JSONResponse:
    detail = (
        f"This alert is for the team {error.team}; your attempt to see it has been recorded. If somebody needs you "
        "now, open it with a reason: POST /alerts/api/alerts/{id}/override."
    )
    return problem(403, detail, "Another team's")


def _conflict(error: Impossible) -> JSONResponse:
    detail = (
        f"The alert is {error.state}, so it cannot be asked to {error.command}. Fetch it again to see what happened."
    )
    return problem(409, detail, "Not in this state")


def _stands(alert: Alert) -> StandSaid:
    return StandSaid(id=alert.id, state=alert.state, version=alert.version)


def _said(seen: Seen, wording: Wording, language: Language) -> AlertSaid:
    alert = seen.alert
    reasons = [
        ReasonSaid(**one.model_dump(), sentence=wording.sentence(alert, one, language.code)) for one in alert.reasons
    ]
    return AlertSaid(
        id=alert.id, initiative=alert.initiative, entity=alert.entity, episode=alert.episode, team=alert.team,
        state=alert.state, score=alert.score, band=alert.band, reasons=reasons,
        withheld=seen.withheld, receipt=alert.receipt,
        opened_at=alert.opened_at, changed_at=alert.changed_at, version=alert.version, keeper=alert.keeper,
        outcome=alert.outcome, joined_into=alert.joined_into,
        open_until=seen.override.until if seen.override else None,
    )  # fmt: skip
