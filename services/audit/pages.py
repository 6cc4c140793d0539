"""What an auditor sees: whether the log is whole, and its entries in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from services.audit.api import admits
from services.audit.desk import Desk, Found
from services.audit.domain import NOBODY
from services.audit.examination import Fault
from services.audit.log import Reading
from services.audit.store import END, EVER, Window
from services.audit.watching import Inspector, Watch
from shared.access import Agreements
from shared.contracts import Access, Action, Outcome
from shared.web import N_, Language, Viewer, Web, csrf, language
from shared.web.viewer import ROLES

ROWS = 50
FAULTS = 20
ACTIONS = {
    Action.COLLECTION: N_("Collected"),
    Action.ALTERATION: N_("Changed"),
    Action.CONSULTATION: N_("Looked at"),
    Action.DISCLOSURE: N_("Passed on"),
    Action.COMBINATION: N_("Joined with other records"),
    Action.ERASURE: N_("Erased"),
    Action.DECISION: N_("Decided about"),
}
OUTCOMES = {Outcome.ALLOWED: N_("Allowed"), Outcome.REFUSED: N_("Refused"), Outcome.EMPTY: N_("Nothing found")}
BY_OVERRIDE = N_("Allowed in an emergency, to another team")
OVERRIDE = re.compile(r"override:[0-9a-f-]{36}")
"""What a look, or the right to it, refers to when a case was opened in an emergency (break-glass in alerts)."""
NOT_A_REFERENCE = N_("“%(text)s” is not a reference. A reference is 32 digits and letters a–f, as on a case page.")
NOBODY_ACTS = N_("Nobody of that name acts here: the log has no entry by them. A sign-in is as the entries show it.")
SERVICE = "service:"


@dataclass(frozen=True)
class State:
    """What the page says about the log itself."""

    verifier_key: str
    watch: Watch
    inspector: Inspector
    agreements: Agreements


def router(desk: Desk, web: Web, state: State) -> APIRouter:
    routes, auditor = APIRouter(include_in_schema=False), admits(desk)

    def page(
        request: Request, asked: dict[str, str], found: Found | None, wrong: Sequence[str] = (), *, acts: bool = True
    ) -> HTMLResponse:
        spoken = language(request)
        errors = [(spoken.gettext(NOT_A_REFERENCE, text=text), "#entity") for text in wrong]
        errors += [] if acts else [(spoken.gettext(NOBODY_ACTS), "#actor")]
        rows = found and [row(spoken, state.agreements, reading) for reading in found.readings]
        first = {field.removeprefix("#"): sentence for sentence, field in reversed(errors)}
        return web.render(
            request, "search.html", 400 if errors else 200, errors=errors, wrong=first, asked=asked, rows=rows,
            following=found and found.following, state=state, faults=_faults(state),
        )  # fmt: skip

    @routes.get("/audit/")
    async def search(
        request: Request,
        entity: Annotated[str, Query(max_length=4000)] = "",
        actor: Annotated[str, Query(max_length=200)] = "",
        before: Annotated[int, Query(ge=0, le=END)] = END,
        person: Viewer = auditor,
    ) -> HTMLResponse:
        entities, wrong = references(entity)
        window = Window(before, *EVER, ROWS)
        asked = {"entity": entity, "actor": actor}
        if wrong or not (entities or actor):
            return page(request, asked, None, wrong)
        found = await (desk.about(person, entities, window) if entities else desk.by(person, actor, window))
        return page(request, asked, found, acts=found is not None)

    @routes.post("/audit/", dependencies=[Depends(csrf)])
    async def asked(
        request: Request,
        entity: Annotated[str, Form(max_length=4000)] = "",
        actor: Annotated[str, Form(max_length=200)] = "",
        person: Viewer = auditor,
    ) -> Response:
        """What is typed may be a name; only references, and whom the log knows to act, go into an address."""
        (entities, wrong), actor = references(entity), actor.strip()
        if wrong:
            return page(request, {"entity": entity, "actor": actor}, None, wrong)
        if actor and not entities and not await desk.knows(person, actor):
            return page(request, {"entity": entity, "actor": actor}, None, acts=False)
        named = {"entity": " ".join(map(str, entities))} if entities else {"actor": actor}
        return web.redirect(f"/audit/?{urlencode(named)}")

    return routes


def references(text: str) -> tuple[list[UUID], list[str]]:
    """The references in what was typed, once each, and what is none."""
    good, wrong = dict[UUID, None](), []
    for part in re.split(r"[\s,;]+", text.strip()):
        try:
            good |= {UUID(part): None} if part else {}
        except ValueError:
            wrong.append(part)
    return list(good), wrong


def row(spoken: Language, agreements: Agreements, reading: Reading) -> list[str | Markup]:
    """An entry in words: when, who, what, about whom, why, under which agreement, which fields, how it ended."""
    entry, said = reading.entry, spoken.gettext
    beginning = [_time(spoken, entry.at), actor_in_words(spoken, entry.actor, reading)]
    if reading.fault:
        return [*beginning, said("This entry was changed: %(fault)s", fault=reading.fault), *[""] * 5]
    if reading.opened is None:
        return [*beginning, said("Erased on request. That there was an entry can still be proved."), *[""] * 5]
    access = reading.opened.access
    return [
        *beginning, said(ACTIONS[access.action]), _about(spoken, reading.entity), access.purpose,
        _agreement(spoken, agreements, access), ", ".join(access.fields), said(outcome_in_words(access)),
    ]  # fmt: skip


def outcome_in_words(access: Access) -> str:
    allowed = access.outcome is Outcome.ALLOWED
    return BY_OVERRIDE if allowed and OVERRIDE.fullmatch(access.reference) else OUTCOMES[access.outcome]


def actor_in_words(spoken: Language, actor: str, reading: Reading) -> Markup:
    role = ""
    if reading.opened and not actor.startswith(SERVICE):
        role = f" ({spoken.gettext(ROLES.get(reading.opened.access.role, reading.opened.access.role))})"
    name = actor.removeprefix(SERVICE)
    words = spoken.gettext("Jigsaw, by itself (%(service)s)", service=name) if name != actor else actor
    return _link("actor", actor, words) + role


def _about(spoken: Language, entity: UUID | None) -> str | Markup:
    if entity is None or entity == NOBODY:
        return spoken.gettext("Nobody")
    return _link("entity", str(entity), str(entity)[:8])


def _agreement(spoken: Language, agreements: Agreements, access: Access) -> str:
    agreement = agreements.by_name.get(access.agreement)
    return agreement.title.of(spoken.code) if agreement else access.agreement


def _time(spoken: Language, at: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spoken.moment(at))


def _link(field: str, value: str, words: str) -> Markup:
    return Markup('<a class="govuk-link" href="/audit/?{}={}">{}</a>').format(field, Markup.escape(value), words)


def _faults(state: State) -> Sequence[Fault]:
    report = state.inspector.report
    return report.faults[:FAULTS] if report else []
