"""Who asks a service: a person at the screen, or another service on behalf of one."""

from dataclasses import dataclass

from fastapi import HTTPException, Request

from shared.web.csrf import csrf
from shared.web.tokens import TokenRefused, verify_service_token
from shared.web.viewer import Viewer, seen_by


@dataclass(frozen=True)
class Caller:
    """The person, and what a service's token says besides: the purpose (empty: none named) and which service it is."""

    person: Viewer
    purpose: str = ""
    service: str = ""


class Callers:
    """Those who ask ``service``. ``key``: JIGSAW_SESSION_KEY, which signs service tokens."""

    def __init__(self, key: str, service: str) -> None:
        self._key, self._service = key, service

    async def asking(self, request: Request) -> Caller:
        """A signed-in person, whose changes carry the CSRF token; or whom a service speaks for. Raises 401, 403."""
        person = seen_by(request)
        if person is None:
            return self.calling(request)
        if request.method != "GET":
            await csrf(request)
        return Caller(person)

    async def person(self, request: Request) -> Viewer:
        """FastAPI dependency: whoever asks, where it does not matter through whom. Raises 401, 403."""
        return (await self.asking(request)).person

    def calling(self, request: Request) -> Caller:
        """The person whom the request's service token speaks for. Raises 401 and 403."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPException(401, "Sign in, or send a service token that speaks for a person.")
        try:
            call = verify_service_token(self._key, self._service, token)
        except TokenRefused as error:
            raise HTTPException(401, f"The service token is not ours, not for {self._service}, or too old.") from error
        if call.viewer is None:
            raise HTTPException(403, "Answers are for a person: the token must say on whose behalf it asks.")
        return Caller(call.viewer, call.purpose, call.caller)
