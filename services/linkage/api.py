"""``/linkage/golden`` for the other services, ``/linkage/api/…`` for programs: who is who, to those who may know."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.linkage.desk import MOST, Desk
from services.linkage.showing import Shown, agreement_of
from services.linkage.viewing import Asker, Reception
from shared.contracts import Kind

Problem: dict[str, Any] = {"content": {"application/problem+json": {}}}
REFUSALS: Mapping[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in, and no service token speaks for anybody.", **Problem},
    403: {"description": "No agreement shows this role anything for this purpose. The attempt is recorded.", **Problem},
}
MISSING: Mapping[int | str, dict[str, Any]] = {404: {"description": "There is no such entity.", **Problem}}
Purpose = Annotated[str, Query(description="Why you ask; empty: the first purpose your role has.", examples=["neet"])]


class GoldenAsked(BaseModel):
    """Whom, and why. ``purpose`` must be the token's, where that names one."""

    entities: list[UUID] = Field(max_length=MOST)
    purpose: str = Field(min_length=1, examples=["neet"])


class GoldenSaid(BaseModel):
    """``entity``: the living one (a merged entity's id redirects for ever). ``refused``: it has records, and nothing of
    them may be shown. An id that never was has neither values nor refusal."""

    entity: UUID
    values: dict[str, str] = Field(examples=[{"given": "Rhys", "family": "Morgan", "birth_date": "2010-03-14"}])
    refused: bool


class GoldenAnswer(BaseModel):
    """By the id that was asked for."""

    entities: dict[UUID, GoldenSaid]


class FieldSaid(BaseModel):
    """A value of the golden record, with the record it comes from."""

    value: str
    record: UUID
    partner: str = Field(examples=["schools"])
    agreement: str
    published: AwareDatetime = Field(description="When that record last said so.")
    because: str = Field(description="Why it won over the others: only, most, newest, …", examples=["most"])


class RecordSaid(BaseModel):
    """One partner's record, cut to what may be shown."""

    id: UUID
    partner: str
    agreement: str
    seen: AwareDatetime
    values: dict[str, str]


class EntitySaid(BaseModel):
    """The golden record with its lineage, and the records it is made of that may be shown for this purpose."""

    asked: UUID
    entity: UUID
    kind: Kind
    purpose: str
    golden: dict[str, FieldSaid]
    records: list[RecordSaid]


def router(desk: Desk, reception: Reception) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["Identity"])

    @routes.post("/linkage/golden", summary="Who these entities are, for a purpose", responses={**REFUSALS})
    async def golden(request: Request, body: GoldenAsked) -> GoldenAnswer:
        """For services, with a token that speaks for a person. Values are shown field by field under the agreement each
        came in by; every entity in the answer is in the audit log before the answer is sent."""
        asker = reception.calling(request, body.purpose)
        found = await desk.golden(asker, body.entities)
        return GoldenAnswer(entities={id: _golden(id, found.get(id)) for id in body.entities})

    @routes.get(
        "/linkage/api/entities/{id}", summary="One entity, where each value comes from, and its records",
        responses={**REFUSALS, **MISSING},
    )  # fmt: skip
    async def entity(request: Request, id: UUID, purpose: Purpose = "") -> EntitySaid:
        """Recorded as shown to you before it is sent."""
        asker = reception.asking(request, purpose)
        await admitted(desk, asker, "entity", id)
        found = await desk.entity(asker, id)
        if found is None:
            raise HTTPException(404, f"There is no entity {id}: it never was, or all that was known of it is erased.")
        return _entity(asker, found)

    return routes


async def admitted(desk: Desk, asker: Asker, operation: str, subject: UUID | None = None) -> None:
    """Who has no agreement for the purpose gets no further. Raises ``Refused``."""
    if not (asker.allowed or asker.oversees):
        await desk.refuse(asker, operation, subject)


def _golden(asked: UUID, found: Shown | None) -> GoldenSaid:
    if found is None:
        return GoldenSaid(entity=asked, values={}, refused=False)
    values = {field: one.value for field, one in found.golden.items()}
    return GoldenSaid(entity=found.entity, values=values, refused=found.refused)


def _entity(asker: Asker, found: Shown) -> EntitySaid:
    records = {record.id: record for record in found.records}
    golden = {
        field: FieldSaid(
            value=one.value, record=one.record, partner=one.partner, agreement=agreement_of(records[one.record], field),
            published=one.at, because=one.because,
        )
        for field, one in found.golden.items()
    }  # fmt: skip
    return EntitySaid(
        asked=found.asked, entity=found.entity, kind=found.kind, purpose=asker.purpose, golden=golden,
        records=[
            RecordSaid(
                id=record.id, partner=record.partner, agreement=record.agreement, seen=record.seen,
                values=dict(record.identity),
            )
            for record in found.records
        ],
    )  # fmt: skip
