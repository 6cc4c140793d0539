"""The session: a sealed cookie that every service opens with the same key, so none keeps a session store.

It is good until it has been idle for an hour or is eight hours old, or is ended before (``ended.py``).
"""

import secrets
from dataclasses import asdict, dataclass, replace

from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared.web.keys import Keys
from shared.web.viewer import Viewer

HOURS = 3600
LONGEST = 8 * HOURS
IDLE = 1 * HOURS
REFRESH = 60
"""Seconds after which a used session gets a new cookie: not with every response, often enough for ``IDLE``."""
HINT_LIMIT = 1800
"""Characters of an ID token kept for signing out at the issuer: a browser's cookie holds 4,096 in all."""
USE = "session"


@dataclass(frozen=True)
class Session:
    """``started``, ``seen``: seconds since 1970; ``hint``: the ID token (or empty), shown to the issuer at sign-out;
    ``login``: the issuer's name for its own session (``sid``), if it has one."""

    id: str
    viewer: Viewer
    started: float
    seen: float
    hint: str
    login: str = ""

    def left(self, now: float) -> float:
        """Seconds until it ends if it is not used."""
        return min(self.started + LONGEST, self.seen + IDLE) - now

    def alive(self, now: float) -> bool:
        """Younger than eight hours, used in the last hour, and not from the future."""
        return self.started <= self.seen <= now + REFRESH and self.left(now) > 0


def begin(viewer: Viewer, id_token: str, now: float, login: str = "") -> Session:
    """A new session with a new id, whatever cookie came before (no session fixation)."""
    hint = id_token if len(id_token) <= HINT_LIMIT else ""
    now = round(now, 3)  # so exactly, for all that began until a moment may be ended
    return Session(secrets.token_urlsafe(18), viewer, now, now, hint, login)


class SessionCookie:
    """Reads, writes and removes the one cookie. ``secure``: the console is https."""

    def __init__(self, keys: Keys, secure: bool) -> None:
        self._keys, self._secure = keys, secure
        # "__Host-": browsers refuse it unless it is Secure, for this host only and for Path=/ (RFC 6265bis).
        self.name = "__Host-jigsaw" if secure else "jigsaw"

    def read(self, connection: HTTPConnection, now: float) -> Session | None:
        """The living session of a request; None without a cookie, or with one that was changed or is too old."""
        closed = connection.cookies.get(self.name)
        content = self._keys.open(USE, closed) if closed else None
        if content is None:
            return None
        try:
            session = Session(**{**content, "viewer": Viewer(**content["viewer"])})
        except (KeyError, TypeError):  # sealed by a release with other fields: sign in again
            return None
        return session if session.alive(now) else None

    def write(self, response: Response, session: Session) -> None:
        """Give the session to the browser, until it closes."""
        closed = self._keys.close(USE, asdict(session))
        response.set_cookie(self.name, closed, path="/", secure=self._secure, httponly=True, samesite="lax")

    def remove(self, response: Response) -> None:
        """Take it away again."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def refreshed(self, session: Session, now: float) -> Session | None:
        """The session seen now, when it is time to write that down; else None."""
        return replace(session, seen=int(now)) if now - session.seen >= REFRESH else None
