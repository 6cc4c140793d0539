"""What every service is made of, put together once: database, outbox, bus, web app; started and stopped in one order.

``main.py`` of a service makes a ``Service``, gives it handlers and routers, and runs it.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.bus import Bus, Handler
from shared.contracts import SessionsEnded, Topic
from shared.contracts.asyncapi import document
from shared.contracts.envelope import first
from shared.db import Connection, Database
from shared.errors import Unavailable
from shared.everywhere import Follower
from shared.memory import give_back, use_large_pages
from shared.outbox import Outbox
from shared.prune import prune_forever
from shared.settings import Settings
from shared.tasks import end
from shared.telemetry import RELEASE, log, start_logging
from shared.turn import Turn
from shared.watch import Watchdog
from shared.web import Web
from shared.work import Worker

S = TypeVar("S")
Startup = Callable[[], Awaitable[None]]

GRACE_SECONDS = 10
NICE = 10
"""How far behind the others a service stands that lets messages gather: its large batches would make them wait."""


class Service(Generic[S]):
    """One service. ``store`` makes its store from a connection."""

    def __init__(self, name: str, settings: Settings, store: Callable[[Connection], S], *, title: str) -> None:
        self.name, self.settings = name, settings
        self.database = Database(settings.database.get_secret_value())
        self.outbox = Outbox(self.database, settings.broker(name), name)
        sealing_key = bytes.fromhex(settings.sealing_key.get_secret_value())
        self.worker = Worker(name, self.database, self.outbox, store, sealing_key)
        self.bus: Bus[S] | None = None
        self._turn: Turn | None = None
        self._in_a_hurry = True
        self._first: list[Startup] = []
        self._background: list[Callable[[], Awaitable[None]]] = []
        prefix = f"/{name}"
        self.app = FastAPI(
            title=title, version=settings.release, lifespan=self._lifespan, docs_url=None, redoc_url=None,
            openapi_url=f"{prefix}/openapi.json",
            redirect_slashes=False,  # which would name whatever host the request does
        )  # fmt: skip
        self.app.include_router(self._operations())

    def hears(
        self,
        *handlers: Handler[S],
        on_abort: Callable[[], None] = lambda: None,
        alone: bool = False,
        linger_ms: int = 0,
    ) -> None:
        """The handlers, called in this order in the transaction of a batch. One may hear several topics, and no topic
        has two.

        ``alone``: one replica hears, the others answer requests and stand by to take over. ``linger_ms``: who is not in
        a hurry lets messages gather for so long, for larger batches, and leaves the processors to those who are.
        """
        self._turn = Turn(self.database, f"{self.name} hears") if alone else None
        self._in_a_hurry = not linger_ms
        self.bus = Bus(
            self.worker,
            self.settings.broker(self.name),
            handlers,
            batch=self.settings.batch,
            linger_ms=linger_ms,
            on_abort=on_abort,
        )

    @property
    def hearing(self) -> bool:
        """Whether this replica hears, or stands by."""
        return self.bus is not None and (self._turn is None or self._turn.held)

    def answers(self, *routers: APIRouter) -> None:
        for router in routers:
            self.app.include_router(router)

    def shows(self, web: Web) -> None:
        """Its pages. Whoever signs out at one service, or at the issuer, is signed out at all."""
        web.mount(self.app)
        web.ended.say = self._say_ended
        follower = Follower(self.settings.broker(self.name), Topic.SESSIONS, web.ended.hear)
        self.before_hearing(follower.catch_up)
        self.in_background(follower.run)

    async def _say_ended(self, ended: SessionsEnded) -> None:
        async with self.worker.work() as work:
            work.say([first(f"/services/{self.name}", self.name, ended, datetime.now(UTC))])

    def before_hearing(self, startup: Startup) -> None:
        """Something to finish before the first message: rebuild an index, load a model."""
        self._first.append(startup)

    def in_background(self, work: Callable[[], Awaitable[None]]) -> None:
        """A loop that runs as long as the service does; if it ends with an error, the service leaves."""
        self._background.append(work)

    def run(self) -> None:
        """Serve until SIGTERM: stop taking, finish the batch, commit, flush, leave."""
        start_logging(self.name, self.settings.log_level)
        if not self._in_a_hurry:
            os.nice(NICE)
        RELEASE.labels(self.name, self.settings.release).set(1)
        uvicorn.run(
            self.app, host=self.settings.http_host, port=self.settings.http_port, log_config=None, access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS, server_header=False,
        )  # fmt: skip

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        await _patiently(self.database.open)
        await self.outbox.start()
        for startup in self._first:
            await startup()
        if self._turn is not None:
            self.in_background(partial(self._turn.keep, self._begin_hearing))
        elif self.bus is not None:
            await self._begin_hearing()
        if self.bus is not None:
            self.in_background(Watchdog(self.bus).run)  # type: ignore[arg-type]
            self.in_background(partial(prune_forever, self.database, self.bus.topics))
        tasks = [asyncio.create_task(_loudly(work)) for work in self._background]
        _spare_the_collector()
        give_back()
        use_large_pages()
        log().info("service.ready", port=self.settings.http_port)
        yield
        log().info("service.leaving")
        if self.bus is not None:
            await self.bus.stop()
        await end(tasks)
        await self.outbox.stop()
        await self.database.close()

    async def _begin_hearing(self) -> None:
        assert self.bus is not None
        await _patiently(self.bus.start)

    def _operations(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)

        @router.get("/metrics")
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        @router.get(f"/{self.name}/asyncapi.json")
        async def asyncapi() -> dict[str, Any]:
            return document()

        @router.get("/health/live")
        async def live() -> dict[str, str]:
            return {"service": self.name, "release": self.settings.release}

        @router.get("/health/ready")
        async def ready() -> JSONResponse:
            away = await self._away()
            return JSONResponse({"service": self.name, "away": away}, status_code=503 if away else 200)

        return router

    async def _away(self) -> Sequence[str]:
        """Which parts do not answer. The loop is proved by answering at all, the bus by belonging to the group."""
        away = []
        try:
            async with asyncio.timeout(2), self.database.transaction() as connection:
                await connection.execute("SELECT 1")
        except (Unavailable, TimeoutError):
            away.append("database")
        standing_by = self._turn is not None and not self._turn.held
        if self.bus is not None and not standing_by and not self.bus.joined:
            away.append("bus")
        return away


def _spare_the_collector() -> None:
    """Collect garbage seldom, and never what has lasted.

    Batches make many objects and almost no cycles, so a collection finds next to nothing, and every event waits for it.
    Caches and indexes grow and stay: whatever has survived two collections is frozen, that is, left out of all later
    ones, which would otherwise take longer and longer. A cycle that is frozen is never freed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(30_000, 1, 10)
    gc.callbacks.append(_keep_what_lasts)


def _keep_what_lasts(phase: str, about: dict[str, int]) -> None:
    if phase == "stop" and about["generation"] > 0:
        gc.freeze()


async def _patiently(start: Callable[[], Awaitable[None]]) -> None:
    """Parts may come up after us: ask until they answer."""
    pause = 0.1
    while True:
        try:
            return await start()
        except (Unavailable, OSError, KafkaError) as error:
            log().warning("service.waits", because=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


async def _loudly(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception as error:
        log().critical("service.background_failed", exc_info=error)
        os._exit(70)
