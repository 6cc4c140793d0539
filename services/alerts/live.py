"""``/alerts/stream``: new alerts on an open queue page, as server-sent events (WHATWG HTML, §9.2).

Each event is one element of the list and has the feed's number as its id, so that a page that was away asks for what
it missed (``Last-Event-ID``). The stream ends with the session; the page then asks again, and is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from secrets import token_hex
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.alerts import metrics
from services.alerts.domain import LIVE
from services.alerts.feed import Feed
from services.alerts.names import Names, Person
from services.alerts.pages import Desktop
from services.alerts.showing import Scope
from services.alerts.views import Entry, Seen
from shared.errors import Unavailable
from shared.web import Language, Viewer, language, viewer
from shared.web.csrf import token_of
from shared.web.session import Session

HEARTBEAT = 15
DIGITS = 18
"""No feed reaches a number with more."""
GRACE = 1
RETRY_MS = 2000
AT_ONCE = 50
RENDERED = 500
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
        self._rendered: dict[Look, str] = {}
        self._token = token_hex(32)

    async def stream(
        self,
        request: Request,
        person: Annotated[Viewer, Depends(viewer)],
        spoken: Annotated[Language, Depends(language)],
        last_event_id: Annotated[str, Header()] = "",
        after: Annotated[str, Query()] = "",
    ) -> Response:
        """From ``Last-Event-ID``, else from the number the page was rendered at, else from now."""
        scope = await self._showing.scope(person)
        seen = next((int(text[:DIGITS]) for text in (last_event_id, after) if text.isdecimal()), self._feed.seq)
        token = token_of(self._web.keys, request.state.session)
        leaving = anyio.Event()
        told = self._events(request.state.session, scope, spoken, token, seen)
        events = self._until(leaving, self._web.stream_seconds(request), told)
        return EventSourceResponse(
            events, ping=HEARTBEAT, sep="\n", shutdown_event=leaving, shutdown_grace_period=GRACE
        )

    async def _until(
        self, leaving: anyio.Event, seconds: float, events: AsyncIterator[ServerSentEvent]
    ) -> AsyncIterator[ServerSentEvent]:
        """The events until the session ends, the service leaves, or a part is away: the page asks again, and goes on
        from where it was."""
        metrics.PAGES.inc()
        try:
            with suppress(TimeoutError, Unavailable):
                async with asyncio.timeout(seconds) as limit:
                    watch = asyncio.create_task(_end(limit, leaving))
                    yield ServerSentEvent(comment="beginning", retry=RETRY_MS)
                    async for event in events:
                        yield event
        finally:
            watch.cancel()
            metrics.PAGES.dec()

    async def _events(
        self, session: Session, scope: Scope, spoken: Language, token: str, seen: int
    ) -> AsyncIterator[ServerSentEvent]:
        """A few at once; the rest is read anew after them, as it is then. Nothing once somebody is signed out."""
        while True:
            await self._feed.grown(seen)
            if self._web.ended.is_over(session):
                return
            last = self._feed.seq
            entries = await self._feed.entries(seen, scope.team, TOO_MANY)
            if entries is None or len(entries) == TOO_MANY:
                seen = last
                yield ServerSentEvent(self._web.fragment(spoken.code, "reload.html"), id=str(seen))
                continue
            newest = newest_of(entries)
            for event in await self._told(scope, spoken, token, newest[:AT_ONCE]):
                yield event
            seen = newest[AT_ONCE - 1].seq if len(newest) > AT_ONCE else max([last, *(e.seq for e in newest[-1:])])

    async def _told(
        self, scope: Scope, spoken: Language, token: str, entries: Sequence[Entry]
    ) -> list[ServerSentEvent]:
        """The elements for some entries, once it is written down that they are shown: of an alert that has ended, or
        is not for this page any more, only that it goes."""
        known = [entry for entry in entries if entry.alert.initiative in scope.features]
        shown = [entry.alert for entry in known if entry.alert.state in LIVE and scope.holds(entry.alert)]
        names = await self._linkage.names(shown, scope.viewer)
        if shown:
            await self._showing.shown(scope, shown, "stream")
        now = datetime.now(UTC)
        events = []
        for entry in known:
            person, features = names.of(entry.alert), scope.features[entry.alert.initiative]
            shows = entry.alert in shown
            look = Look(entry.seq, shows, person, features, names.away, spoken.code, scope.team is None)
            html = self._html(look, scope.seen(entry.alert), entry.change, names, spoken, now.date())
            events.append(ServerSentEvent(html.replace(self._token, token), id=str(entry.seq)))
            metrics.SEEN.observe((now - entry.at).total_seconds())
        return events

    def _html(self, look: "Look", seen: Seen, change: str, names: Names, spoken: Language, today: date) -> str:
        """Rendered once for all pages to which it looks the same, with our own token in place of each page's."""
        if look not in self._rendered:
            if len(self._rendered) >= RENDERED:
                self._rendered.clear()
            card = self._wording.card(seen, look.person, spoken, today)
            self._rendered[look] = self._web.fragment(
                spoken.code, "card.html", card=card, csrf_token=self._token, change=change, names=names,
                gone=not look.shown, all_teams=look.all_teams,
            )  # fmt: skip
        return self._rendered[look]


def newest_of(entries: Sequence[Entry]) -> list[Entry]:
    """Each alert once, by the last that is said of it: what came before may name somebody who has left the team, or was
    erased. ``entries`` are all that a page has not seen, in their order, and not a part of them."""
    newest = {entry.alert.id: entry for entry in entries}
    return sorted(newest.values(), key=lambda entry: entry.seq)


async def _end(limit: asyncio.Timeout, leaving: anyio.Event) -> None:
    await leaving.wait()
    limit.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Look:
    """All that makes one page's element of an entry differ from another's."""

    seq: int
    shown: bool
    person: Person
    features: frozenset[str]
    names_away: bool
    language: str
    all_teams: bool
