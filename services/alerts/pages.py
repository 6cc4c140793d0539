"""The queue, a case, and what people do on them. All works without JavaScript; with it, the queue grows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from services.alerts.cards import OUTCOMES, Wording, team_name, who
from services.alerts.casework import LONGEST_NOTE, Casework, Impossible, Unknown
from services.alerts.domain import Alert, Outcome
from services.alerts.names import Linkage, Names
from services.alerts.overrides import LONGEST_REASON
from services.alerts.overriding import Overriding
from services.alerts.showing import Elsewhere, Showing
from services.alerts.store import AlertStore
from shared.contracts.alerts import State
from shared.web import N_, Language, Viewer, Web, csrf, language, viewer
from shared.work import Worker

PAGE = 20
ENDED = (State.CLOSED, State.LAPSED)
VIEWS = {
    "open": (N_("New"), (State.OPEN,)),
    "acknowledged": (N_("Being looked into"), (State.ACKNOWLEDGED,)),
    "ended": (N_("Ended"), ENDED),
}
MISSING = N_("There is no such alert. If you followed a link, it may be incomplete.")
TAKEN_ON = N_("You have taken on the alert about %(who)s.")
CLOSED = N_("You have closed the alert about %(who)s.")
TOO_LATE = N_("Nothing was changed: somebody else has changed this alert meanwhile. This is how it is now.")
NO_OUTCOME = N_("Say how it ended before you close the alert")

SeenBy = Annotated[Viewer, Depends(viewer)]
Spoken = Annotated[Language, Depends(language)]
Note = Annotated[str, Form(max_length=LONGEST_NOTE)]


@dataclass(frozen=True)
class Desktop:
    """What the pages are made with."""

    worker: Worker[AlertStore]
    web: Web
    casework: Casework
    overriding: Overriding
    showing: Showing
    linkage: Linkage
    wording: Wording


def router(made_with: Desktop) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/alerts", include_in_schema=False)
    pages = Pages(made_with)
    routes.add_api_route("/", pages.queue, methods=["GET"])
    routes.add_api_route("/{id:uuid}", pages.case, methods=["GET"])
    changes = [Depends(csrf)]
    routes.add_api_route("/{id:uuid}/acknowledge", pages.acknowledge, methods=["POST"], dependencies=changes)
    routes.add_api_route("/{id:uuid}/close", pages.close, methods=["POST"], dependencies=changes)
    return routes


def elsewhere(
    web: Web, request: Request, id: UUID, team: str, lasts: timedelta, *, wrong: str = "", reason: str = ""
) -> HTMLResponse:
    """In place of another team's alert: whose it is, nothing of the person, and the form that opens it."""
    return web.render(
        request, "elsewhere.html", status=422 if wrong else 403, id=id, team=team_name(team), wrong=wrong,
        minutes=max(1, round(lasts.total_seconds() / 60)), reason=reason[:LONGEST_REASON], longest=LONGEST_REASON,
    )  # fmt: skip


class Pages:
    """One method a page or form."""

    def __init__(self, made_with: Desktop) -> None:
        self._worker, self._web, self._casework = made_with.worker, made_with.web, made_with.casework
        self._showing, self._linkage, self._wording = made_with.showing, made_with.linkage, made_with.wording
        self._overriding = made_with.overriding

    async def queue(
        self,
        request: Request,
        person: SeenBy,
        spoken: Spoken,
        state: str = "open",
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """A team's alerts in a state, the most urgent first."""
        scope = await self._showing.scope(person)
        view = state if state in VIEWS else "open"
        async with self._worker.work() as work:
            seq = await work.store.newest()
            alerts = await work.store.queue(scope.team, VIEWS[view][1], scope.features, PAGE, (page - 1) * PAGE)
            counts = await work.store.counts(scope.team, scope.features)
            opened = await work.store.unreviewed() if scope.team is None else None
        names = await self._linkage.names(alerts, person)
        await self._showing.shown(scope, alerts, "queue")
        numbers = {name: sum(counts.get(state, 0) for state in states) for name, (_, states) in VIEWS.items()}
        today = datetime.now(UTC).date()
        cards = [self._wording.card(scope.seen(alert), names.of(alert), spoken, today) for alert in alerts]
        return self._web.render(
            request, "queue.html", cards=cards,
            names=names, seq=seq, view=view, views={name: title for name, (title, _) in VIEWS.items()},
            numbers=numbers, page=page, pages=max(1, -(-numbers[view] // PAGE)), all_teams=scope.team is None,
            team=team_name(person.team), opened=opened.number if opened else 0,
        )  # fmt: skip

    async def case(self, request: Request, person: SeenBy, spoken: Spoken, id: UUID) -> HTMLResponse:
        """One alert: who, why, what happened, what to do."""
        return await self._case(request, person, spoken, id)

    async def acknowledge(
        self,
        request: Request,
        person: SeenBy,
        spoken: Spoken,
        id: UUID,
        note: Note = "",
        back: Annotated[str, Form()] = "",
    ) -> Response:
        """Take the alert on; back to the queue, or to the case."""
        try:
            taken = await self._casework.acknowledge(person, id, note.strip())
        except Unknown as error:
            raise HTTPException(404, MISSING) from error
        except Impossible:
            return await self._case(request, person, spoken, id, wrong=TOO_LATE, status=409)
        back_to = "/alerts/" if back == "queue" else f"/alerts/{id}"
        return self._web.redirect(back_to, TAKEN_ON, who=await self._who(taken, person, spoken))

    async def close(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, outcome: Annotated[str, Form()] = "",
        note: Note = "",
    ) -> Response:  # fmt: skip
        """Say how it ended; back to the queue."""
        if outcome not in {*Outcome}:
            return await self._case(
                request, person, spoken, id, wrong=NO_OUTCOME, field="outcome", note=note, status=422
            )
        try:
            closed = await self._casework.close(person, id, Outcome(outcome), note.strip())
        except Unknown as error:
            raise HTTPException(404, MISSING) from error
        except Impossible:
            return await self._case(request, person, spoken, id, wrong=TOO_LATE, status=409)
        return self._web.redirect("/alerts/", CLOSED, who=await self._who(closed, person, spoken))

    async def _case(
        self, request: Request, person: Viewer, spoken: Language, id: UUID, *, wrong: str = "", field: str = "",
        note: str = "", status: int = 200,
    ) -> HTMLResponse:  # fmt: skip
        try:
            seen, past, others = await self._casework.look(person, id)
        except Unknown as error:
            raise HTTPException(404, MISSING) from error
        except Elsewhere as error:
            return elsewhere(self._web, request, id, error.team, self._overriding.lasts)
        alert, today = seen.alert, datetime.now(UTC).date()
        names: Names = await self._linkage.names([alert], person)
        return self._web.render(
            request, "case.html", status=status, card=self._wording.card(seen, names.of(alert), spoken, today),
            others=[self._wording.card(other, names.of(other.alert), spoken, today) for other in others], names=names,
            timeline=self._wording.timeline(past, spoken), outcomes=OUTCOMES, wrong=wrong, field=field, note=note,
            purpose=self._wording.title(alert.initiative, spoken), mine=alert.keeper == person.subject,
            override=seen.override,
        )  # fmt: skip

    async def _who(self, alert: Alert, person: Viewer, spoken: Language) -> str:
        names = await self._linkage.names([alert], person)
        return who(alert, names.of(alert), spoken)
