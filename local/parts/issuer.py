"""A small OpenID Connect issuer for one machine: authorization code flow with PKCE, for the console and nobody else.

It stands where an organisation's own provider is in production. Specifications: OpenID Connect Core 1.0, Discovery 1.0,
RP-Initiated Logout 1.0, RFC 6749 (OAuth), RFC 7636 (PKCE, S256 only), RFC 9207 (``iss`` in the answer). It keeps no
session: each sign-in asks for the password. (oidc-provider-mock was looked at: it checks no password and no PKCE.)
"""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.addresses import CLIENT_ID, console_address
from local.home import Home
from local.parts import pages
from local.parts.grants import LOCKED_SECONDS, TOKEN_SECONDS, Clock, Grant, GrantRefused, Grants, Throttle
from local.parts.people import Person, matching, people
from local.parts.web import READY, WebPart, serve
from shared.contracts import SERVICES
from shared.settings import sourced

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
WRONG = "The user name or the password is not right"
LOCKED = "Too many wrong passwords. Wait five minutes, then try again."


class Issuer(WebPart):
    """The issuer; its address is what it calls itself in tokens."""

    name = "issuer"
    module = "local.parts.issuer"

    def variables(self, port: int) -> Mapping[str, str]:
        return {"JIGSAW_HOME": str(self.home.path), "JIGSAW_CONSOLE": console_address(self.home)}


@dataclass(frozen=True)
class Client:
    """The one client there is: the console. Redirects go to these addresses, letter by letter, or nowhere."""

    id: str
    secret: str
    redirect_uris: frozenset[str]
    after_sign_out: frozenset[str]

    @classmethod
    def at(cls, console: str, secret: str) -> "Client":
        """The console's services at this address."""
        return cls(
            CLIENT_ID, secret,
            frozenset(f"{console}/{service}/signed-in" for service in SERVICES),
            frozenset(f"{console}/{service}/signed-out" for service in SERVICES),
        )  # fmt: skip


