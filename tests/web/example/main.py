"""A queue, a form and an event stream, on shared.web."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import HTMLResponse, Response

from shared.errors import Unavailable
from shared.web import N_, Notice, Viewer, Web, csrf, language, requires, viewer
from shared.web.pages import WebSettings

HERE = Path(__file__).parent
SeenBy = Annotated[Viewer, Depends(viewer)]


@dataclass(frozen=True)
class Alert:
    """What the example shows."""

    id: int
    name: str
    initiative: dict[str, str]
    level: str
    opened: datetime
    reasons: tuple[dict[str, object], ...]


NEET = {"en": "Young people at risk of being NEET", "cy": "Pobl ifanc sydd mewn perygl o fod yn NEET"}
REASONS = (
    {
        "text": {"en": "Missed 14 of the last 20 school days", "cy": "Collodd 14 o'r 20 diwrnod ysgol diwethaf"},
        "weight": 0.46,
    },
    {"text": {"en": "Moved home twice since Easter", "cy": "Symudodd dŷ ddwywaith ers y Pasg"}, "weight": 0.31},
    {"text": {"en": "Has a named mentor", "cy": "Mae ganddo fentor penodol"}, "weight": 0.08, "lowers": True},
)
OPENED = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
ALERTS = (
    Alert(1, "Siân Gruffydd", NEET, "high", OPENED, REASONS),
    Alert(2, "Tomos ap Rhys", NEET, "medium", OPENED, REASONS[:2]),
    Alert(3, "Leah O’Connor", NEET, "low", OPENED, REASONS[1:]),
)


def notices(_: Request) -> list[Notice]:
    """As a service would say it when linkage is away."""
    return [Notice(N_("People search does not answer at present, so names are not shown."))]


def make_app(settings: WebSettings, clock=None) -> FastAPI:  # type: ignore[no-untyped-def]
    """The composition point: settings, web, routes."""
    app = FastAPI(title="Example", version="1.0", openapi_url="/example/openapi.json", docs_url=None, redoc_url=None)
    web = Web("example", settings, HERE, notices, **({"clock": clock} if clock else {}))
    web.mount(app)
    _routes(app, web)
    _failures(app)
    return app


def _routes(app: FastAPI, web: Web) -> None:
    @app.get("/example/", response_class=HTMLResponse)
    async def queue(request: Request, person: SeenBy) -> HTMLResponse:
        """The queue of alerts, as a page."""
        return web.render(request, "queue.html", alerts=ALERTS, opened=OPENED)

    @app.post("/example/acknowledge", dependencies=[Depends(csrf)])
    async def acknowledge(request: Request, person: SeenBy) -> Response:
        """Say that you have seen an alert."""
        name = str((await request.form()).get("name"))
        return web.redirect("/example/", N_("You acknowledged the alert about %(name)s."), name=name)

    @app.get("/example/stream")
    async def stream(request: Request, person: SeenBy) -> Response:
        """New alerts as they arrive."""
        code = language(request).code

        async def arriving() -> AsyncIterator[ServerSentEvent]:
            for number in range(4, 6):
                html = web.fragment(
                    code, "alert.html", alert=Alert(number, f"Nia {number}", NEET, "high", OPENED, REASONS)
                )
                yield ServerSentEvent(html, id=str(number))
            yield ServerSentEvent('<li id="alert-3" data-gone></li>', id="6")
            with suppress(TimeoutError):
                async with asyncio.timeout(web.stream_seconds(request)):
                    await asyncio.Event().wait()

        return EventSourceResponse(arriving())

    @app.get("/example/audit", dependencies=[Depends(requires("auditor"))])
    async def audit() -> dict[str, str]:
        """For auditors only."""
        return {"log": "intact"}


def _failures(app: FastAPI) -> None:
    @app.get("/example/broken")
    async def broken() -> None:
        raise RuntimeError("a bug")

    @app.get("/example/away")
    async def away() -> None:
        raise Unavailable("the database does not answer")

    @app.get("/example/gone")
    async def gone() -> None:
        raise HTTPException(404)
