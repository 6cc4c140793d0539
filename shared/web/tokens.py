"""One service asks another, on behalf of the person at the screen, for a purpose: a signed note good for a minute."""

import time
from dataclasses import asdict, dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.web.keys import Keys
from shared.web.viewer import Viewer

ALGORITHM = "HS256"
LEEWAY = 5


class TokenRefused(Exception):
    """The note is not from a service of ours, not for this one, or too old; the message says which."""


@dataclass(frozen=True)
class ServiceCall:
    """Who calls, for whom (None: for itself) and for which purpose (empty: none was named)."""

    caller: str
    viewer: Viewer | None
    purpose: str


def service_token(
    key: str,
    service: str,
    on_behalf_of: Viewer | None,
    ttl: int = 60,
    *,
    caller: str = "",
    purpose: str = "",
    now: float | None = None,
) -> str:
    """A JWT to send as a bearer; ``key``: JIGSAW_SESSION_KEY; ``service``: whom it calls; ``ttl``: in seconds."""
    issued = int(time.time() if now is None else now)
    claims: dict[str, object] = {"iss": caller, "aud": service, "iat": issued, "exp": issued + ttl, "purpose": purpose}
    if on_behalf_of is not None:
        claims["viewer"] = asdict(on_behalf_of)
    return jwt.encode({"alg": ALGORITHM}, claims, _signing_key(key))


def verify_service_token(key: str, service: str, token: str, *, now: float | None = None) -> ServiceCall:
    """Whom the token speaks for, when it was made for ``service`` and is not too old. Raises TokenRefused."""
    moment = int(time.time() if now is None else now)
    rules = jwt.JWTClaimsRegistry(
        now=moment,
        leeway=LEEWAY,
        aud={"essential": True, "value": service},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        claims = jwt.decode(token, _signing_key(key), algorithms=[ALGORITHM]).claims
        rules.validate(claims)
        person = claims.get("viewer")
        return ServiceCall(str(claims["iss"]), Viewer(**person) if person else None, str(claims["purpose"]))
    except (JoseError, ValueError, KeyError, TypeError) as problem:
        raise TokenRefused(f"service token for {service!r} refused: {problem}") from problem


def _signing_key(secret: str) -> OctKey:
    return OctKey.import_key(Keys(secret).key("service token"))
