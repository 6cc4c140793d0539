"""What surrounds every request: its session and language before, its security headers and renewed cookie after."""

import time
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.csrf import origin_of
from shared.web.ended import Ended
from shared.web.language import Language, chosen
from shared.web.session import Session, SessionCookie

LANGUAGE_COOKIE = "jigsaw-language"
Clock = Callable[[], float]


def security_headers(console: str, issuer: str) -> dict[str, str]:
    """Nothing from elsewhere, nothing inline, no frames, nothing kept.

    Referrer-Policy is same-origin and not no-referrer: with the latter browsers send "Origin: null" with our own forms
    (Fetch Standard, "append a request Origin header"), which is what a foreign form may look like too.
    The issuer is in form-action because the sign-out form is answered with a redirect to it.
    """
    forms = " ".join(["'self'", *([origin_of(issuer)] if issuer else [])])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": forms,
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cache-Control": "no-store",
    }
    if console.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class Surroundings:
    """ASGI middleware (not BaseHTTPMiddleware, which would hold up event streams)."""

    def __init__(
        self,
        app: ASGIApp,
        cookie: SessionCookie,
        languages: Mapping[str, Language],
        headers: Mapping[str, str],
        ended: Ended,
        clock: Clock = time.time,
    ) -> None:
        self.app, self.cookie, self.languages, self.headers, self.clock = app, cookie, languages, headers, clock
        self.ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set ``request.state.session`` and ``.language``; never overrule a header the route has set."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        now = self.clock()
        session = self.cookie.read(connection, now)
        if session and self.ended.is_over(session):
            session = None
        state = scope.setdefault("state", {})
        state["session"], state["language"] = session, self._language(connection, session)
        renewed = None if _is_stream(connection) else self._renewed_cookie(session, now)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message), renewed, state["language"])
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _language(self, connection: HTTPConnection, session: Session | None) -> Language:
        code = chosen(
            connection.cookies.get(LANGUAGE_COOKIE),
            connection.headers.get("accept-language", ""),
            session.viewer.locale if session else "",
        )
        return self.languages[code]

    def _renewed_cookie(self, session: Session | None, now: float) -> str | None:
        fresh = self.cookie.refreshed(session, now) if session else None
        if fresh is None:
            return None
        carrier = Response()
        self.cookie.write(carrier, fresh)
        return carrier.headers["set-cookie"]

    def _complete(self, headers: MutableHeaders, renewed: str | None, language: Language) -> None:
        for name, value in self.headers.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Language", language.code)
        headers.add_vary_header("Cookie, Accept-Language")
        if renewed and self.cookie.name not in SimpleCookie("; ".join(headers.getlist("set-cookie"))):
            headers.append("set-cookie", renewed)


def _is_stream(connection: HTTPConnection) -> bool:
    """Whether an open page asks by itself for what is new: that is no sign that somebody is still there."""
    return "text/event-stream" in connection.headers.get("accept", "")
