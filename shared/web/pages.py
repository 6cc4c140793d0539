"""How a service gets its pages: ``web = Web("alerts", …)``, ``web.mount(app)``, ``web.render(request, "a.html")``."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, Request
from pydantic import SecretStr
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shared.web.assets import Assets
from shared.web.bodies import Bodies
from shared.web.csrf import token_of
from shared.web.ended import Ended
from shared.web.errors import Errors
from shared.web.keys import Keys
from shared.web.language import LANGUAGES, Language, languages
from shared.web.navigation import here, places_for
from shared.web.oidc import Issuer
from shared.web.paths import safe_path
from shared.web.session import SessionCookie
from shared.web.signin import signin_routes
from shared.web.statements import statement_routes
from shared.web.surroundings import Surroundings, security_headers
from shared.web.templating import environments
from shared.web.viewer import ROLES, seen_by

HERE = Path(__file__).parent
SAID, SAID_SECONDS = "jigsaw-said", 60
LONGEST_STREAM = 600.0


class WebSettings(Protocol):
    """What the pages need of ``shared.settings.Settings``."""

    @property
    def console(self) -> str: ...
    @property
    def session_key(self) -> SecretStr: ...
    @property
    def oidc_issuer(self) -> str: ...
    @property
    def oidc_client_id(self) -> str: ...
    @property
    def oidc_client_secret(self) -> SecretStr: ...


@dataclass(frozen=True)
class Notice:
    """A line above every page while something is not as usual; ``sentence`` is a message id."""

    sentence: str
    level: str = "warning"


def nothing_unusual(_: Request) -> Sequence[Notice]:
    """The notices of a service all of whose parts are there."""
    return ()


class Web:
    """One service's pages. ``home`` is its folder: templates/, locale/ and static/ in it are used where they exist."""

    def __init__(
        self,
        service: str,
        settings: WebSettings,
        home: Path,
        notices: Callable[[Request], Sequence[Notice]] = nothing_unusual,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.service, self.settings, self.notices, self.clock = service, settings, notices, clock
        self.root = f"/{service}/"
        self.keys = Keys(settings.session_key.get_secret_value())
        self.ended = Ended(clock)
        self.cookie = SessionCookie(self.keys, secure=settings.console.startswith("https:"))
        self.issuer = Issuer(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value()
        )
        self.headers = security_headers(settings.console, settings.oidc_issuer)
        folders = [home, HERE]
        self.languages = languages([folder / "locale" for folder in folders])
        self.assets = Assets([folder / "static" for folder in reversed(folders)])
        static = f"{self.root}static/{self.assets.version}"
        self._environments = environments(
            [folder / "templates" for folder in folders], self.languages, static, self.root
        )

    def mount(self, app: FastAPI) -> None:
        """Add static files, sign-in, language, error pages and headers to the service's app. Call it once."""
        app.state.web = self
        app.mount(f"{self.root}static", self.assets)
        app.include_router(signin_routes(self))
        app.include_router(statement_routes(self))
        errors = Errors(self)
        errors.install(app)
        app.add_middleware(Bodies, refuse=errors.refused)  # within the surroundings, which know the language
        app.add_middleware(
            Surroundings, cookie=self.cookie, languages=self.languages, headers=self.headers, ended=self.ended,
            clock=self.clock,
        )  # fmt: skip

    def render(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page in the viewer's language; ``_context`` says what every template has besides ``context``."""
        spoken = self.language_of(request)
        page = self._environments[spoken.code].get_template(template)
        response = HTMLResponse(page.render(self._context(request, spoken, status) | context), status)
        if SAID in request.cookies:
            response.delete_cookie(SAID, path=self.root)
        return response

    def fragment(self, code: str, template: str, **context: Any) -> str:
        """Part of a page in one language, for an event stream: it has no request, so no viewer and no forms."""
        return self._environments[code].get_template(template).render(language=self.languages[code], **context)

    def stream_seconds(self, request: Request) -> float:
        """How long an event stream may stay open: ten minutes, or less when the session ends before.

        The page then asks again, so that an ended session ends its streams soon.
        """
        session = request.state.session
        return min(LONGEST_STREAM, session.left(self.clock())) if session else 0.0

    def redirect(self, path: str, say: str = "", **values: str) -> RedirectResponse:
        """See other (303), after a form; ``say`` is a message id shown once above the next page of this service."""
        response = RedirectResponse(safe_path(path, self.root), 303)
        if say:
            closed = self.keys.close(SAID, {"say": say, "values": values})
            self.set_cookie(response, SAID, closed, SAID_SECONDS, self.root)
        return response

    def set_cookie(self, response: Response, name: str, value: str, seconds: int, path: str) -> None:
        """A cookie as all of ours are: out of reach of scripts, not sent with foreign forms, https only if we are."""
        secure = self.settings.console.startswith("https:")
        response.set_cookie(name, value, seconds, path=path, secure=secure, httponly=True, samesite="lax")

    def language_of(self, request: Request) -> Language:
        """The language of the request; English for one that failed before its language was known."""
        return getattr(request.state, "language", self.languages["en"])

    def _context(self, request: Request, spoken: Language, status: int) -> dict[str, Any]:
        person = seen_by(request)
        places = places_for(person)
        session = getattr(request.state, "session", None)
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return {
            "request": request,
            "status": status,
            "language": spoken,
            "languages": LANGUAGES,
            "viewer": person,
            "role": ROLES.get(person.role, person.role) if person else "",
            "csrf_token": token_of(self.keys, session) if session else "",
            "places": places,
            "here": here(places, request.url.path),
            "back": asked if request.method == "GET" else self.root,
            "root": self.root,
            "service": self.service,
            "notices": self.notices(request),
            "said": self._said(request, spoken),
        }

    def _said(self, request: Request, spoken: Language) -> str:
        closed = request.cookies.get(SAID)
        said = self.keys.open(SAID, closed) if closed else None
        if said is None:
            return ""
        sentence, values = said["say"], said["values"]
        return spoken.gettext(sentence, **values)
