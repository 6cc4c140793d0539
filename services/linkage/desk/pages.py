"""Search, an entity with where each value comes from, and why records are one. All works without JavaScript."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from services.linkage.desk import words
from services.linkage.desk.cards import Wording
from services.linkage.desk.desk import Desk
from services.linkage.desk.reasoning import Reasoned, Reasons
from services.linkage.desk.viewing import Asker, Reception
from services.linkage.desk.words import FIELDS
from shared.contracts import Kind
from shared.normal import normalise
from shared.web import N_, Language, Viewer, Web, csrf, language, viewer

USE = "linkage search"
MINUTES = 60
"""How long an address of a search leads to it."""
MOST_COLUMNS = 100
"""Records side by side on an entity's page."""
SEARCHED: Mapping[Kind, Sequence[str]] = {
    Kind.PERSON: (
        "name", "birth_date", "postcode", "address", "phone", "email", "nhs_number", "nino", "reference", "vehicle",
    ),
    Kind.PLACE: ("address", "town", "postcode", "uprn"),
    Kind.ORGANISATION: ("name", "company_number", "address", "town", "postcode", "phone", "email"),
}  # fmt: skip
"""What each kind may be searched by, as far as the purpose shows it."""
SHOWN_BY: Mapping[str, frozenset[str]] = {
    "name": frozenset({"name", "given", "family"}),
    "phone": frozenset({"phone", "mobile"}),
}
LONGEST = 300
MISSING = N_("There is nobody and nothing under this reference: it never was, or all that was known of it is erased.")
NO_PAIR = N_("These are not two records of one kind that you may see.")
NOTHING_TYPED = N_("Say something about whom you mean")
UNREADABLE = N_("%(field)s cannot be read as it is written here")

SeenBy = Annotated[Viewer, Depends(viewer)]
Spoken = Annotated[Language, Depends(language)]
Purpose = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True)
class Typed:
    """A search as it was typed: for what, for which purpose, field → text."""

    kind: Kind = Kind.PERSON
    purpose: str = ""
    text: Mapping[str, str] | None = None


def router(desk: Desk, reception: Reception, web: Web) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/linkage", include_in_schema=False)
    pages = Pages(desk, reception, web)
    routes.add_api_route("/", pages.search, methods=["GET"])
    routes.add_api_route("/", pages.seal, methods=["POST"], dependencies=[Depends(csrf)])
    routes.add_api_route("/entities/{id:uuid}", pages.entity, methods=["GET"])
    routes.add_api_route("/entities/{id:uuid}/why", pages.why, methods=["GET"])
    routes.add_api_route("/why/{a:uuid}/{b:uuid}", pages.why_records, methods=["GET"])
    return routes


