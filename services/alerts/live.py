"""``/alerts/stream``: new alerts on an open queue page, as server-sent events (WHATWG HTML, §9.2).

Each event is one element of the list and has the feed's number as its id, so that a page that was away asks for what
it missed (``Last-Event-ID``). The stream ends with the session; the page then asks again, and is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.alerts.domain import LIVE
from services.alerts.feed import Feed
from services.alerts.metrics import PAGES, SEEN
from services.alerts.pages import Desktop
from services.alerts.showing import reads_alerts, team_of
from services.alerts.views import Entry
from shared.errors import Unavailable
from shared.telemetry import log
from shared.web import Language, Viewer, language, viewer
from shared.web.csrf import token_of

HEARTBEAT = 15
AT_ONCE = 50
TOO_MANY = 500
"""Who has missed so many changes is asked to reload instead: nobody reads a page that grew by five hundred."""


def router(made_with: Desktop, feed: Feed) -> APIRouter:
    """The one route."""
    routes = APIRouter(prefix="/alerts", include_in_schema=False)
    streams = Streams(made_with, feed)
    routes.add_api_route("/stream", streams.stream, methods=["GET"])
    return routes


class Streams:
    """Streams of one process; all read one ``Feed``."""

    def __init__(self, made_with: Desktop, feed: Feed) -> None:
        self._web, self._showing, self._feed = made_with.web, made_with.showing, feed
        self._linkage, self._wording = made_with.linkage, made_with.wording

    async def stream(
        self,
        request: Request,
        person: Annotated[Viewer, Depends(viewer)],
        spoken: Annotated[Language, Depends(language)],
        last_event_id: Annotated[str, Header()] = "",
        after: Annotated[str, Query()] = "",
    ) -> Response:
        """From ``Last-Event-ID``, else from the number the page was rendered at, else from now."""
        if not reads_alerts(person):
            await self._showing.refuse(person, None)
        seen = next((int(text) for text in (last_event_id, after) if text.isdecimal()), self._feed.seq)
        token = token_of(self._web.keys, request.state.session)
        ends = asyncio.get_running_loop().time() + self._web.stream_seconds(request)
        return EventSourceResponse(self._events(person, spoken, token, seen, ends), ping=HEARTBEAT, sep="\n")

    async def _events(
        self, person: Viewer, spoken: Language, token: str, seen: int, ends: float
    ) -> AsyncIterator[ServerSentEvent]:
        PAGES.inc()
        try:
            yield ServerSentEvent(comment="from " + str(seen), retry=2000)
            with suppress(TimeoutError, Unavailable):  # the page asks again, from where it was
                async with asyncio.timeout_at(ends):
                    while True:
                        await self._feed.grown(seen)
                        before, seen = seen, self._feed.seq
                        entries = await self._feed.entries(before, team_of(person), TOO_MANY)
                        if entries is None or len(entries) == TOO_MANY:
                            yield ServerSentEvent(self._web.fragment(spoken.code, "reload.html"), id=str(seen))
                            continue
                        for start in range(0, len(entries), AT_ONCE):
                            for event in await self._told(person, spoken, token, entries[start : start + AT_ONCE]):
                                yield event
                        seen = max([seen, *(entry.seq for entry in entries[-1:])])
        finally:
            PAGES.dec()

    async def _told(
        self, person: Viewer, spoken: Language, token: str, entries: Sequence[Entry]
    ) -> list[ServerSentEvent]:
        """The elements for some entries, each alert once, once it is written down that they are shown."""
        newest = {entry.alert.id: entry for entry in entries}
        shown = [entry.alert for entry in newest.values() if entry.change != "left" and entry.alert.state in LIVE]
        names = await self._linkage.names(shown, person)
        if shown:
            await self._showing.shown(person, shown, "stream")
        now = datetime.now(UTC)
        events = []
        for entry in sorted(newest.values(), key=lambda entry: entry.seq):
            card = self._wording.card(entry.alert, names.of(entry.alert), spoken, now.date())
            html = self._web.fragment(
                spoken.code, "card.html", card=card, csrf_token=token, change=entry.change, names=names,
                gone=entry.alert not in shown, all_teams=team_of(person) is None,
            )  # fmt: skip
            events.append(ServerSentEvent(html, id=str(entry.seq)))
            SEEN.observe((now - entry.alert.changed_at).total_seconds())
        log().debug("stream.told", events=len(events))
        return events
