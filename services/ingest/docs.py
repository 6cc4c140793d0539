"""What the interface's document (OpenAPI) says about posting events, with examples that can be copied."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.ingest.body import EITHER, MANY, MOST_EVENTS, ONE


class FindingSaid(BaseModel):
    """A field that was dropped or put right; the event was taken in without it, or with it put right."""

    field: str = Field(examples=["data.person.nhs_number"])
    reason: str = Field(examples=["check_digit"])
    advice: str = Field(examples=["The number was dropped: its check digit is wrong, so a digit was mistyped."])


class VerdictSaid(BaseModel):
    """What became of one event. ``first`` is there for a duplicate; reason, field and advice for a rejection."""

    id: str = Field(description="The event's id; empty when it had none.")
    verdict: Literal["accepted", "duplicate", "rejected"]
    first: Literal["accepted", "rejected"] | None = Field(
        None, description="What the duplicate was when it came first."
    )
    reason: str | None = Field(None, description="A stable code.", examples=["time_in_future"])
    field: str | None = Field(None, description="Where in the event.", examples=["time"])
    advice: str | None = Field(None, description="What to do.")
    findings: list[FindingSaid]


class VerdictsSaid(BaseModel):
    """One verdict an event, in the order of the post."""

    events: list[VerdictSaid]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


EXAMPLE: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "hsg-2026-000123",
    "source": "/partners/housing",
    "type": "housing.arrears.v1",
    "time": "2026-03-01T09:30:00Z",
    "data": {
        "person": {
            "id": "T-4711", "given": "Fred", "family": "Smith", "birth_date": "03/04/1990",
            "address": "12 High Street", "town": "Aberwern", "postcode": "SA1 1AA", "phone": "01632 960123",
        },
        "place": {"uprn": "100012345678"},
        "facts": {"role": "tenant", "weeks": 6, "amount": 512.4, "notice": False},
    },
}  # fmt: skip
ANSWER: Mapping[str, Any] = {
    "events": [
        {"id": "hsg-2026-000123", "verdict": "accepted", "findings": []},
        {
            "id": "hsg-2026-000124", "verdict": "rejected", "reason": "time_in_future", "field": "time",
            "advice": "Correct the time or your clock; it may be at most 5 minutes ahead of ours.", "findings": [],
        },
    ]
}  # fmt: skip

DESCRIPTION = f"""One CloudEvent 1.0 (`{ONE}`), or up to {MOST_EVENTS} and 1 MiB (`{MANY}`).

Show your key as `X-API-Key` or `Authorization: Bearer`. Each event gets a verdict; when you have read it, it is kept.
If no answer comes, or 429 or 503, send the same post again: an event is known by its `source` and `id`, and one that
was taken in before is a `duplicate`. A rejected event may be corrected and sent again under its id.

`data` holds what the event is about (`person`, `place`, `organisation`: at least one) and its `facts`, with the fields
that your agreement names (`GET /v1/agreements`). Other fields are dropped, and said so in `findings`.

    curl -H "X-API-Key: $KEY" -H "Content-Type: {ONE}" -d @event.json https://…/v1/events
"""


def _refused(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


POST_EVENTS: dict[str, Any] = {
    "status_code": 202,
    "summary": "Publish events",
    "description": DESCRIPTION,
    "responses": {
        202: {
            "model": VerdictsSaid,
            "description": "Taken in: a verdict for each event, in its order.",
            "content": {"application/json": {"example": ANSWER}},
        },
        400: _refused("Not JSON (the detail says at which line and column), or not an event."),
        401: _refused("No key, or one that is not in use."),
        403: _refused(
            "The event's source is not the key's partner's. In a batch such an event is rejected, the others are taken."
        ),
        413: _refused("Too many events or bytes; the detail says how many are allowed."),
        415: _refused("Not CloudEvents in JSON."),
        429: _refused("Over the agreement's quota: wait as many seconds as Retry-After says."),
        503: _refused("A part of the service is away; nothing is lost: send the same post again."),
    },
    "openapi_extra": {
        "security": [{"key": []}, {"bearer": []}],
        "requestBody": {
            "required": True,
            "content": {
                ONE: {"schema": {"type": "object"}, "example": EXAMPLE},
                MANY: {"schema": {"type": "array", "items": {"type": "object"}, "maxItems": 500}, "example": [EXAMPLE]},
                EITHER: {"schema": {}, "example": EXAMPLE},
            },
        },
    },
}

SECURITY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
