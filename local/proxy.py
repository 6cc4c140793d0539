"""One address in front of the five services and the mailbox: ``python -m local.proxy``.

It copies bytes both ways as they come, so server-sent events are not held up; when the browser goes, the service learns
it at once. In production Caddy or an Ingress does the same.
"""

import os
import resource
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import ClassVar

import anyio
import httpx
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.addresses import CONSOLE_PORT, service_addresses
from local.daemon import port_of
from local.parts import pages
from local.parts.web import READY, WebPart, serve
from shared.contracts import SERVICES
from shared.web.bodies import MOST_BYTES, announced
from shared.web.errors import ADVICE, TITLES, problem

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
"""RFC 9110 §7.6.1: about one connection only, so not to be passed on."""
FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
"""Ours to say; what a client says of itself is dropped."""
Headers = list[tuple[bytes, bytes]]
DOTS = frozenset((".", ".."))
"""Parts of a path that lead elsewhere."""
NO_COOKIES = DefaultCookiePolicy(allowed_domains=())
"""Kept by browsers alone: one that the proxy kept would sign in whoever comes next."""
CONNECT_SECONDS = 5
WAITING_CHUNKS = 4


class Console(WebPart):
    """The proxy; its address is the console's."""

    name = "console"
    module = "local.proxy"
    preferred_port: ClassVar[int | None] = CONSOLE_PORT
    grace = 10

    def variables(self, port: int) -> Mapping[str, str]:
        told = service_addresses(self.home) | {"mail": f"http://127.0.0.1:{port_of(self.home, 'mail')}"}
        return {f"JIGSAW_{name.upper()}_URL": address for name, address in told.items()}


class Proxy:
    """ASGI: passes requests to one service at ``address``."""

    def __init__(self, service: str, address: str, client: httpx.AsyncClient) -> None:
        self.service, self.address, self.client = service, address, client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer; ends, and so ends the service's work on it, when the client leaves."""
        if announced(scope) > MOST_BYTES:  # the service would end the connection, which looks as if it were away
            await problem(413, ADVICE[413], TITLES[413], {"Connection": "close"})(scope, receive, send)
            return
        if not DOTS.isdisjoint(scope["path"].split("/")):  # whose service it is would depend on who reads the path
            await problem(400, ADVICE[400], TITLES[400])(scope, receive, send)
            return
        give, take = anyio.create_memory_object_stream[bytes](WAITING_CHUNKS)
        async with anyio.create_task_group() as tasks, take:

            async def listen() -> None:
                await _receive_all(receive, give)
                tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            await self._pass(scope, take, send)
            tasks.cancel_scope.cancel()

    async def _pass(self, scope: Scope, body: MemoryObjectReceiveStream[bytes], send: Send) -> None:
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        begun = False
        try:
            async with self.client.stream(
                scope["method"], self._url(scope), headers=upstream_headers(scope), content=body if has_body else None
            ) as answer:
                headers = passed_on(answer.headers.raw)
                await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
                begun = True
                async for chunk in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx.TransportError as error:
            if begun:  # the end is missing: let the client see that, by a connection that breaks off
                raise ConnectionError(f"{self.service} broke off in the middle of an answer") from error
            await self._away(scope, send)

    async def _away(self, scope: Scope, send: Send) -> None:
        """502, as a page for people and as JSON for programs."""
        request = Request(scope)
        if "text/html" in request.headers.get("Accept", ""):
            response: Response = pages.page(request, "away.html", 502, home="/", service=self.service)
        else:
            advice = f"{self.service} does not answer: try again; `jigsaw logs {self.service}` shows what it said last"
            response = JSONResponse({"error": "service_away", "service": self.service, "detail": advice}, 502)
        response.headers["Retry-After"] = "5"
        await response(scope, _nothing_more, send)

    def _url(self, scope: Scope) -> httpx.URL:
        """The path and query byte by byte as they came."""
        path, query = scope["raw_path"], scope["query_string"]
        return httpx.URL(self.address).copy_with(raw_path=path + (b"?" + query if query else b""))


def upstream_headers(scope: Scope) -> Headers:
    """The client's headers, and who asked for what where: X-Forwarded-For, -Host and -Proto."""
    headers = passed_on(scope["headers"])
    told = {
        b"x-forwarded-for": (scope["client"] or ("unknown",))[0].encode(),
        b"x-forwarded-host": next((value for name, value in headers if name == b"host"), b""),
        b"x-forwarded-proto": scope["scheme"].encode(),
    }
    return [*((name, value) for name, value in headers if name not in FORWARDED), *told.items()]


def passed_on(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Without what concerns one connection only, also what ``Connection`` names."""
    kept = [(name.lower(), value) for name, value in headers]
    named = {part.strip().lower() for name, value in kept if name == b"connection" for part in value.split(b",")}
    return [(name, value) for name, value in kept if name not in HOP_BY_HOP and name not in named]


async def _receive_all(receive: Receive, give: MemoryObjectSendStream[bytes]) -> None:
    """The body's chunks into the stream; returns when the client has left."""
    while (message := await receive())["type"] != "http.disconnect":
        if message.get("body"):
            with suppress(anyio.BrokenResourceError):  # the service answered without reading to the end
                await give.send(message["body"])
        if not message.get("more_body"):
            give.close()


async def _nothing_more() -> dict[str, str]:
    return {"type": "http.disconnect"}


def make_app(addresses: Mapping[str, str]) -> Starlette:
    """``addresses``: of the five services and of "mail". Each service has its own path; events go to ingest."""
    # No limits: an open page holds a connection for as long as it is open.
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS), limits=httpx.Limits(max_keepalive_connections=64),
        trust_env=False, cookies=CookieJar(NO_COOKIES),
    )  # fmt: skip
    client.headers.clear()  # a browser's request is passed on, not one of ours

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    proxies = {name: Proxy(name, address, client) for name, address in addresses.items()}
    routes = [
        Route("/", lambda request: RedirectResponse("/alerts/")),
        Route(READY, lambda request: JSONResponse({"service": "console"})),
        pages.static(),
        Route("/v1/{rest:path}", proxies["ingest"]),
        *(Route(f"/{name}", lambda request: RedirectResponse(f"{request.url.path}/")) for name in proxies),
        *(Route(f"/{name}/{{rest:path}}", proxy) for name, proxy in proxies.items()),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Answer at the console's address."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two a page that is open
    addresses = {name: os.environ[f"JIGSAW_{name.upper()}_URL"] for name in (*SERVICES, "mail")}
    serve(make_app(addresses), int(os.environ["JIGSAW_HTTP_PORT"]), dated=False)


if __name__ == "__main__":
    main()