class Provider:
    """The endpoints. ``address``: the issuer's name; ``clock``: seconds since 1970."""

    def __init__(self, address: str, client: Client, key: RSAKey, persons: list[Person], clock: Clock) -> None:
        self.address, self.client, self.key, self.clock = address, client, key, clock
        self.persons = {person.username: person for person in persons}
        self.grants, self.throttle = Grants(clock), Throttle(clock)

    def app(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.keys),
                Route("/authorize", self.ask_password, methods=["GET"]),
                Route("/authorize", self.check_password, methods=["POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/userinfo", self.userinfo, methods=["GET", "POST"]),
                Route("/end-session", self.end_session, methods=["GET", "POST"]),
                Route(READY, lambda request: JSONResponse({"service": "issuer"})),
                pages.static(),
            ]
        )

    async def discovery(self, request: Request) -> Response:
        """Its metadata."""
        ends = {
            "authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo",
            "jwks_uri": "keys", "end_session_endpoint": "end-session",
        }  # fmt: skip
        facts = {
            "issuer": self.address,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "profile", "email"],
            "claims_supported": ["sub", "name", "email", "role", "team", "locale"],
            "ui_locales_supported": ["en", "cy"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(facts | {name: f"{self.address}/{path}" for name, path in ends.items()})

    async def keys(self, request: Request) -> Response:
        """The public key by which its tokens are verified."""
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def ask_password(self, request: Request) -> Response:
        """The sign-in page, for a request that may be answered."""
        return self._refused(request) or self._form(request)

    async def check_password(self, request: Request) -> Response:
        """Back to the console with a code, or the page again with what was wrong."""
        if refused := self._refused(request):
            return refused
        form = await request.form(max_files=0, max_fields=5)
        username, password = str(form.get("username", "")).strip().lower(), str(form.get("password", ""))
        empty = {"username": "Enter your user name"} if not username else {}
        empty |= {"password": "Enter your password"} if not password else {}
        if empty:
            return self._form(request, username, empty, 400)
        if self.throttle.locked(username):
            return self._form(request, username, {"username": LOCKED}, 429)
        person = matching(self.persons, username, password)
        if person is None:
            self.throttle.wrong(username)
            return self._form(request, username, {"username": WRONG}, 403)
        self.throttle.right(username)
        asked = request.query_params
        grant = Grant(person, asked["redirect_uri"], asked["code_challenge"], asked.get("nonce", ""), self.clock())
        return self._back(request, code=self.grants.code(grant))

    async def token(self, request: Request) -> Response:
        """An ID token and an access token for a code."""
        form = {name: str(value) for name, value in (await request.form(max_files=0, max_fields=20)).items()}
        if not self._is_client(request, form):
            challenge = NO_STORE | {"WWW-Authenticate": 'Basic realm="jigsaw"'}
            return _error("invalid_client", "client id and secret are not the console's", 401, challenge)
        if form.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type", "grant_type must be authorization_code")
        named = (form.get(name, "") for name in ("code", "redirect_uri", "code_verifier"))
        try:
            access, grant = self.grants.redeem(*named)
        except GrantRefused as reason:
            return _error("invalid_grant", str(reason))
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": "openid profile email",
        }
        return JSONResponse(answer | {"id_token": self._id_token(grant)}, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        """The claims of an access token's person."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        person = self.grants.holder(token) if scheme.lower() == "bearer" else None
        if person is None:
            return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return JSONResponse(person.claims, headers=NO_STORE)

    async def end_session(self, request: Request) -> Response:
        """There is no session to end here; the browser goes back when the address is one of the console's."""
        asked = request.query_params if request.method == "GET" else await request.form(max_files=0)
        to = str(asked.get("post_logout_redirect_uri", ""))
        if to not in self.client.after_sign_out:
            return pages.page(request, "notice.html", heading="You are signed out", advice="", detail="")
        state = {"state": str(asked["state"])} if "state" in asked else {}
        return RedirectResponse(f"{to}?{urlencode(state)}" if state else to, 303)

    def _refused(self, request: Request) -> Response | None:
        """Why a request cannot go on: on a page when it may be forged, else as an error to the client."""
        asked = request.query_params
        forged = ""
        if asked.get("client_id") != self.client.id:
            forged = f"client_id is not {self.client.id!r}."
        elif asked.get("redirect_uri") not in self.client.redirect_uris:
            forged = "redirect_uri is not an address of this console, letter by letter."
        elif any(len(asked.getlist(name)) > 1 for name in asked):
            forged = "A parameter is given twice."
        if forged:
            advice = "Check the address you followed. Nobody was signed in."
            return pages.page(
                request, "notice.html", 400, heading="This sign-in cannot go on", advice=advice, detail=forged
            )
        if asked.get("response_type") != "code":
            return self._back(request, error="unsupported_response_type")
        if "openid" not in asked.get("scope", "").split():
            return self._back(request, error="invalid_scope")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            return self._back(request, error="invalid_request", error_description="PKCE with S256 is required")
        if "none" in asked.get("prompt", "").split():
            return self._back(request, error="login_required")
        return None

    def _back(self, request: Request, **answer: str) -> Response:
        """To the client's address, with its state and our name."""
        asked = request.query_params
        state = {"state": asked["state"]} if "state" in asked else {}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer | state | {'iss': self.address})}", 303)

    def _form(
        self, request: Request, username: str = "", problems: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        console = request.query_params["redirect_uri"].split("/", 3)
        origin = "/".join(console[:3])  # browsers hold the redirect after a form to form-action too
        action = f"/authorize?{request.url.query}"
        problems = problems or {}
        response = pages.page(
            request, "sign_in.html", status, forms_to=origin, action=action, username=username, problems=problems
        )
        if status == 429:
            response.headers["Retry-After"] = str(LOCKED_SECONDS)
        return response

    def _is_client(self, request: Request, form: Mapping[str, str]) -> bool:
        """client_secret_basic (RFC 6749 §2.3.1) or client_secret_post."""
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            name, secret = unquote_plus(name), unquote_plus(secret)
        right = hmac.compare_digest(secret.encode(), self.client.secret.encode())
        return right and name == self.client.id

    def _id_token(self, grant: Grant) -> str:
        now = int(self.clock())
        claims: dict[str, Any] = {
            **grant.person.claims, "iss": self.address, "aud": self.client.id, "iat": now, "exp": now + TOKEN_SECONDS,
            "auth_time": int(grant.signed_in), **({"nonce": grant.nonce} if grant.nonce else {}),
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


def _error(error: str, description: str, status: int = 400, headers: Mapping[str, str] = NO_STORE) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status, headers)


def signing_key(home: Home) -> RSAKey:
    """This home's RSA key, made on first use; its ``kid`` is its RFC 7638 thumbprint."""
    pem = home.secret("issuer_key", make=lambda: RSAKey.generate_key(2048).as_pem(private=True).decode())
    return RSAKey.import_key(pem, {"use": "sig", "alg": "RS256", "kid": RSAKey.import_key(pem).thumbprint()})


class Told(BaseSettings):
    """What the issuer is told. The last three are for a container, where others than this machine's must reach it."""

    model_config = sourced()

    home: Path = Field(description="The data folder: passwords and the signing key.")
    console: str = Field(description="The console's public address.")
    http_port: int = Field(description="Where it answers.")
    http_host: str = Field("127.0.0.1", description="Where it answers.")
    oidc_issuer: str = Field("", description="Its name, when that is not its own address on 127.0.0.1.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="The console's secret, when the home has none.")


def main() -> None:
    """Serve this home's people to the console."""
    told = Told()
    home = Home(told.home)
    secret = told.oidc_client_secret.get_secret_value() or home.secret("oidc_client_secret")
    address = told.oidc_issuer or f"http://127.0.0.1:{told.http_port}"
    provider = Provider(address, Client.at(told.console, secret), signing_key(home), people(home), time.time)
    serve(provider.app(), told.http_port, host=told.http_host)


if __name__ == "__main__":
    main()
