"""No other site may act for a signed-in person: a token bound to the session, and a look at where a form came from."""

import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request

from shared.web.keys import Keys
from shared.web.language import N_
from shared.web.session import Session
from shared.web.viewer import Refused, SignInNeeded

FIELD = "csrf"
HEADER = "X-CSRF-Token"
STALE = N_(
    "This form is not of your present sign-in, so nothing was changed. Go back, reload the page and send it again."
)
FOREIGN = N_("This form came from another site, so nothing was changed.")


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as browsers write them in an Origin header."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def token_of(keys: Keys, session: Session) -> str:
    """What every form of this session carries: a MAC of the session's id, so nothing need be kept."""
    return hmac.new(keys.key("csrf"), session.id.encode(), sha256).hexdigest()


def from_here(request: Request, console: str) -> bool:
    """Whether the browser says that the form was on a page of this console.

    Sec-Fetch-Site where there is one (browsers send it over https and to localhost), else Origin; scripts and old
    browsers send neither, and for them the token alone decides.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin == origin_of(console)


async def csrf(request: Request) -> None:
    """FastAPI dependency of each route that changes something for a person. Raises Refused or SignInNeeded."""
    session: Session | None = request.state.session
    if session is None:
        raise SignInNeeded
    web = request.app.state.web
    if not from_here(request, web.settings.console):
        raise Refused(FOREIGN)
    sent = request.headers.get(HEADER) or (await request.form()).get(FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), token_of(web.keys, session).encode()):
        raise Refused(STALE)
