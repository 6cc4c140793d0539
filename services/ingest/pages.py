"""Pages about partners: what they may publish, what they send, what is wrong with it, their keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.ingest.keys import KEEPER, issue_key, revoke_key
from services.ingest.reports import advice_on
from services.ingest.store import Count, Heard, IngestStore, Key
from shared.access import Agreement, Agreements
from shared.web import N_, Refused, Viewer, Web, csrf, requires
from shared.work import Worker

KEEPERS = (KEEPER,)
READERS = (*KEEPERS, "supervisor", "steward", "analyst", "auditor")
DAYS = 7
SOON = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agreement stands today: a word and a colour of the design system."""

    word: str
    colour: str


def standing(agreement: Agreement, today: date) -> Standing:
    """Ended, due for review, review soon, or in force."""
    if not agreement.in_force(today):
        return Standing(N_("Ended"), "red")
    if agreement.review_date < today:
        return Standing(N_("Review overdue"), "orange")
    if agreement.review_date < today + SOON:
        return Standing(N_("Review soon"), "yellow")
    return Standing(N_("In force"), "green")


@dataclass(frozen=True, slots=True)
class Problem:
    """A count with what to do about it."""

    count: Count
    advice: str


class Pages:
    """``clock`` gives aware times."""

    def __init__(
        self, worker: Worker[IngestStore], web: Web, agreements: Agreements,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._worker, self._web, self._agreements, self._clock = worker, web, agreements, clock

    async def partners(
        self, request: Request, person: Annotated[Viewer, Depends(requires(*READERS, "partner"))]
    ) -> Response:
        """Every partner; a partner's own people go straight to their page."""
        if person.role == "partner":
            return RedirectResponse(f"/ingest/partners/{person.team}", 303)
        now = self._clock()
        agreements = sorted(self._agreements.by_name.values(), key=lambda a: a.partner.name)
        names = [agreement.partner.name for agreement in agreements]
        async with self._worker.work() as work:
            heard = await work.store.overview(sorted(set(names)), _since(now))
        rows = [
            (agreement, standing(agreement, now.date()), heard.get(agreement.partner.name, _silent(agreement)))
            for agreement in agreements
        ]
        return self._web.render(request, "partners.html", rows=rows, days=DAYS)

    async def partner(
        self, request: Request, name: str, person: Annotated[Viewer, Depends(requires(*READERS, "partner"))]
    ) -> HTMLResponse:
        """One partner's agreements, counts, problems and keys."""
        if person.role == "partner" and person.team != name:
            raise Refused(N_("You can see your own organisation's page only."))
        return await self._partner(request, name, person, "")

    async def issue(
        self, request: Request, name: str, person: Annotated[Viewer, Depends(requires(*KEEPERS))]
    ) -> HTMLResponse:
        """A new key, on the page that answers and nowhere else."""
        if not self._agreements.of_partner(name):
            raise HTTPException(404)
        return await self._partner(request, name, person, await issue_key(self._worker, name, person.subject))

    async def revoke(
        self, name: str, key: Annotated[UUID, Form()], person: Annotated[Viewer, Depends(requires(*KEEPERS))]
    ) -> Response:
        """End a key of this partner."""
        if not await revoke_key(self._worker, name, key, person.subject):
            raise HTTPException(404)
        return self._web.redirect(
            f"/ingest/partners/{name}", N_("The key is revoked. It stops working within seconds.")
        )

    async def _partner(self, request: Request, name: str, person: Viewer, new_key: str) -> HTMLResponse:
        agreements = self._agreements.of_partner(name)
        if not agreements:
            raise HTTPException(404)
        now = self._clock()
        async with self._worker.work() as work:
            heard = (await work.store.overview([name], _since(now)))[name]
            counts = await work.store.counted(name, _since(now))
            keys: list[Key] = await work.store.keys_of(name) if person.role in KEEPERS else []
        return self._web.render(
            request, "partner.html", name=name, heard=heard, keys=keys, new_key=new_key, days=DAYS,
            agreements=[(agreement, standing(agreement, now.date())) for agreement in agreements],
            rejected=_problems(counts, "rejected"), findings=_problems(counts, "finding"),
            keeper=person.role in KEEPERS,
        )  # fmt: skip


def router(worker: Worker[IngestStore], web: Web, agreements: Agreements) -> APIRouter:
    """The routes of the pages."""
    pages = Pages(worker, web, agreements)
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/ingest/", pages.partners, methods=["GET"])
    routes.add_api_route("/ingest/partners/{name}", pages.partner, methods=["GET"])
    for verb in (pages.issue, pages.revoke):
        path = f"/ingest/partners/{{name}}/{verb.__name__}"
        routes.add_api_route(path, verb, methods=["POST"], dependencies=[Depends(csrf)])
    return routes


def _since(now: datetime) -> date:
    return now.date() - timedelta(days=DAYS - 1)


def _silent(agreement: Agreement) -> Heard:
    return Heard(agreement.partner.name, None, 0, 0, 0)


def _problems(counts: list[Count], verdict: str) -> list[Problem]:
    return [Problem(count, advice_on(verdict, count.reason)) for count in counts if count.verdict == verdict]
