"""``/alerts/api/…`` for programs: break-glass (``overrides.py``), and its review by supervisors."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from services.alerts.api import FURTHEST, MOST, REFUSALS, missing
from services.alerts.casework import Unknown
from services.alerts.overrides import LONGEST_REASON, SHORTEST_REASON, Fault, Reviewed, Unworded, Verdict
from services.alerts.overriding import Needless, Overriding
from services.alerts.views import Opening
from shared.web import Callers, Viewer
from shared.web.errors import problem
from shared.web.problems import problems

NOT_WORDED = problems({422: "The words do not do; the detail says what is wrong with them."})
FAULTS = {
    Fault.SHORT: f"at least {SHORTEST_REASON} characters that can be read",
    Fault.LONG: f"at most {LONGEST_REASON} characters",
    Fault.SAME: "other words than you opened this case with the last time",
}


class Wording(BaseModel):
    reason: str = Field(
        min_length=SHORTEST_REASON, max_length=LONGEST_REASON, description="In your own words, without names.",
        examples=["The young person is in our office and not safe at home tonight."],
    )  # fmt: skip


class OpenedSaid(BaseModel):
    """You may look at all alerts of the person until then; each look is recorded with the override's id."""

    id: UUID = Field(description="The override's.")
    until: datetime


class Judging(BaseModel):
    verdict: Verdict
    note: str = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, description="Why, without names.")


class OverrideSaid(BaseModel):
    """A case that somebody of another team opened in an emergency."""

    id: UUID
    alert: UUID
    entity: UUID = Field(description="The person whose case it is, by the id they have now.")
    initiative: str = Field(examples=["neet"])
    team: str = Field(description="Whose case it is.", examples=["youth-east"])
    actor: str = Field(description="Who opened it: their subject at the issuer.")
    actor_name: str
    actor_team: str
    reason: str = Field(description="Empty once the person has been erased, as the note.")
    given_at: datetime
    until: datetime
    verdict: Verdict | None
    reviewer: str | None
    reviewer_name: str | None
    reviewed_at: datetime | None
    note: str


class OverridesSaid(BaseModel):
    overrides: list[OverrideSaid]
    more: bool = Field(description="Whether there are more: ask with a higher offset.")
    unreviewed: int = Field(description="How many wait for a verdict.")


class ReviewedSaid(BaseModel):
    """``until`` is now when it was open and not justified."""

    id: UUID
    verdict: Verdict
    until: datetime


def router(overriding: Overriding, callers: Callers) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/alerts/api", tags=["Break-glass"])
    asker = Annotated[Viewer, Depends(callers.person)]

    @routes.post(
        "/alerts/{id}/override", summary="Open another team's case in an emergency", response_model=OpenedSaid,
        responses=REFUSALS | NOT_WORDED | problems({409: "You may see it as it is."}),
    )  # fmt: skip
    async def open(person: asker, id: UUID, body: Wording) -> OpenedSaid | Response:
        """Supervisors and the team are told at once. You may look, not change anything, and it ends by itself. While
        it is open, asking again changes nothing."""
        try:
            override = await overriding.open(person, id, body.reason)
        except Unknown as error:
            raise missing(id) from error
        except Needless:
            return problem(409, "You may see this alert as it is: nothing was opened.", "Nothing to open")
        except Unworded as error:
            return _unworded("reason", error)
        return OpenedSaid(id=override.id, until=override.until)

    @routes.get("/overrides", summary="What was opened in an emergency", responses=REFUSALS)
    async def overrides(
        person: asker,
        reviewed: Annotated[bool, Query(description="Those with a verdict, the last first.")] = False,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        offset: Annotated[int, Query(ge=0, le=FURTHEST)] = 0,
    ) -> OverridesSaid:
        """For supervisors; those that wait for a verdict, the oldest first. Each is recorded as shown to you before it
        is sent."""
        part, none = (limit, offset), (0, 0)
        listed = await overriding.listed(person, none if reviewed else part, part if reviewed else none)
        found = listed.reviewed if reviewed else listed.waiting
        said = [_said(one) for one in found.openings]
        return OverridesSaid(overrides=said, more=found.more, unreviewed=listed.unreviewed.number)

    @routes.post(
        "/overrides/{id}/review", summary="Say whether it was justified", response_model=ReviewedSaid,
        responses=REFUSALS | NOT_WORDED | problems({409: "There is another verdict already."}),
    )  # fmt: skip
    async def review(person: asker, id: UUID, body: Judging) -> ReviewedSaid | Response:
        """For supervisors, of what others opened. A verdict is final; "not_justified" ends what is still open."""
        try:
            override = await overriding.review(person, id, body.verdict, body.note)
        except Unknown as error:
            raise HTTPException(404, f"There is no override {id}: ask /alerts/api/overrides.") from error
        except Reviewed:
            return problem(409, "There is a verdict already, and it is final.", "Reviewed")
        except Unworded as error:
            return _unworded("note", error)
        return ReviewedSaid(id=override.id, verdict=body.verdict, until=override.until)

    return routes


def _unworded(field: str, error: Unworded) -> JSONResponse:
    return problem(422, f"Nothing was changed: the {field} wants {FAULTS[error.fault]}.", "Say it otherwise")


def _said(opening: Opening) -> OverrideSaid:
    override, alert = opening.override, opening.alert
    return OverrideSaid(
        id=override.id, alert=alert.id, entity=alert.entity, initiative=alert.initiative, team=alert.team,
        actor=override.actor, actor_name=override.actor_name, actor_team=override.actor_team, reason=override.reason,
        given_at=override.given_at, until=override.until, verdict=override.verdict, reviewer=override.reviewer,
        reviewer_name=override.reviewer_name, reviewed_at=override.reviewed_at, note=override.note,
    )  # fmt: skip
