"""``POST /v1/events``: where partners' events come in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.body import events_in
from services.ingest.docs import POST_EVENTS
from services.ingest.domain import Rules, judge
from services.ingest.door import Door, trace_of
from services.ingest.intake import Intake
from services.ingest.reasons import FINDINGS, REJECTIONS
from services.ingest.refusal import Refusal
from services.ingest.verdicts import Post, Verdict
from shared.normal import Finding


def router(
    door: Door, intake: Intake, rules: Rules, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> APIRouter:
    """The routes; ``clock`` gives aware times."""
    routes = APIRouter(tags=["Events"])

    @routes.post("/v1/events", **POST_EVENTS)
    async def publish(request: Request) -> Response:
        sender = await door.sender(request)
        events, alone = await events_in(request)
        await door.admit(sender, len(events))
        now = clock()
        judgements = [judge(event, sender, rules, now) for event in events]
        verdicts = await intake.take(Post(sender.partner, judgements, trace_of(request)))
        if alone and verdicts[0].reason == "foreign_source":
            raise Refusal(403, "Not your source", f"Your key may publish as {' or '.join(sorted(sender.sources))}.")
        return Response(answer(verdicts), 202, media_type="application/json")

    return routes


def answer(verdicts: Sequence[Verdict]) -> bytes:
    """``{"events": [a verdict for each event, in its order]}``."""
    return orjson.dumps({"events": [_said(verdict) for verdict in verdicts]})


def _said(verdict: Verdict) -> Mapping[str, Any]:
    said: dict[str, Any] = {"id": verdict.id, "verdict": verdict.verdict}
    if verdict.first:
        said["first"] = verdict.first
    if verdict.reason:
        said |= {"reason": verdict.reason, "field": verdict.field, "advice": REJECTIONS[verdict.reason]}
    said["findings"] = [_finding(finding) for finding in verdict.findings]
    return said


def _finding(finding: Finding) -> Mapping[str, str]:
    return {"field": finding.field, "reason": finding.reason, "advice": FINDINGS[finding.reason]}
