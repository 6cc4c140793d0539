"""OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636): what we ask the issuer and what we believe."""

import asyncio
import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from shared.errors import Unavailable

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
"""Public-key signatures only: "none", or a MAC by a key that we hold too, would prove nothing."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SCOPE = "openid profile email"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
"""The event that makes a token a logout token. A client that wants to be told must be told of whom: we need ``sub``."""
TIMEOUT = 5.0
LEEWAY = 60
CACHE = 3600
REST = 1.0
LOGIN_LIMIT = 128
NEW_KEYS = 60
"""Seconds between two looks for a key that we do not know, so that forged tokens cannot make us hammer the issuer."""


class IssuerAway(Unavailable):
    """The issuer does not answer, or answers what no issuer should."""


class SignInRefused(Exception):
    """The issuer's answer must not be believed, or says no; the message is for the log, never for the page."""


@dataclass(frozen=True)
class Attempt:
    """What one attempt to sign in must remember until the browser comes back."""

    state: str
    nonce: str
    verifier: str
    to: str

    @classmethod
    def new(cls, to: str) -> "Attempt":
        """256 bits each, from the operating system."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), to)

    @property
    def challenge(self) -> str:
        """S256 of RFC 7636 §4.2."""
        return base64.urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")


def login_of(claims: Mapping[str, Any]) -> str:
    """The issuer's name for its own session (``sid``), as much of it as a cookie has room for; or empty."""
    return str(claims.get("sid") or "")[:LOGIN_LIMIT]


