"""A small service in a process of its own: says what it was asked, streams without end, and can refuse to leave."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

left = asyncio.Event()


async def echo(request: Request) -> Response:
    body = await request.body()
    target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    headers = [[name.decode(), value.decode()] for name, value in request.scope["headers"]]
    return JSONResponse({"method": request.method, "target": target, "headers": headers, "size": len(body)})


async def stream(request: Request) -> Response:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Of": "toy"})


async def state(request: Request) -> Response:
    return JSONResponse({"colour": os.environ.get("JIGSAW_COLOUR", "")})


async def signs_in(request: Request) -> Response:
    response = JSONResponse({})
    response.set_cookie("session", "mair's", path="/")
    return response


async def waits_for_leaving(request: Request) -> Response:
    await left.wait()
    return JSONResponse({"left": True})


async def breaks_off(request: Request) -> Response:
    async def some() -> AsyncIterator[bytes]:
        yield b"half of "
        os.kill(os.getpid(), signal.SIGKILL)

    return StreamingResponse(some())


routes = [
    Route("/health/ready", lambda request: JSONResponse({})),
    Route("/alerts/stream", stream),
    Route("/alerts/state", state),
    Route("/alerts/signs-in", signs_in),
    Route("/alerts/left", waits_for_leaving),
    Route("/alerts/breaks-off", breaks_off),
    Route("/{rest:path}", echo, methods=["GET", "POST", "PUT"]),
]

if __name__ == "__main__":
    if os.environ.get("JIGSAW_TEMPER") == "fails":
        sys.exit("the toy has no batteries")
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=routes), port=int(os.environ["JIGSAW_HTTP_PORT"]), log_level="warning")
    )
    if os.environ.get("JIGSAW_TEMPER") == "stubborn":
        server.handle_exit = lambda *_: None  # type: ignore[method-assign]
    server.run()
