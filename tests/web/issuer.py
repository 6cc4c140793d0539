"""An OpenID provider, strict with its clients and able to lie to them: ``python -m tests.web.issuer PORT``.

It signs in whom it is told to (``POST /lie``) without a password, and checks PKCE, the client's secret and the redirect
address as a real provider does. ``POST /lie`` also tells it how to answer wrongly.
"""

import base64
import hmac
import json
import secrets
import sys
import time
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

import uvicorn
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response

CLIENT, SECRET = "jigsaw", "the client's secret"
PEOPLE = {
    "mair": {
        "name": "Mair Hughes",
        "email": "mair@example.org",
        "role": "youth-worker",
        "team": "Youth support, North",
    },
    "owen": {"name": "Owen Carter", "email": "owen@example.org", "role": "auditor", "team": "Information governance"},
    "huw": {"name": "Huw", "email": "huw@example.org", "team": ""},
    "nest": {
        "name": "Nest Prys",
        "email": "nest@example.org",
        "role": ["offline_access", "steward"],
        "locale": "cy-GB",
    },
}


def make_app(address: str) -> FastAPI:
    """The provider at this address."""
    app = FastAPI()
    key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
    other = RSAKey.generate_key(2048, {"use": "sig", "kid": key.kid})
    codes: dict[str, dict[str, str]] = {}
    state: dict[str, Any] = {"lie": "", "person": "mair", "signed_out": 0}

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        ends = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "end_session_endpoint": "end",
        }
        return {"issuer": address} | {name: f"{address}/{path}" for name, path in ends.items()}

    @app.get("/keys")
    async def keys() -> Any:
        return KeySet([key]).as_dict(private=False)

    @app.post("/lie")
    async def lie(request: Request) -> dict[str, Any]:
        state.update(await request.json())
        return state

    @app.get("/state")
    async def told() -> dict[str, Any]:
        return state

    @app.get("/authorize")
    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe(16)
        codes[code] = asked | {"person": state["person"]}
        answer = {"code": code, "state": asked["state"]}
        if state["lie"] == "refuses":
            answer = {"error": "access_denied", "state": asked["state"]}
        if state["lie"] == "state":
            answer["state"] = "another-state"
        if state["lie"] == "iss":
            answer["iss"] = "https://elsewhere.example"
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = await request.form()
        asked = codes.pop(str(form["code"]), None)
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        challenge = base64.urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest()).decode().rstrip("=")
        if asked is None or not hmac.compare_digest(request.headers.get("authorization", ""), expected):
            return JSONResponse({"error": "invalid_client"}, 401)
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed(asked, state["lie"])})

    def signed(asked: dict[str, str], lie: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": address, "aud": CLIENT, "sub": asked["person"], "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "sid": asked["state"]} | PEOPLE[asked["person"]]
        claims |= LIES.get(lie, {})
        if lie == "expired":
            claims |= {"exp": now - 600, "iat": now - 900}
        if lie == "unsigned":
            header, body = ({"alg": "none"}, claims)
            return (
                ".".join(
                    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, body)
                )
                + "."
            )
        if lie == "mac":
            return jwt.encode(
                {"alg": "HS256", "kid": key.kid}, claims, OctKey.import_key(json.dumps(key.as_dict(private=False)))
            )
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, other if lie == "signature" else key)

    @app.get("/logout-token")
    async def logout_token(request: Request) -> str:
        """As it would send it, but for what ``lie`` says: a claim that is another, or one that is left out."""
        asked, now = dict(request.query_params), int(time.time())
        claims: dict[str, Any] = {
            "iss": address, "aud": CLIENT, "sub": asked["sub"], "iat": now - int(asked.get("ago", 0)), "exp": now + 60,
            "jti": secrets.token_hex(8), "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        claims |= {"sid": asked["sid"]} if "sid" in asked else {}
        lie = asked.get("lie", "")
        claims |= NOT_A_LOGOUT.get(lie, {})
        claims = {name: value for name, value in claims.items() if value is not None}
        if lie == "mac":
            public = OctKey.import_key(json.dumps(key.as_dict(private=False)))
            return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, public)
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, other if lie == "signature" else key)

    @app.get("/end")
    async def end(post_logout_redirect_uri: str, id_token_hint: str = "", client_id: str = "") -> Response:
        assert id_token_hint
        assert client_id == CLIENT
        state["signed_out"] += 1
        return RedirectResponse(post_logout_redirect_uri, 302)

    return app


LIES: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "audience": {"aud": "another-client"},
    "issuer": {"iss": "https://elsewhere.example"},
    "party": {"aud": [CLIENT, "another"], "azp": "another"},
}


NOT_A_LOGOUT: dict[str, dict[str, Any]] = {
    "audience": {"aud": "another-client"},
    "issuer": {"iss": "https://elsewhere.example"},
    "expired": {"exp": 1_700_000_000, "iat": 1_699_999_000},
    "endless": {"exp": None},
    "nobody": {"sub": None},
    "unnumbered": {"jti": None},
    "uneventful": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an ID token": {"nonce": "n"},
}


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(make_app(f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port, log_level="warning")