@dataclass
class Issuer:
    """One issuer; its metadata and keys are kept for an hour. It is asked one thing at a time, for anybody may make us
    ask; while it does not answer, once a second."""

    address: str
    client_id: str
    client_secret: str
    _metadata: dict[str, Any] = field(default_factory=dict)
    _keys: KeySet | None = None
    _read: float = 0.0
    _keys_asked: float = -NEW_KEYS
    _rests_until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def metadata(self) -> Mapping[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0). Raises IssuerAway."""
        if self._is_stale:
            if not self.address:
                raise IssuerAway("JIGSAW_OIDC_ISSUER is not set: nobody can sign in")
            async with self._asking:
                if self._is_stale:
                    await self._discover()
        return self._metadata

    @property
    def _is_stale(self) -> bool:
        return not self._metadata or time.monotonic() - self._read > CACHE

    async def _discover(self) -> None:
        found = await self._fetched(f"{self.address.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.address:
            raise IssuerAway(f"JIGSAW_OIDC_ISSUER is {self.address!r} but its metadata says {found.get('issuer')!r}")
        if missing := [name for name in ENDPOINTS if not isinstance(found.get(name), str)]:
            raise IssuerAway(f"the metadata of {self.address} has no {', '.join(missing)}")
        self._metadata, self._read, self._keys = found, time.monotonic(), None

    async def sign_in_address(self, attempt: Attempt, redirect: str, language: str) -> str:
        """Where the browser goes to sign in."""
        metadata = await self.metadata()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        return f"{metadata['authorization_endpoint']}?{urlencode(asked)}"

    async def sign_out_address(self, hint: str, redirect: str) -> str | None:
        """Where the issuer ends its own session (OpenID Connect RP-Initiated Logout 1.0); None when it offers none."""
        end = (await self.metadata()).get("end_session_endpoint")
        if not end:
            return None
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": redirect} | (
            {"id_token_hint": hint} if hint else {}
        )
        return f"{end}?{urlencode(asked)}"

    async def redeem(self, code: str, attempt: Attempt, redirect: str) -> tuple[str, dict[str, Any]]:
        """The ID token and its verified claims, for a code. Raises IssuerAway or SignInRefused."""
        answer = await self._exchange(code, attempt, redirect)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("the token endpoint sent no id_token")
        claims = await self.verified(token, attempt.nonce)
        if "role" not in claims and "userinfo_endpoint" in await self.metadata():
            claims = await self._with_userinfo(claims, str(answer.get("access_token", "")))
        return token, claims

    async def verified(self, token: str, nonce: str) -> dict[str, Any]:
        """An ID token's claims after the checks of OpenID Connect Core §3.1.3.7. Raises IssuerAway or SignInRefused."""
        claims = await self._claims(token, "ID token", nonce={"essential": True, "value": nonce})
        if claims.get("azp", self.client_id) != self.client_id:
            raise SignInRefused("ID token refused: it was issued to another client (azp)")
        return claims

    async def signed_out(self, token: str) -> tuple[str, str, float]:
        """Whom a logout token signs out: a subject, the issuer's session (empty: all of theirs), and until when it was
        begun (Unix seconds, as far as clocks may differ), so that a token sent again ends nothing new; after the checks
        of OpenID Connect Back-Channel Logout 1.0 §2.6. Raises IssuerAway or SignInRefused."""
        claims = await self._claims(token, "logout token", jti={"essential": True})
        events = claims.get("events")
        if not isinstance(events, dict) or LOGOUT not in events or "nonce" in claims:
            raise SignInRefused("logout token refused: it is no logout token")
        return str(claims["sub"]), login_of(claims), float(claims["iat"]) + LEEWAY

    async def _claims(self, token: str, what: str, **more: Any) -> dict[str, Any]:
        """What a token of the issuer's to us says. Raises IssuerAway or SignInRefused."""
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.address},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            **more,
        )
        try:
            claims = (await self._decoded(token)).claims
            rules.validate(claims)
        except (JoseError, ValueError, TypeError) as problem:
            raise SignInRefused(f"{what} refused: {problem}") from problem
        return dict(claims)

    async def _decoded(self, token: str) -> jwt.Token:
        keys = await self._key_set()
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            if time.monotonic() - self._keys_asked < NEW_KEYS:
                raise
            return jwt.decode(token, await self._key_set(other_than=keys), algorithms=ALGORITHMS)

    async def _key_set(self, other_than: KeySet | None = None) -> KeySet:
        """Its keys; ``other_than`` those, which it may have rolled: what we have is kept until there is something
        newer."""
        address = (await self.metadata())["jwks_uri"]
        async with self._asking:
            if self._keys is None or self._keys is other_than:
                self._keys_asked = time.monotonic()
                self._keys = KeySet.import_key_set(await self._fetched(address))  # type: ignore[arg-type]
            return self._keys

    async def _fetched(self, address: str) -> dict[str, Any]:
        """What anybody may make us ask for."""
        if time.monotonic() < self._rests_until:
            raise IssuerAway(f"{address} did not answer a moment ago")
        try:
            return await self._get(address)
        except IssuerAway:
            self._rests_until = time.monotonic() + REST
            raise

    async def _exchange(self, code: str, attempt: Attempt, redirect: str) -> dict[str, Any]:
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": attempt.verifier,
        }
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth = None
        if self.client_secret and "client_secret_basic" in methods:
            # RFC 6749 §2.3.1: both are form-encoded before they are joined.
            auth = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self.client_secret))
        else:
            form |= {"client_id": self.client_id} | (
                {"client_secret": self.client_secret} if self.client_secret else {}
            )
        return await self._ask("POST", metadata["token_endpoint"], data=form, auth=auth)

    async def _with_userinfo(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        metadata = await self.metadata()
        more = await self._get(metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:
            raise SignInRefused("the userinfo endpoint speaks of another person than the ID token")
        return {**more, **claims}

    async def _get(self, address: str, **options: Any) -> dict[str, Any]:
        return await self._ask("GET", address, **options)

    async def _ask(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                answer = await client.request(
                    method, address, headers={"Accept": "application/json"} | options.pop("headers", {}), **options
                )
            content = answer.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise IssuerAway(f"{method} {address}: {problem or type(problem).__name__}") from problem
        if answer.status_code >= 500 or not isinstance(content, dict):
            raise IssuerAway(f"{method} {address}: status {answer.status_code}")
        if answer.status_code >= 400:
            raise SignInRefused(f"{method} {address}: {content.get('error', answer.status_code)}")
        return content