class Pages:
    """One method a page or form."""

    def __init__(self, desk: Desk, reception: Reception, web: Web) -> None:
        self._desk, self._reception, self._web = desk, reception, web
        self._wording = Wording(reception)

    async def search(
        self, request: Request, person: SeenBy, spoken: Spoken, q: str = "", kind: Kind = Kind.PERSON
    ) -> HTMLResponse:
        """The form for a kind; with ``q``, a sealed search, what it finds too."""
        typed = self._opened(person, q) or Typed(kind)
        asker = self._reception.asker(person, typed.purpose)
        await self._desk.admit(asker, "search")
        identity, findings = normalise(typed.kind, typed.text or {})
        wrong = {one.field: spoken.gettext(UNREADABLE, field=words.field(one.field, spoken)) for one in findings}
        if typed.text is not None and not identity and not wrong:
            wrong = {SEARCHED[typed.kind][0]: spoken.gettext(NOTHING_TYPED)}
        hits = await self._desk.search(asker, typed.kind, identity) if identity and not wrong else None
        return self._web.render(
            request, "search.html", 400 if wrong else 200, asker=asker, typed=typed.text or {}, wrong=wrong,
            errors=[(sentence, f"#{field}") for field, sentence in wrong.items()],
            fields=self._fields(person, typed.kind), kind=typed.kind, kinds=words.SEARCHES,
            left_out=[FIELDS[field] for field in typed.text or {} if not shows(asker, field)],
            cards=None if hits is None else [self._wording.hit(hit, spoken) for hit in hits],
            **self._purposes(asker, spoken),
        )  # fmt: skip

    async def seal(self, request: Request, person: SeenBy) -> Response:
        """Keep what was typed in the address of the answer, sealed: a name in an address would stay in histories."""
        form = await request.form()
        kind = next((one for one in Kind if one == form.get("kind")), Kind.PERSON)
        text = {name: str(form[name]).strip()[:LONGEST] for name in SEARCHED[kind] if str(form.get(name, "")).strip()}
        purpose = str(form.get("purpose", ""))[:100]
        content = {"by": person.subject, "at": self._web.clock(), "kind": kind, "purpose": purpose, "text": text}
        return self._web.redirect(f"/linkage/?q={self._web.keys.close(USE, content)}")

    async def entity(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, purpose: Purpose = ""
    ) -> HTMLResponse:
        """The golden record, where each value comes from, and the records side by side."""
        asker = self._reception.asker(person, purpose)
        shown = await self._desk.entity(asker, id)
        if shown is None:
            raise HTTPException(404, MISSING)
        reasons = await self._desk.why(asker, id) if len(shown.records) > 1 else Reasons([])
        return self._web.render(
            request, "entity.html", card=self._wording.entity(shown, spoken, MOST_COLUMNS), asker=asker,
            pairs=[self._wording.pair(pair, spoken) for pair in reasons.pairs], whole=reasons.whole,
            **self._purposes(asker, spoken),
        )  # fmt: skip

    async def why(
        self, request: Request, person: SeenBy, spoken: Spoken, id: UUID, other: UUID, purpose: Purpose = ""
    ) -> HTMLResponse:
        """Why two entities are two: the strongest pair of records across them."""
        asker = self._reception.asker(person, purpose)
        try:
            found = await self._desk.why(asker, id, other)
        except LookupError as error:
            raise HTTPException(404, MISSING) from error
        return self._pair(request, asker, spoken, next(iter(found.pairs), None))

    async def why_records(
        self, request: Request, person: SeenBy, spoken: Spoken, a: UUID, b: UUID, purpose: Purpose = ""
    ) -> HTMLResponse:
        """Two records side by side, what each field says, and the sum of it."""
        asker = self._reception.asker(person, purpose)
        return self._pair(request, asker, spoken, await self._desk.why_records(asker, a, b))

    def _pair(self, request: Request, asker: Asker, spoken: Language, pair: Reasoned | None) -> HTMLResponse:
        if pair is None:
            raise HTTPException(404, NO_PAIR)
        card = self._wording.pair(pair, spoken)
        return self._web.render(request, "pair.html", card=card, asker=asker, **self._purposes(asker, spoken))

    def _purposes(self, asker: Asker, spoken: Language) -> dict[str, Any]:
        names = self._reception.purposes(asker.viewer.role)
        titles = {name: self._reception.title(name, spoken) for name in names}
        return {"purposes": titles, "purpose": self._reception.title(asker.purpose, spoken)}

    def _fields(self, person: Viewer, kind: Kind) -> list[tuple[str, str]]:
        """The form's fields: what any of the role's purposes shows."""
        askers = [self._reception.asker(person, purpose) for purpose in self._reception.purposes(person.role)]
        return [(name, FIELDS[name]) for name in SEARCHED[kind] if any(shows(asker, name) for asker in askers)]

    def _opened(self, person: Viewer, sealed: str) -> Typed | None:
        """A search that this person made within the hour."""
        content = self._web.keys.open(USE, sealed) if sealed else None
        if content is None or content["by"] != person.subject:
            return None
        fresh = self._web.clock() - content["at"] < MINUTES * 60
        return Typed(Kind(content["kind"]), content["purpose"], content["text"]) if fresh else None


def shows(asker: Asker, field: str) -> bool:
    """May the asker search by this field?"""
    return bool(SHOWN_BY.get(field, frozenset({field})) & asker.fields)
