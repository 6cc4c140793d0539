"""What is told when there is no page: to people a page in their language, to programs problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from shared.errors import Unavailable
from shared.telemetry import log
from shared.web.language import N_
from shared.web.viewer import SignInNeeded

if TYPE_CHECKING:
    from shared.web.pages import Web

TITLES = {
    400: N_("This request could not be understood"),
    403: N_("You cannot do this"),
    404: N_("Page not found"),
    405: N_("This page cannot be used in that way"),
    413: N_("Too much at once"),
    422: N_("This request could not be understood"),
    429: N_("Too many requests"),
    500: N_("Sorry, something went wrong"),
    503: N_("Sorry, part of Jigsaw is not available"),
}
ADVICE = {
    400: N_("Go back and try again. If you followed a link, it may be incomplete."),
    403: N_("Your role does not include this page. Ask your supervisor if you need it for your work."),
    404: N_("If you typed the address, check it. If you followed a link, the page may have been moved or removed."),
    405: N_("Go back and try again. If you followed a link, it may be incomplete."),
    413: N_("A request may bring 2 MiB. Send less at once."),
    422: N_("Go back and try again. If you followed a link, it may be incomplete."),
    429: N_("Wait a moment and try again."),
    500: N_("What you just sent may not have been taken in. The fault has been recorded. Try again in a few minutes."),
    503: N_("What you just sent may not have been taken in. Try again in a few minutes."),
}
UNKEPT = N_(
    "Something you sent cannot be kept: a character that is no text, or a time that is no time. Nothing was done."
)
_UNKEPT = {
    asyncpg.DataError,  # asyncpg's own: the value has no form in PostgreSQL
    asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError,  # NUL, in text and in JSON
    asyncpg.DatetimeFieldOverflowError,
}  # fmt: skip
SIGN_IN = N_("Sign in to use this address.")


def problem(status: int, detail: str, title: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem+json answer: type about:blank, title, status, detail."""
    body = {"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page, and not a program, a script or an event stream."""
    return "text/html" in request.headers.get("accept", "")


class Errors:
    """The exception handlers of one service."""

    def __init__(self, web: "Web") -> None:
        self.web = web

    def install(self, app: FastAPI) -> None:
        """Register them; a service may register its own for its own exceptions."""
        app.add_exception_handler(SignInNeeded, self.sign_in)
        app.add_exception_handler(HTTPException, self.refused)
        app.add_exception_handler(RequestValidationError, self.invalid)
        app.add_exception_handler(asyncpg.DataError, self.unkept)
        app.add_exception_handler(Unavailable, self.away)
        app.add_exception_handler(Exception, self.broken)

    async def sign_in(self, request: Request, _: Exception) -> Response:
        """To the sign-in, and back to the same page afterwards (to the first page when something was being sent)."""
        if not wants_page(request):
            detail = request.state.language.gettext(SIGN_IN)
            return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to = asked if request.method in {"GET", "HEAD"} else self.web.root
        return RedirectResponse(f"{self.web.root}signin?{urlencode({'to': to})}", 303)

    async def refused(self, request: Request, exception: Exception) -> Response:
        """HTTPException, with its own sentence where the service gave one."""
        assert isinstance(exception, HTTPException)
        usual = HTTPStatus(exception.status_code).phrase
        given = exception.detail if isinstance(exception.detail, str) and exception.detail != usual else ""
        return self.answer(request, exception.status_code, given, dict(exception.headers or {}))

    async def invalid(self, request: Request, exception: Exception) -> Response:
        """A field FastAPI refused: which one and why, for a program; a person is asked to try again."""
        assert isinstance(exception, RequestValidationError)
        wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exception.errors())
        return self.answer(request, 422) if wants_page(request) else problem(422, wrong)

    async def unkept(self, request: Request, exception: Exception) -> Response:
        """What the database cannot hold was sent by whoever asks; any other of its refusals is our bug."""
        if type(exception) not in _UNKEPT:
            raise exception
        return self.answer(request, 422, UNKEPT)

    async def away(self, request: Request, exception: Exception) -> Response:
        """Somebody else's part is away: 503."""
        log().warning("request.unavailable", because=str(exception))
        return self.answer(request, 503, headers={"Retry-After": "10"})

    async def broken(self, request: Request, _: Exception) -> Response:
        """Our bug. Starlette answers with this outside the middleware, hence the headers, and raises it again.

        uvicorn then ends the connection, and "close" keeps clients from sending their next request into it.
        """
        return self.answer(request, 500, headers={**self.web.headers, "Connection": "close"})

    def answer(
        self, request: Request, status: int, sentence: str = "", headers: dict[str, str] | None = None
    ) -> Response:
        """The error page, or problem+json; ``sentence`` is a message id, said instead of the usual advice."""
        spoken = self.web.language_of(request)
        known = status if status in TITLES else 400 if status < 500 else 500
        title, advice = spoken.gettext(TITLES[known]), spoken.gettext(sentence or ADVICE[known])
        if not wants_page(request):
            return problem(status, advice, title, headers)
        response = self.web.render(request, "error.html", status=status, title=title, advice=advice)
        response.headers.update(headers or {})
        return response
