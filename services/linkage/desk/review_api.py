"""``/linkage/api/review``: the review desk for programs, on behalf of a steward."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.linkage.desk.answers import PairSaid, pair_said
from services.linkage.desk.api import MISSING, REFUSALS
from services.linkage.desk.deciding import Review
from services.linkage.desk.modelling import Modelling
from services.linkage.desk.reviewing import Case
from services.linkage.desk.viewing import Asker, Reception
from services.linkage.models.differences import Differences

Reason = Annotated[str, Field(min_length=3, max_length=500, examples=["Same school on both; I called and asked."])]


class RulingSaid(BaseModel):
    """What a steward decided. ``holds``: false when other decisions outweigh it."""

    verdict: Literal["must", "must_not"]
    by: str
    reason: str
    at: AwareDatetime
    holds: bool


class CaseSaid(BaseModel):
    """A pair to look at. ``value``: bits of uncertainty that deciding takes away, times the records it moves."""

    pair: PairSaid
    entities: tuple[UUID, UUID]
    moves: int
    value: float
    ruling: RulingSaid | None


class Cases(BaseModel):
    cases: list[CaseSaid]


class DecisionAsked(BaseModel):
    """Of two records of one kind: "must" be of one, "must_not", or "undo" what was decided."""

    left: UUID
    right: UUID
    verdict: Literal["must", "must_not", "undo"]
    reason: Reason


class SplitAsked(BaseModel):
    """A record that must not be of one with any other of its entity."""

    record: UUID
    reason: Reason


class SplitSaid(BaseModel):
    """From how many records it was split off."""

    others: int


class ModelSaid(BaseModel):
    """A model: its version names its very bytes. ``shadow``: tried beside; ``wanted``: about to be active."""

    version: str = Field(examples=["person-3f9a0c1b2d4e"])
    state: Literal["shadow", "wanted", "active", "retired"]
    at: AwareDatetime
    by: str


class SampledSaid(BaseModel):
    """Two records that the shadow would join or part, with the evidence as it weighs it."""

    fate: Literal["joined", "parted"]
    case: CaseSaid


class OutlookSaid(BaseModel):
    """All models, the newest first; what the shadow would change, and a random sample of that."""

    models: list[ModelSaid]
    differences: Differences | None
    sample: list[SampledSaid]


Most = Annotated[int, Query(ge=1, le=100)]


def router(review: Review, modelling: Modelling, reception: Reception) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/linkage/api", tags=["Review"], responses=REFUSALS)
    routes.include_router(_readings(review, modelling, reception))
    routes.include_router(_decisions(review, reception))
    return routes


def _readings(review: Review, modelling: Modelling, reception: Reception) -> APIRouter:
    routes = APIRouter()
    who = Annotated[Asker, Depends(reception.keeping_identity)]

    @routes.get("/review", summary="Pairs whose decision is worth most")
    async def queue(asker: who, limit: Most = 20) -> Cases:
        """Decisions that do not hold first. Everybody in the answer is recorded as shown to you."""
        return Cases(cases=[_said(case) for case in await review.queue(asker, limit)])

    @routes.get("/decisions", summary="What stewards decided last")
    async def decisions(asker: who, limit: Most = 20) -> Cases:
        """With the evidence as it is now."""
        return Cases(cases=[_said(case) for case in await review.decided(asker, limit)])

    @routes.get("/models", summary="Which model weighs, and what another would change")
    async def models(asker: who, limit: Most = 20) -> OutlookSaid:
        """Everybody in the sample is recorded as shown to you."""
        found = await modelling.outlook(asker, limit)
        return OutlookSaid(
            models=[ModelSaid(version=one.version, state=one.state, at=one.at, by=one.by) for one in found.models],
            differences=found.differences,
            sample=[SampledSaid(fate=one.fate, case=_said(one.case)) for one in found.sample],
        )

    return routes


def _decisions(review: Review, reception: Reception) -> APIRouter:
    routes = APIRouter()
    who = Annotated[Asker, Depends(reception.keeping_identity)]

    @routes.post("/decisions", summary="Decide about a pair", status_code=204, responses=MISSING)
    async def decide(asker: who, body: DecisionAsked) -> None:
        """It outranks every score and rule, and no arriving data undoes it. In force when this returns."""
        verdict = None if body.verdict == "undo" else body.verdict
        try:
            await review.decide(asker, body.left, body.right, verdict, body.reason)
        except LookupError as error:
            raise HTTPException(404, f"{body.left} and {body.right} are not two records of one kind.") from error

    @routes.post("/splits", summary="Split a record off its entity", responses=MISSING)
    async def split(asker: who, body: SplitAsked) -> SplitSaid:
        """A decision "must_not" with each other record of the entity, at once."""
        try:
            return SplitSaid(others=await review.split(asker, body.record, body.reason))
        except LookupError as error:
            raise HTTPException(404, f"{body.record} is no record that is here.") from error

    return routes


def _said(case: Case) -> CaseSaid:
    ruling = case.pair.ruling
    said = ruling and RulingSaid(
        verdict=ruling.verdict, by=ruling.by, reason=ruling.reason, at=ruling.at, holds=not case.conflict
    )
    return CaseSaid(
        pair=pair_said(case.pair), entities=case.pair.entities, moves=case.moves, value=round(case.value, 3),
        ruling=said or None,
    )  # fmt: skip
