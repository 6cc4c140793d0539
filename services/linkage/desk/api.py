"""``/linkage/golden`` for the other services, ``/linkage/api/…`` for programs: who is who, to those who may know."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from services.linkage.desk.answers import (
    EntitySaid,
    GoldenAnswer,
    GoldenAsked,
    SearchAnswer,
    SearchAsked,
    WhySaid,
    entity_said,
    golden_said,
    hit_said,
    pair_said,
)  # fmt: skip
from services.linkage.desk.desk import Desk
from services.linkage.desk.viewing import Asker, Reception
from shared.normal import normalise
from shared.web.problems import NOBODY, problems

REFUSALS = problems(
    {
        401: NOBODY,
        403: "No agreement shows this role anything for this purpose. The attempt is recorded.",
    }
)
MISSING = problems({404: "There is no such entity or record."})
ENDED = problems({410: "There was one; nothing is left of it."})


def router(desk: Desk, reception: Reception) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["Identity"], responses=REFUSALS)
    routes.include_router(_finding(desk, reception))
    routes.include_router(_explaining(desk, reception))
    return routes


def _finding(desk: Desk, reception: Reception) -> APIRouter:
    """Who it is."""
    routes = APIRouter()
    who = Annotated[Asker, Depends(reception.asking)]

    @routes.post("/linkage/golden", summary="Who these entities are, for a purpose")
    async def golden(request: Request, body: GoldenAsked) -> GoldenAnswer:
        """For services, with a token that speaks for a person. Values are shown field by field under the agreement each
        came in by; every entity in the answer is in the audit log before the answer is sent."""
        found = await desk.golden(reception.calling(request, body.purpose), body.entities)
        return GoldenAnswer(entities={id: golden_said(id, found.get(id)) for id in body.entities})

    @routes.post("/linkage/api/search", summary="Who may be meant")
    async def search(asker: who, body: SearchAsked) -> SearchAnswer:
        """Only fields that you may see count, in the question and in the answer. Each hit is recorded, and that there
        was none. POST, because what is asked names people and addresses are kept in histories."""
        typed, findings = normalise(body.kind, body.identity)
        hits = await desk.search(asker, body.kind, typed)
        return SearchAnswer(hits=[hit_said(hit) for hit in hits], unread={one.field: one.reason for one in findings})

    return routes


def _explaining(desk: Desk, reception: Reception) -> APIRouter:
    """How it is known."""
    routes = APIRouter()
    who = Annotated[Asker, Depends(reception.asking)]

    @routes.get("/linkage/api/entities/{id}", summary="One entity: where each value comes from",
                responses=MISSING | ENDED)  # fmt: skip
    async def entity(asker: who, id: UUID) -> EntitySaid:
        """Recorded as shown to you before it is sent."""
        found = await desk.entity(asker, id)
        if found is None:
            raise HTTPException(404, f"There is no entity {id}: it never was.")
        return entity_said(asker.purpose, found)

    @routes.get("/linkage/api/entities/{id}/why", summary="Why its records are one, or why two entities are two",
                responses=MISSING | ENDED)  # fmt: skip
    async def why(
        asker: who, id: UUID, other: Annotated[UUID | None, Query(description="Why not also this one?")] = None
    ) -> WhySaid:
        """The pairs that hold an entity together, the strongest 39 of one with very many records; with ``other``, the
        strongest pair across the two."""
        try:
            found = await desk.why(asker, id, other)
        except LookupError as error:
            raise HTTPException(404, f"There is no entity {error.args[0]}: ask for living ones.") from error
        return WhySaid(pairs=[pair_said(pair) for pair in found.pairs], whole=found.whole)

    @routes.get("/linkage/api/why/{a}/{b}", summary="Why two records are one, or not", responses=MISSING)
    async def why_records(asker: who, a: UUID, b: UUID) -> WhySaid:
        """Fields, how far they agree, what that is worth in bits, and the probability in per cent."""
        pair = await desk.why_records(asker, a, b)
        if pair is None:
            raise HTTPException(404, f"{a} and {b} are not two records of one kind that you may see.")
        return WhySaid(pairs=[pair_said(pair)])

    return routes
