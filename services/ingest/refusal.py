"""A request refused as a whole, before any of its events was judged (RFC 9457)."""

from dataclasses import dataclass, field

from fastapi import Request
from starlette.responses import Response

from services.ingest import metrics
from shared.web.errors import problem


@dataclass
class Refusal(Exception):
    """``title`` says what was wrong, ``detail`` where, and what to do."""

    status: int
    title: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)


async def refused(_: Request, error: Exception) -> Response:
    """The exception handler."""
    assert isinstance(error, Refusal)
    metrics.REFUSED.labels(str(error.status)).inc()
    return problem(error.status, error.detail, error.title, error.headers)
