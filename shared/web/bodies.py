"""How much a request may bring. A body is read, and its JSON parsed, before anybody is asked who they are."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 2 * 1024 * 1024
"""Of any request to any service; deploy/docker/Caddyfile says the same. Ingest takes less at once, and says so."""

Refuse = Callable[[Request, Exception], Awaitable[Response]]


class TooLarge(HTTPException):
    """413, and the end of the connection: the rest of the body is not wanted."""

    def __init__(self) -> None:
        super().__init__(413, headers={"Connection": "close"})


def announced(scope: Scope) -> int:
    """The bytes that a request says it brings; 0 when it does not say."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said[:20]) if said.isdecimal() else 0


class Bodies:
    """ASGI middleware: refuses a body that says it is too large, and stops reading one that turns out to be."""

    def __init__(self, app: ASGIApp, refuse: Refuse, most: int = MOST_BYTES) -> None:
        self.app, self.refuse, self.most = app, refuse, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if announced(scope) > self.most:
            response = await self.refuse(Request(scope), TooLarge())
            await response(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                raise TooLarge
            return message

        await self.app(scope, counted, send)
