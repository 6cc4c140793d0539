"""The page on which a person, or some of their records, are erased. It works without JavaScript."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from services.linkage.desk import words
from services.linkage.desk.cards import Wording
from services.linkage.desk.desk import Desk
from services.linkage.desk.pages import MISSING, SeenBy, Spoken
from services.linkage.desk.review_pages import LONGEST_REASON, SHORTEST_REASON, wrong_in
from services.linkage.desk.showing import Shown
from services.linkage.desk.viewing import Asker, Reception
from services.linkage.purposes.erasing import Erasing
from services.linkage.purposes.erasure import GROUNDS
from services.linkage.purposes.terms import IDENTITY
from shared.web import N_, Language, Viewer, Web, csrf

NO_GROUND = N_("Choose on which ground")
NO_RECORDS = N_("Choose at least one record")
NO_REASON = N_("Say why, without naming anybody")
ERASED = N_("Erased. What arrives of these records later is dropped, as far as the ground asks it.")


def router(erasing: Erasing, desk: Desk, reception: Reception, web: Web) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/linkage/erase", include_in_schema=False)
    pages = ErasingPages(erasing, desk, reception, web)
    routes.add_api_route("/{id:uuid}", pages.asking, methods=["GET"])
    routes.add_api_route("/{id:uuid}", pages.erase, methods=["POST"], dependencies=[Depends(csrf)])
    return routes


class ErasingPages:
    """One method a page or form."""

    def __init__(self, erasing: Erasing, desk: Desk, reception: Reception, web: Web) -> None:
        self._erasing, self._desk, self._reception, self._web = erasing, desk, reception, web
        self._wording = Wording(reception)

    async def asking(self, request: Request, person: SeenBy, spoken: Spoken, id: UUID) -> HTMLResponse:
        """The form, with all records chosen."""
        _, shown = await self._looked_at(person, id)
        return self._page(request, spoken, shown, chosen={record.id for record in shown.records})

    async def erase(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID,
        records: Annotated[list[UUID] | None, Form()] = None, ground: Annotated[str, Form()] = "",
        reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    ) -> Response:  # fmt: skip
        """They are erased; back to people search, for there may be nobody left to show."""
        asker, shown = await self._looked_at(person, id)
        chosen = set(records or ()) & {record.id for record in shown.records}
        wrong = {} if chosen else {"records": NO_RECORDS}
        wrong |= {} if ground in GROUNDS else {"ground": NO_GROUND}
        wrong |= {} if len(reason.strip()) >= SHORTEST_REASON else {"reason": NO_REASON}
        if wrong:
            return self._page(request, spoken, shown, chosen=chosen, ground=ground, reason=reason, wrong=wrong)
        await self._erasing.erase(asker, [], chosen, ground, reason.strip())
        return self._web.redirect("/linkage/", ERASED)

    async def _looked_at(self, person: Viewer, id: UUID) -> tuple[Asker, Shown]:
        asker = self._reception.asker(person, IDENTITY)
        await self._erasing.admit(asker)
        shown = await self._desk.entity(asker, id, "erase")
        if shown is None:
            raise HTTPException(404, MISSING)
        return asker, shown

    def _page(
        self, request: Request, spoken: Language, shown: Shown, *, chosen: set[UUID], ground: str = "",
        reason: str = "", wrong: dict[str, str] | None = None,
    ) -> HTMLResponse:  # fmt: skip
        grounds = [(name, words.ground(name, spoken), one.article) for name, one in GROUNDS.items()]
        return self._web.render(
            request, "erase.html", 422 if wrong else 200, card=self._wording.entity(shown, spoken), chosen=chosen,
            grounds=grounds, ground=ground, reason=reason, **wrong_in(wrong, spoken),
        )  # fmt: skip
