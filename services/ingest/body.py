"""The events in a request: media type, size, JSON."""

from typing import Any

import orjson
from fastapi import Request

from services.ingest.refusal import Refusal

ONE, MANY, EITHER = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
MOST_EVENTS = 500
MOST_BYTES = 1024 * 1024


async def events_in(request: Request) -> tuple[list[Any], bool]:
    """The events as JSON values, not yet looked at, and whether it is one that came alone.

    Raises ``Refusal`` (415, 413 or 400).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (ONE, MANY, EITHER):
        raise Refusal(
            415, "Not CloudEvents in JSON",
            f"Content-Type is {media_type[:80] or 'missing'!r}: send one event as {ONE} or"
            f" up to {MOST_EVENTS} as {MANY}.",
        )  # fmt: skip
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "Compressed body", "Send the JSON as it is, without Content-Encoding.")
    parsed = _parsed(await _read(request))
    if media_type != ONE and isinstance(parsed, list):
        if len(parsed) > MOST_EVENTS:
            raise Refusal(
                413, "Too many events",
                f"The post has {len(parsed)} events and may have {MOST_EVENTS}: send it in"
                f" {-(-len(parsed) // MOST_EVENTS)} parts.",
            )  # fmt: skip
        return parsed, False
    if media_type == MANY or not isinstance(parsed, dict):
        wanted = {ONE: "one event, a JSON object", MANY: "a JSON array of events"}.get(media_type, "an object or array")
        raise Refusal(400, "Not an event", f"A body of type {media_type} is {wanted}; this one is {_named(parsed)}.")
    return [parsed], True


async def _read(request: Request) -> bytes:
    """At most ``MOST_BYTES``, whatever Content-Length says."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BYTES:
        raise _too_large(int(announced))
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise _too_large(size)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(size: int) -> Refusal:
    return Refusal(
        413, "Too large",
        f"The post has {size} bytes or more and may have {MOST_BYTES}: send fewer events at once.",
        {"Connection": "close"},
    )  # fmt: skip


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(
            400, "Not JSON", f"Line {error.lineno}, column {error.colno} (character {error.pos}): {error.msg}."
        ) from None


def _named(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
