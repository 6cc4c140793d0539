"""``jigsaw erase``: a person, or single records, out of the index, on behalf of information governance."""

import getpass
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx
from rich.console import Console

from local.home import Home, StackError
from local.running import running
from shared.web import Viewer, service_token


class Ground(StrEnum):
    """The grounds that linkage knows."""

    NO_LONGER_NECESSARY = "no_longer_necessary"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_OBLIGATION = "legal_obligation"


ROLE = "auditor"
SECONDS = 60.0


def officer() -> Viewer:
    """Information governance, in the person of whoever runs the command."""
    user = getpass.getuser()
    return Viewer(f"operator:{user}", user, "", ROLE, "information-governance", "en")


def erase_on(
    home: Home, entities: Sequence[UUID], records: Sequence[UUID], ground: str, reason: str, out: Console
) -> None:
    """Erase on this machine's stack, and say what was done and what is left to do. Raises ``StackError``."""
    said = erase(running(home).services["linkage"], home.secret("session_key"), entities, records, ground, reason)
    out.print(f"{said['records']} records erased (erasure {said['erasure']}). Scores and alerts follow by themselves.")
    if said["entities"]:
        ids = " ".join(said["entities"])
        out.print(f"The audit log still says who saw them. An auditor can end that (/audit/api/erasures), for: {ids}")


def erase(
    linkage: str, session_key: str, entities: Sequence[UUID], records: Sequence[UUID], ground: str, reason: str
) -> dict[str, Any]:
    """Ask linkage, at its address, as whoever runs the command. Raises ``StackError`` with linkage's own words."""
    token = service_token(session_key, "linkage", officer(), caller="jigsaw", purpose="identity")
    body = {"entities": [*map(str, entities)], "records": [*map(str, records)], "ground": ground, "reason": reason}
    answer = httpx.post(
        f"{linkage}/linkage/api/erasures", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS
    )
    said: dict[str, Any] = answer.json()
    if answer.is_error:
        raise StackError(f"Nothing was erased: {said.get('detail', answer.reason_phrase)}")
    return said
