"""``jigsaw sign-out``: ends every session that somebody has, as an organisation's provider does when an account is
closed: the local issuer's logout token goes to the console (OpenID Connect Back-Channel Logout 1.0)."""

import time
import uuid

import httpx
from joserfc import jwt
from rich.console import Console

from local.addresses import CLIENT_ID, issuer_address
from local.home import Home, StackError
from local.parts.issuer import signing_key
from local.parts.people import people
from local.running import running
from shared.web.oidc import LOGOUT

TOKEN_SECONDS = 60
SECONDS = 10.0


def sign_out_on(home: Home, username: str, out: Console) -> None:
    """Sign somebody out of this machine's stack, wherever they are signed in. Raises ``StackError``."""
    known = [person.username for person in people(home)]
    if username not in known:
        raise StackError(f"Nobody is called {username!r} here: {', '.join(known)}.")
    answer = httpx.post(
        f"{running(home).services['alerts']}/alerts/signed-out-elsewhere",
        data={"logout_token": _logout_token(home, username)}, timeout=SECONDS,
    )  # fmt: skip
    if answer.is_error:
        raise StackError(f"Nobody was signed out: the console answers {answer.status_code} {answer.text}")
    out.print(
        f"{username} is signed out everywhere, and can sign in again: close the account at the issuer to end that."
    )


def _logout_token(home: Home, username: str) -> str:
    key, now = signing_key(home), int(time.time())
    claims = {
        "iss": issuer_address(home), "aud": CLIENT_ID, "sub": username, "iat": now, "exp": now + TOKEN_SECONDS,
        "jti": str(uuid.uuid4()), "events": {LOGOUT: {}},
    }  # fmt: skip
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "logout+jwt"}, claims, key)
