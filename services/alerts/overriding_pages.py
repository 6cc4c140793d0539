"""The form that opens another team's case in an emergency, and the page on which supervisors review what was opened.
Both work without JavaScript."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from services.alerts.cards import OpeningCard, Wording
from services.alerts.casework import Unknown
from services.alerts.names import Linkage, Names
from services.alerts.overrides import LONGEST_REASON, Fault, Reviewed, Unworded, Verdict
from services.alerts.overriding import Needless, Overriding
from services.alerts.pages import MISSING, SeenBy, Spoken, elsewhere
from services.alerts.views import Opening
from shared.web import N_, Language, Viewer, Web, csrf

PAGE = 20
NOTHING_OPENED = N_("There is nothing to review at this address. If you followed a link, it may be incomplete.")
REASONS = {
    Fault.SHORT: N_("Say why you need to see this case now"),
    Fault.LONG: N_("Say it in at most 500 characters"),
    Fault.SAME: N_("You opened this case with these words before. Say why you need to see it again"),
}
NOTES = {Fault.SHORT: N_("Say what you found before you choose"), Fault.LONG: REASONS[Fault.LONG]}
NO_VERDICT = N_("Choose one of the two verdicts")
REVIEWED = N_("Your verdict has been kept.")
TOO_LATE = N_("Nothing was changed: there is a verdict already. This is how it is now.")

Words = Annotated[str, Form()]


def router(overriding: Overriding, linkage: Linkage, wording: Wording, web: Web) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/alerts", include_in_schema=False)
    pages, changes = OverridingPages(overriding, linkage, wording, web), [Depends(csrf)]
    routes.add_api_route("/{id:uuid}/override", pages.open, methods=["POST"], dependencies=changes)
    routes.add_api_route("/overrides", pages.overrides, methods=["GET"])
    routes.add_api_route("/overrides/{id:uuid}/review", pages.review, methods=["POST"], dependencies=changes)
    return routes


class OverridingPages:
    """One method a page or form."""

    def __init__(self, overriding: Overriding, linkage: Linkage, wording: Wording, web: Web) -> None:
        self._overriding, self._linkage, self._wording, self._web = overriding, linkage, wording, web

    async def open(self, request: Request, person: SeenBy, id: UUID, reason: Words = "") -> Response:
        """Open another team's case; on to the case."""
        try:
            await self._overriding.open(person, id, reason)
        except Unknown as error:
            raise HTTPException(404, MISSING) from error
        except Unworded as error:
            lasts, wrong = self._overriding.lasts, REASONS[error.fault]
            return elsewhere(self._web, request, id, error.team, lasts, wrong=wrong, reason=reason)
        except Needless:
            pass
        return self._web.redirect(f"/alerts/{id}")

    async def overrides(
        self, request: Request, person: SeenBy, spoken: Spoken, page: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> HTMLResponse:
        """What waits for a verdict, the oldest first, and below it what has one."""
        return await self._overrides(request, person, spoken, page)

    async def review(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, verdict: Words = "", note: Words = ""
    ) -> Response:
        """Keep a verdict; back to what waits."""
        if verdict not in {*Verdict}:
            return await self._overrides(request, person, spoken, wrong=NO_VERDICT, at=id, note=note, status=422)
        try:
            await self._overriding.review(person, id, Verdict(verdict), note)
        except Unknown as error:
            raise HTTPException(404, NOTHING_OPENED) from error
        except Unworded as error:
            wrong = NOTES[error.fault]
            return await self._overrides(request, person, spoken, wrong=wrong, at=id, note=note, status=422)
        except Reviewed:
            return await self._overrides(request, person, spoken, wrong=TOO_LATE, status=409)
        return self._web.redirect("/alerts/overrides", REVIEWED)

    async def _overrides(
        self, request: Request, person: Viewer, spoken: Language, page: int = 1, *, wrong: str = "",
        at: UUID | None = None, note: str = "", status: int = 200,
    ) -> HTMLResponse:  # fmt: skip
        """The page; ``wrong`` in the form of the override ``at``, whose ``note`` is shown again."""
        listed = await self._overriding.listed(person, (PAGE, 0), (PAGE, (page - 1) * PAGE))
        waiting, reviewed = listed.waiting.openings, listed.reviewed.openings
        names = await self._linkage.names([one.alert for one in (*waiting, *reviewed)], person)
        return self._web.render(
            request, "overrides.html", status=status, waiting=self._cards(waiting, names, spoken),
            reviewed=self._cards(reviewed, names, spoken), number=listed.unreviewed.number, names=names,
            page=page, pages=page + listed.reviewed.more, wrong=wrong, at=at, note=note[:LONGEST_REASON],
            longest=LONGEST_REASON,
        )  # fmt: skip

    def _cards(self, openings: Sequence[Opening], names: Names, spoken: Language) -> list[OpeningCard]:
        now = datetime.now(UTC)
        return [self._wording.opening(one, names.of(one.alert), spoken, now) for one in openings]
