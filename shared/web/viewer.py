"""Who looks at a page, and what a page may ask about them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException, Request

from shared.web.language import N_

ROLES = {
    "caseworker": N_("Caseworker"),
    "youth-worker": N_("Youth worker"),
    "housing-inspector": N_("Housing inspector"),
    "fire-officer": N_("Fire officer"),
    "supervisor": N_("Supervisor"),
    "steward": N_("Data steward"),
    "analyst": N_("Analyst"),
    "auditor": N_("Auditor"),
    "operator": N_("Operator"),
    "partner": N_("Partner"),
}
"""What each role is called on a page. A role the issuer sends that is not here is shown as it came."""
OFFICE = frozenset({"supervisor", "steward", "analyst", "auditor", "operator", "partner"})
"""The roles that run the office. Every other role, also one that only an agreement names, is a practitioner's."""
PRACTITIONER = "practitioner"


@dataclass(frozen=True)
class Viewer:
    """A signed-in person as the issuer described them; ``locale`` is "en", "cy" or empty."""

    subject: str
    name: str
    email: str
    role: str
    team: str
    locale: str

    @property
    def kind(self) -> str:
        """The role when it runs the office, else "practitioner": who acts on alerts."""
        return self.role if self.role in OFFICE else PRACTITIONER


class SignInNeeded(Exception):
    """Nobody is signed in: a browser is sent to sign in, an API client is answered 401."""


class Refused(HTTPException):
    """403 with a sentence; ``sentence`` is a message id (``N_``), said in the viewer's language."""

    def __init__(self, sentence: str) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, sentence)


def viewer(request: Request) -> Viewer:
    """FastAPI dependency: the signed-in person. Raises SignInNeeded."""
    found = seen_by(request)
    if found is None:
        raise SignInNeeded
    return found


def seen_by(request: Request) -> Viewer | None:
    """The signed-in person, or None; for pages that anybody may see."""
    session = getattr(request.state, "session", None)
    return session.viewer if session else None


def requires(*roles: str) -> Callable[[Request], Awaitable[Viewer]]:
    """FastAPI dependency: the viewer, who must have one of the roles. Raises SignInNeeded or Refused."""

    async def permitted(request: Request) -> Viewer:
        person = viewer(request)
        if person.role not in roles:
            raise Refused(N_("Your role does not include this page. Ask your supervisor if you need it for your work."))
        return person

    return permitted
