"""What a partner may ask about its own events: receipts, why events were rejected, its agreements."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.ingest.domain import Sender, receipt_of
from services.ingest.door import Door
from services.ingest.reasons import FINDINGS, REJECTIONS
from services.ingest.refusal import Refusal
from services.ingest.store import Count, IngestStore, Receipt
from shared.access import Agreement, Agreements
from shared.work import Worker

FIRST = UUID(int=0)
SECURITY: dict[str, Any] = {"security": [{"key": []}, {"bearer": []}]}


class ReceiptSaid(BaseModel):
    """What became of one event, and when."""

    receipt: UUID
    id: str
    type: str
    verdict: Literal["accepted", "rejected"]
    reason: str | None = None
    field: str | None = None
    advice: str | None = None
    at: datetime


class ReceiptPage(BaseModel):
    """``next`` is the ``after`` of the next page; none on the last. Receipts of the last seconds may still join it."""

    receipts: list[ReceiptSaid]
    next: str | None


class CountSaid(BaseModel):
    """So many events were rejected, or accepted with this finding."""

    type: str
    verdict: str
    reason: str
    field: str
    events: int
    last: datetime
    advice: str


class AgreementSaid(BaseModel):
    """An agreement as it is enforced."""

    in_force: bool
    agreement: dict[str, Any] = Field(description="The agreement's file as JSON.")


def router(door: Door, worker: Worker[IngestStore], agreements: Agreements) -> APIRouter:
    """Routes for a partner's key; each answers about that partner only."""
    routes = APIRouter(tags=["Reports"])

    @routes.get("/v1/receipts", summary="Receipts, oldest first", openapi_extra=SECURITY)
    async def receipts(
        sender: Annotated[Sender, Depends(door.sender)],
        since: Annotated[datetime | None, Query(description="Only receipts from this time on.")] = None,
        verdict: Annotated[Literal["accepted", "rejected"] | None, Query()] = None,
        after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> ReceiptPage:
        place = _place(after) if after else (_aware(since) if since else datetime.min.replace(tzinfo=UTC), FIRST)
        accepted = None if verdict is None else verdict == "accepted"
        async with worker.work() as work:
            found = await work.store.listed(sender.partner, place, accepted, limit)
        following = _cursor(found[-1]) if len(found) == limit else None
        return ReceiptPage(receipts=[_receipt(receipt) for receipt in found], next=following)

    @routes.get("/v1/receipts/{event_id:path}", summary="What became of one event", openapi_extra=SECURITY)
    async def receipt(sender: Annotated[Sender, Depends(door.sender)], event_id: str) -> list[ReceiptSaid]:
        async with worker.work() as work:
            found = await work.store.receipts([receipt_of(source, event_id) for source in sender.sources])
        if not found:
            raise Refusal(404, "No such event", "You have sent no event with this id: send it.")
        return [_receipt(one) for one in found]

    @routes.get("/v1/rejections", summary="Rejections and findings, counted", openapi_extra=SECURITY)
    async def rejections(
        sender: Annotated[Sender, Depends(door.sender)], days: Annotated[int, Query(ge=1, le=366)] = 7
    ) -> list[CountSaid]:
        since = datetime.now(UTC).date() - timedelta(days=days - 1)
        async with worker.work() as work:
            counts = await work.store.counted(sender.partner, since)
        return [_count(count) for count in counts if count.verdict in ("rejected", "finding")]

    @routes.get("/v1/agreements", summary="Your agreements, as they are enforced", openapi_extra=SECURITY)
    async def own_agreements(sender: Annotated[Sender, Depends(door.sender)]) -> list[AgreementSaid]:
        today = datetime.now(UTC).date()
        return [_agreement(agreement, today) for agreement in agreements.of_partner(sender.partner)]

    return routes


def advice_on(verdict: str, reason: str) -> str:
    """What to do about a reason of a rejection or a finding."""
    return (FINDINGS if verdict == "finding" else REJECTIONS).get(reason, "")


def _receipt(receipt: Receipt) -> ReceiptSaid:
    rejected = bool(receipt.reason)
    return ReceiptSaid(
        receipt=receipt.id, id=receipt.event_id, type=receipt.type, verdict="rejected" if rejected else "accepted",
        reason=receipt.reason or None, field=receipt.field if rejected else None,
        advice=advice_on("rejected", receipt.reason) or None, at=receipt.at,
    )  # fmt: skip


def _count(count: Count) -> CountSaid:
    return CountSaid(
        type=count.type, verdict=count.verdict, reason=count.reason, field=count.field, events=count.events,
        last=count.last_at, advice=advice_on(count.verdict, count.reason),
    )  # fmt: skip


def _agreement(agreement: Agreement, today: date) -> AgreementSaid:
    return AgreementSaid(in_force=agreement.in_force(today), agreement=agreement.model_dump(mode="json"))


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _cursor(receipt: Receipt) -> str:
    return urlsafe_b64encode(f"{receipt.at.isoformat()} {receipt.id}".encode()).decode()


def _place(cursor: str) -> tuple[datetime, UUID]:
    try:
        time, _, id = urlsafe_b64decode(cursor).decode().partition(" ")
        return _aware(datetime.fromisoformat(time)), UUID(id)
    except ValueError:
        raise Refusal(400, "Not a cursor", "Send as after what the page before gave as next, unchanged.") from None
