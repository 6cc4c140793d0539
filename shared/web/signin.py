"""The routes by which people sign in, sign out and choose their language: ``/<service>/signin`` and its siblings."""

import hmac
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from shared.telemetry import log
from shared.web.csrf import csrf
from shared.web.language import LANGUAGES, N_
from shared.web.oidc import Attempt, IssuerAway, SignInRefused, login_of
from shared.web.paths import safe_path
from shared.web.session import begin
from shared.web.surroundings import LANGUAGE_COOKIE
from shared.web.viewer import ROLES, Viewer

if TYPE_CHECKING:
    from shared.web.pages import Web

USE = "sign-in"
ATTEMPT_SECONDS = 600
YEAR = 365 * 24 * 3600
NO_ROLE = N_("Your account has no role in Jigsaw. Ask your supervisor to give you one.")
NOT_BELIEVED = N_("The answer of the sign-in service could not be checked, so you are not signed in. Start again.")
TOO_LATE = N_("This sign-in was begun in another browser, or more than ten minutes ago. Start again.")
AWAY = N_("The sign-in service does not answer. Try again in a few minutes.")


def signin_routes(web: "Web") -> APIRouter:
    """The routes of one service, all under its own path."""
    routes = APIRouter(prefix=web.root.rstrip("/"), include_in_schema=False)
    routes.add_api_route("/signin", SignIn(web).start, methods=["GET"])
    routes.add_api_route("/signed-in", SignIn(web).finish, methods=["GET"])
    routes.add_api_route("/sign-out", SignIn(web).sign_out, methods=["POST"], dependencies=[Depends(csrf)])
    routes.add_api_route("/signed-out", SignIn(web).signed_out, methods=["GET"])
    routes.add_api_route("/signed-out-elsewhere", SignIn(web).end_elsewhere, methods=["POST"])
    routes.add_api_route("/language", SignIn(web).speak, methods=["GET"])
    return routes


class SignIn:
    """One service's side of signing in."""

    def __init__(self, web: "Web") -> None:
        self.web = web
        self.redirect = f"{web.settings.console.rstrip('/')}{web.root}signed-in"
        self.after_sign_out = f"{web.settings.console.rstrip('/')}{web.root}signed-out"

    async def start(self, request: Request, to: str = "") -> Response:
        """Remember the attempt in a sealed cookie of its own (two tabs can sign in at once); go to the issuer."""
        attempt = Attempt.new(safe_path(to, self.web.root))
        try:
            address = await self.web.issuer.sign_in_address(attempt, self.redirect, request.state.language.code)
        except IssuerAway as reason:
            return self._failed(request, 503, AWAY, reason)
        response = RedirectResponse(address, 303)
        closed = self.web.keys.close(USE, asdict(attempt) | {"begun": self.web.clock()})
        self.web.set_cookie(response, _cookie_of(attempt.state), closed, ATTEMPT_SECONDS, self.web.root)
        return response

    async def finish(
        self, request: Request, state: str = "", code: str = "", error: str = "", iss: str = ""
    ) -> Response:
        """The browser comes back from the issuer, with a code or with its refusal."""
        attempt = self._attempt(request, state)
        if attempt is None:
            return self._failed(request, 400, TOO_LATE, "unknown state")
        try:
            if error or not code:
                raise SignInRefused(f"the issuer says {error[:80] or 'nothing'}")
            if iss and iss != self.web.settings.oidc_issuer:  # RFC 9207: the answer is another issuer's
                raise SignInRefused("the answer names another issuer")
            token, claims = await self.web.issuer.redeem(code, attempt, self.redirect)
        except IssuerAway as reason:
            return self._failed(request, 503, AWAY, reason)
        except SignInRefused as reason:
            return self._failed(request, 403, NOT_BELIEVED, reason)
        person = viewer_of(claims)
        if not person.role:
            return self._failed(request, 403, NO_ROLE, "no role")
        response = RedirectResponse(safe_path(attempt.to, self.web.root), 303)
        self.web.cookie.write(response, begin(person, token, self.web.clock(), login_of(claims)))
        response.delete_cookie(_cookie_of(state), path=self.web.root)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session everywhere, and the issuer's where it offers that."""
        session = request.state.session
        await self.web.ended.end(session.viewer.subject, session.id)
        try:
            address = await self.web.issuer.sign_out_address(session.hint, self.after_sign_out)
        except IssuerAway:
            address = None
        response = RedirectResponse(address or self.after_sign_out, 303)
        self.web.cookie.remove(response)
        return response

    async def end_elsewhere(self, request: Request) -> Response:
        """The issuer says that somebody is signed out (OpenID Connect Back-Channel Logout 1.0)."""
        token = str((await request.form(max_files=0, max_fields=5)).get("logout_token", ""))
        try:
            subject, login, until = await self.web.issuer.signed_out(token)
        except IssuerAway as reason:
            return _answered(503, "temporarily_unavailable", reason)
        except SignInRefused as reason:
            return _answered(400, "invalid_request", reason)
        if not await self.web.ended.end(subject, login, until):
            return _answered(503, "temporarily_unavailable", "the others could not be told")
        return Response()

    async def signed_out(self, request: Request) -> HTMLResponse:
        """Where people are after signing out."""
        return self.web.render(request, "signed_out.html")

    async def speak(self, request: Request, to: Annotated[str, Query()], back: str = "") -> Response:
        """Keep the chosen language for a year and go back to the page."""
        response = RedirectResponse(safe_path(back, self.web.root), 303)
        if to in LANGUAGES:
            self.web.set_cookie(response, LANGUAGE_COOKIE, to, YEAR, "/")
        return response

    def _attempt(self, request: Request, state: str) -> Attempt | None:
        closed = request.cookies.get(_cookie_of(state)) if state else None
        content = self.web.keys.open(USE, closed) if closed else None
        if content is None or self.web.clock() - content.pop("begun") > ATTEMPT_SECONDS:
            return None
        try:
            attempt = Attempt(**content)
        except TypeError:  # begun with a release with other fields
            return None
        return attempt if hmac.compare_digest(attempt.state.encode(), state.encode()) else None

    def _failed(self, request: Request, status: int, sentence: str, reason: object) -> Response:
        log().warning("signin.failed", status=status, because=str(reason))
        advice = request.state.language.gettext(sentence)
        return self.web.render(request, "signin_failed.html", status=status, advice=advice)


def _answered(status: int, error: str, reason: object) -> Response:
    log().warning("signout.refused", status=status, because=str(reason))
    return JSONResponse({"error": error}, status)


def _cookie_of(state: str) -> str:
    """Letters of the state that are sure to be legal in a cookie's name."""
    return "jigsaw-signin-" + "".join(letter for letter in state[:8] if letter.isascii() and letter.isalnum())


def viewer_of(claims: Mapping[str, Any]) -> Viewer:
    """The person of verified claims; of several roles the first that Jigsaw knows, empty when there is none."""
    roles = claims.get("role") or claims.get("roles") or []
    named = [roles] if isinstance(roles, str) else [str(role) for role in roles]
    return Viewer(
        subject=str(claims["sub"]),
        name=str(claims.get("name") or claims.get("preferred_username") or claims["sub"]),
        email=str(claims.get("email", "")),
        role=next((role for role in named if role in ROLES), named[0] if named else ""),
        team=str(claims.get("team", "")),
        locale=str(claims.get("locale", ""))[:2].lower(),
    )
