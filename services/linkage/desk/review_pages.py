"""The review desk: pairs whose decision is worth most, two records side by side, and what stewards decided."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from services.linkage.desk import words
from services.linkage.desk.cards import Wording
from services.linkage.desk.deciding import Review
from services.linkage.desk.desk import Desk
from services.linkage.desk.modelling import Modelling
from services.linkage.desk.pages import MISSING, NO_PAIR, SeenBy, Spoken
from services.linkage.desk.reviewing import Case
from services.linkage.desk.viewing import Asker, Reception
from services.linkage.index.changes import Verdict
from services.linkage.purposes.terms import IDENTITY
from shared.web import N_, Language, Viewer, Web, csrf

SHOWN = 10
PAST = 20
VERDICTS: dict[str, Verdict | None] = {"must": "must", "must_not": "must_not", "undo": None}
SAID = {
    "must": N_("You decided that the two records are of one. It holds whatever arrives."),
    "must_not": N_("You decided that the two records are of two. It holds whatever arrives."),
    "undo": N_("The decision is taken back: the evidence decides again."),
}
SPLIT = N_("The record was split off. It will not be joined with the others again.")
ALONE = N_("Nothing was changed: the record is alone already.")
NO_VERDICT = N_("Choose whether they are one or two")
NO_REASON = N_("Say why: whoever comes after you will want to know")
SHORTEST_REASON, LONGEST_REASON = 3, 500

Reason = Annotated[str, Form(max_length=LONGEST_REASON)]


def router(review: Review, modelling: Modelling, desk: Desk, reception: Reception, web: Web) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/linkage/review", include_in_schema=False)
    pages = ReviewPages(review, modelling, desk, reception, web)
    changes = [Depends(csrf)]
    routes.add_api_route("", pages.queue, methods=["GET"])
    routes.add_api_route("/decided", pages.decided, methods=["GET"])
    routes.add_api_route("/models", pages.models, methods=["GET"])
    routes.add_api_route("/blocks", pages.blocks, methods=["GET"])
    routes.add_api_route("/split/{id:uuid}/{record:uuid}", pages.splitting, methods=["GET"])
    routes.add_api_route("/split/{id:uuid}/{record:uuid}", pages.split, methods=["POST"], dependencies=changes)
    routes.add_api_route("/{a:uuid}/{b:uuid}", pages.case, methods=["GET"])
    routes.add_api_route("/{a:uuid}/{b:uuid}", pages.decide, methods=["POST"], dependencies=changes)
    return routes


class ReviewPages:
    """One method a page or form."""

    def __init__(self, review: Review, modelling: Modelling, desk: Desk, reception: Reception, web: Web) -> None:
        self._review, self._modelling, self._desk = review, modelling, desk
        self._reception, self._web = reception, web
        self._wording = Wording(reception)

    async def queue(self, request: Request, person: SeenBy, spoken: Spoken) -> HTMLResponse:
        """What is doubtful, the most valuable decision first."""
        found = await self._review.queue(self._asker(person), SHOWN)
        return self._list(request, found, spoken, "open")

    async def decided(self, request: Request, person: SeenBy, spoken: Spoken) -> HTMLResponse:
        """What was decided last, to look at again or take back."""
        found = await self._review.decided(self._asker(person), PAST)
        return self._list(request, found, spoken, "decided")

    async def models(self, request: Request, person: SeenBy, spoken: Spoken) -> HTMLResponse:
        """Which model weighs, and what one that is being tried would change."""
        found = await self._modelling.outlook(self._asker(person), PAST)
        cards = [(one.fate, self._wording.case(one.case, spoken)) for one in found.sample]
        return self._web.render(
            request, "models.html", models=found.models, differences=found.differences, cards=cards, view="models"
        )

    async def blocks(self, request: Request, person: SeenBy, spoken: Spoken) -> HTMLResponse:
        """Block keys that too many records share, by kind and size."""
        found = await self._review.overflowing(self._asker(person))
        return self._web.render(request, "blocks.html", blocks=[(words.key(one.kind, spoken), one) for one in found])

    async def case(self, request: Request, person: SeenBy, spoken: Spoken, a: UUID, b: UUID) -> HTMLResponse:
        """One pair, and the form to decide about it."""
        return await self._case(request, person, spoken, a, b)

    async def decide(
        self, request: Request, person: SeenBy, spoken: Spoken, a: UUID, b: UUID,
        verdict: Annotated[str, Form()] = "", reason: Reason = "",
    ) -> Response:  # fmt: skip
        """Accept, reject, or take back; on to the next pair."""
        wrong = {} if verdict in VERDICTS else {"verdict": NO_VERDICT}
        if len(reason.strip()) < SHORTEST_REASON:
            wrong["reason"] = NO_REASON
        if wrong:
            return await self._case(request, person, spoken, a, b, wrong=wrong, verdict=verdict, reason=reason)
        try:
            await self._review.decide(self._asker(person), a, b, VERDICTS[verdict], reason.strip())
        except LookupError as error:
            raise HTTPException(404, NO_PAIR) from error
        return self._web.redirect("/linkage/review", SAID[verdict])

    async def splitting(self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, record: UUID) -> HTMLResponse:
        """A record and the entity it would leave."""
        return await self._splitting(request, person, spoken, id, record)

    async def split(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, record: UUID, reason: Reason = ""
    ) -> Response:
        """The record leaves; back to the entity."""
        if len(reason.strip()) < SHORTEST_REASON:
            return await self._splitting(request, person, spoken, id, record, wrong={"reason": NO_REASON})
        try:
            others = await self._review.split(self._asker(person), record, reason.strip())
        except LookupError as error:
            raise HTTPException(404, MISSING) from error
        return self._web.redirect(f"/linkage/entities/{id}", SPLIT if others else ALONE)

    def _asker(self, person: Viewer) -> Asker:
        return self._reception.asker(person, IDENTITY)

    def _list(self, request: Request, found: list[Case], spoken: Language, view: str) -> HTMLResponse:
        cards = [self._wording.case(case, spoken) for case in found]
        return self._web.render(request, "review.html", cards=cards, view=view)

    async def _case(
        self, request: Request, person: Viewer, spoken: Language, a: UUID, b: UUID, *,
        wrong: dict[str, str] | None = None, verdict: str = "", reason: str = "",
    ) -> HTMLResponse:  # fmt: skip
        case = await self._review.case(self._asker(person), a, b)
        if case is None:
            raise HTTPException(404, NO_PAIR)
        return self._web.render(
            request, "case.html", 422 if wrong else 200, case=self._wording.case(case, spoken), verdict=verdict,
            asked=words.QUESTIONS[case.left.kind], reason=reason, **wrong_in(wrong, spoken),
        )  # fmt: skip

    async def _splitting(
        self, request: Request, person: Viewer, spoken: Language, id: UUID, record: UUID, *,
        wrong: dict[str, str] | None = None,
    ) -> HTMLResponse:  # fmt: skip
        await self._review.admit(self._asker(person), "split")
        shown = await self._desk.entity(self._asker(person), id, "split")
        if shown is None or record not in {one.id for one in shown.records}:
            raise HTTPException(404, MISSING)
        leaving = self._wording.entity(shown.only([record]), spoken)
        return self._web.render(
            request, "split.html", 422 if wrong else 200, card=self._wording.entity(shown, spoken), leaving=leaving,
            record=record, **wrong_in(wrong, spoken),
        )  # fmt: skip


def wrong_in(wrong: dict[str, str] | None, spoken: Language) -> dict[str, Any]:
    """What is wrong with a form, field by field, as a page is given it."""
    said = {field: spoken.gettext(sentence) for field, sentence in (wrong or {}).items()}
    return {"wrong": said, "errors": [(sentence, f"#{field}") for field, sentence in said.items()]}
