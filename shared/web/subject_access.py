"""The right of access (UK GDPR Art. 15; Data Protection Act 2018 s.45): how a service says what it holds of a person.

What it holds each service says itself (``services/<name>/subject_access.py``), of its own tables; whoever asks puts the
answers together, since services do not call each other (``jigsaw subject-access``).

Invariants
    1. Information governance asks, and nobody else: the answer shows every value, also what no agreement shows a role.
       Who else asks is refused, and that is kept.
    2. All that an answer rests on is of one moment, and its audit entries, one an id, commit before it is told.
    3. An answer is of one person. Ids, names and words of others are not in it, colleagues of ours among them: what is
       left out for that, or because it says nothing of anybody, is said in a sentence (Art. 15(4); a log tells when,
       for what and to whom by office, not which employee looked: CJEU C-579/21).
    4. Of somebody who was erased it says that, and nothing else.

Failures
    PostgreSQL away, or no room in the outbox    nothing is told (503)
    a service does not know an id                an empty answer, which is kept too
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from shared.contracts import Access, Action, Outcome
from shared.db import of_one_moment
from shared.web import N_, Callers, Language, Refused, Viewer, language
from shared.work import Worker

S = TypeVar("S")
ROLE = "auditor"
"""Information governance: the data protection officer's office."""
PURPOSE = "subject-access"
MOST = 5_000
NOT_YOURS = N_("Only information governance answers what is held of a person. That you asked was recorded.")
SOMEBODY = "▒▒▒"
"""Stands for somebody else in a text."""


class Asked(BaseModel):
    """``ids``: all under which one person is, or was, known. ``reference``: of the request; it names nobody."""

    ids: list[UUID] = Field(min_length=1, max_length=MOST)
    reference: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*$", max_length=80, examples=["2026/118"])


class Section(BaseModel):
    """Rows of one kind. ``labels``: the fields that a page shows, and what it calls them; the others are for machines.
    ``written``: fields that hold what people wrote, to be read before it is handed over."""

    name: str
    title: str
    about: str
    labels: dict[str, str]
    rows: list[dict[str, Any]]
    written: list[str] = []


class Held(BaseModel):
    """All that a service holds of one person, in the language of who asks. ``ids``: under which it looked, those that
    were asked for and those that its own redirects add; ``agreements``: under which it came in."""

    service: str
    ids: list[UUID]
    erased: bool = False
    sections: list[Section] = []
    left_out: list[str] = Field([], description="What is not here, and why.")
    agreements: list[str] = []


Holding = Callable[[S, Sequence[UUID], Language], Awaitable[Held]]
"""What a service holds under some ids of one person."""


def router(service: str, worker: Worker[S], callers: Callers, holding: Holding[S]) -> APIRouter:
    """``POST /<service>/subject-access``: POST, because ids are many and a change of the log follows."""
    routes = APIRouter(tags=["Right of access"])

    @routes.post(f"/{service}/subject-access", summary="What is held of a person (UK GDPR Art. 15)",
                 responses={403: {"description": "Not information governance. The attempt is recorded."}})  # fmt: skip
    async def subject_access(
        asked: Asked, person: Annotated[Viewer, Depends(callers.person)], spoken: Annotated[Language, Depends(language)]
    ) -> Held:
        """Recorded as disclosed, of each id, before it is sent."""
        if person.role != ROLE:
            async with worker.work() as work:
                work.audit(_entries(service, person, asked, Outcome.REFUSED))
            raise Refused(NOT_YOURS)
        async with worker.work() as work:
            await of_one_moment(work.connection)
            held: Held | HTTPException
            try:
                held = await holding(work.store, asked.ids, spoken)
                outcome = Outcome.ALLOWED if held.sections else Outcome.EMPTY
            except HTTPException as error:  # it says something of the ids too
                held, outcome = error, Outcome.REFUSED
            work.audit(_entries(service, person, asked, outcome, held))
        if isinstance(held, HTTPException):
            raise held
        return held

    return routes


def section(
    name: str, title: str, about: str, labels: dict[str, str], rows: Iterable[dict[str, Any]], *written: str
) -> list[Section]:
    """One section, or none where there are no rows."""
    found = list(rows)
    return [Section(name=name, title=title, about=about, labels=labels, rows=found, written=list(written))] * bool(
        found
    )


def without(text: str, words: Iterable[str]) -> str:
    """A text without these words, in whatever case they are written; the longest first."""
    ordered = sorted({word for word in words if word}, key=len, reverse=True)
    if not ordered:
        return text
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)", SOMEBODY, text, flags=re.IGNORECASE)


def _entries(
    service: str, person: Viewer, asked: Asked, outcome: Outcome, said: Held | HTTPException | None = None
) -> list[Access]:
    now, held = datetime.now(UTC), said if isinstance(said, Held) else None
    return [
        Access(
            at=now, actor=person.subject, role=person.role, service=service, action=Action.DISCLOSURE, subject=id,
            purpose=PURPOSE, agreement=",".join(held.agreements) if held else "",
            fields=[one.name for one in held.sections] if held else [], outcome=outcome,
            reference=f"access-request:{asked.reference}",
        )
        for id in dict.fromkeys(asked.ids)
    ]  # fmt: skip
