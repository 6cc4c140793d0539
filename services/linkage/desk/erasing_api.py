"""``/linkage/api/erasures`` and ``/linkage/api/blocks``: what stewards do beside deciding."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from services.linkage.desk.api import MISSING, REFUSALS
from services.linkage.desk.deciding import Review
from services.linkage.desk.viewing import Asker, Reception
from services.linkage.purposes.erasing import Erasing

MOST = 500
Ground = Literal["no_longer_necessary", "consent_withdrawn", "objection", "unlawful", "legal_obligation"]


class ErasureAsked(BaseModel):
    """All records of these entities, and these records. ``ground``: of UK GDPR Art. 17(1). ``reason`` names nobody."""

    entities: list[UUID] = Field(default=[], max_length=MOST)
    records: list[UUID] = Field(default=[], max_length=MOST)
    ground: Ground
    reason: str = Field(min_length=3, max_length=500, examples=["Request 2026/118, granted by the data controller."])


class ErasureSaid(BaseModel):
    """``entities``: every id under which nothing is left. What the audit log says of these an auditor can erase now."""

    erasure: UUID
    records: int
    entities: list[UUID]


class BlocksSaid(BaseModel):
    """Block keys that too many records share, by what they are made of. Finer keys carry their records."""

    kind: str = Field(examples=["phone"])
    keys: int = Field(description="How many keys of this kind overflow.")
    largest: int = Field(description="Different contents of records under the largest of them.")
    contents: int = Field(description="Under all of them, each content once a key.")


class Blocks(BaseModel):
    blocks: list[BlocksSaid]


def router(erasing: Erasing, review: Review, reception: Reception) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/linkage/api", tags=["Review"], responses=REFUSALS)

    who = Annotated[Asker, Depends(reception.keeping_identity)]

    @routes.post("/erasures", summary="Erase a person, or single records", responses=MISSING)
    async def erasures(asker: who, body: ErasureAsked) -> ErasureSaid:
        """Done when this returns: the records are out of the index, and what is heard of them later is dropped. Scores
        and alerts follow."""
        try:
            done = await erasing.erase(asker, body.entities, body.records, body.ground, body.reason)
        except LookupError as error:
            detail = f"Nothing is known under {', '.join(map(str, error.args)) or 'no id'}: nothing was erased."
            raise HTTPException(404, detail) from error
        return ErasureSaid(erasure=done.erasure, records=done.records, entities=list(done.over))

    @routes.get("/blocks", summary="Block keys that overflow, by kind and size")
    async def blocks(asker: who) -> Blocks:
        """No value is shown: only what kind of key it is, and how many records share it."""
        found = await review.overflowing(asker)
        return Blocks(
            blocks=[BlocksSaid(kind=b.kind, keys=b.keys, largest=b.largest, contents=b.contents) for b in found]
        )

    return routes
