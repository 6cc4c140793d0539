"""``jigsaw subject-access``: what every service holds of one person, as a file for machines and a page for people."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from rich.console import Console

from local.erasing import officer
from local.home import Home, StackError
from local.running import running
from local.subject_access.page import page
from shared.web import service_token
from shared.web.subject_access import PURPOSE, Held, without

SECONDS = 120.0
OTHERS = ("scoring", "alerts", "audit", "ingest")
"""Whom linkage tells whom to ask about, in the order in which a person reads it."""


class Language(StrEnum):
    """What the answer is in."""

    EN = "en"
    CY = "cy"


@dataclass(frozen=True)
class Request:
    """Who asks about themselves, under which reference, to be answered in which language; ``redact``: words that stand
    for others in what people wrote."""

    entity: UUID
    reference: str
    language: str
    redact: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """What the services said, linkage first."""

    request: Request
    made_at: datetime
    answers: Sequence[Held]

    @property
    def erased(self) -> bool:
        return self.answers[0].erased

    @property
    def written(self) -> int:
        """How many texts people wrote."""
        return sum(
            bool(row.get(field))
            for answer in self.answers for one in answer.sections for field in one.written for row in one.rows
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "reference": self.request.reference, "entity": str(self.request.entity), "erased": self.erased,
            "made_at": self.made_at.isoformat(), "language": self.request.language,
            "answers": [one.model_dump(mode="json") for one in self.answers],
        }  # fmt: skip


def answer_on(home: Home, request: Request, folder: Path, out: Console) -> None:
    """Collect on this machine's stack and write both files. Raises ``StackError``; then nothing is written."""
    answer = collect(running(home).services, home.secret("session_key"), request)
    for file in write(answer, folder):
        out.print(f"Written: [bold]{file}[/bold]", soft_wrap=True)
    if answer.erased:
        out.print("The person was erased: that is all there is to say.")
    elif answer.written:
        out.print(f"{answer.written} texts were written by people: read them before you hand it over (--redact).")


def collect(services: Mapping[str, str], session_key: str, request: Request) -> Answer:
    """Ask each service at its address: linkage first, which knows under which ids the person was ever known.

    Of somebody erased audit is not asked: its entries name nobody, prove the erasure, and end by its own key. Raises
    ``StackError`` for a reference of nobody, and when a service does not answer: a part would pass for the whole.
    """
    held = ask(services["linkage"], "linkage", session_key, request, [request.entity])
    if not (held.sections or held.erased):
        raise StackError(f"Nobody is known by the reference {request.entity}: nothing was written.")
    ids = list(dict.fromkeys([request.entity, *held.ids]))
    others = [name for name in OTHERS if not (held.erased and name == "audit")]
    answers = [held, *(ask(services[name], name, session_key, request, ids) for name in others)]
    return Answer(request, datetime.now(UTC), answers)


def ask(address: str, service: str, session_key: str, request: Request, ids: Sequence[UUID]) -> Held:
    """One service's answer, without the words that stand for others. Raises ``StackError`` with the service's words."""
    token = service_token(session_key, service, officer(), caller="jigsaw", purpose=PURPOSE)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": request.language}
    body = {"ids": [*map(str, ids)], "reference": request.reference}
    try:
        answer = httpx.post(f"{address}/{service}/subject-access", json=body, headers=headers, timeout=SECONDS)
    except httpx.TransportError as error:
        raise StackError(f"Nothing was written: {service} does not answer. See `jigsaw status`.") from error
    if answer.is_error:
        raise StackError(f"Nothing was written: {service} says {answer.json().get('detail', answer.reason_phrase)}")
    held = Held.model_validate_json(answer.content)
    for one in held.sections:
        for row in one.rows:
            row.update({field: without(row[field], request.redact) for field in one.written if row.get(field)})
    return held


def write(answer: Answer, folder: Path) -> list[Path]:
    """Both files, for their owner's eyes only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = "subject-access-" + "".join(c if c.isalnum() else "-" for c in answer.request.reference)
    texts = {".json": json.dumps(answer.plain(), ensure_ascii=False, indent=1), ".html": page(answer)}
    files = []
    for suffix, text in texts.items():
        files.append(folder / (name + suffix))
        with os.fdopen(os.open(files[-1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    return files
