"""PostgreSQL: named queries, numbered migrations, one pool a service.

A service's role can use its tables and nothing else; its owner role, used by ``migrate`` alone, makes them. Every
statement is named in a ``queries.sql``; a store takes a connection and never opens or ends a transaction.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import asyncpg
import orjson
from asyncpg.cursor import CursorFactory
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Again, Unavailable

Pooled: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Plain: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

HERE = Path(__file__).parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_WITH = re.compile(r"^WITH ", re.MULTILINE)
_PARAMETER = re.compile(r"\$(\d+)")
_AGAIN = "JW001"
"""What the function ``again`` raises (migrations/0004_again.sql)."""

AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # rolling back on a connection that broke in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server is shutting down or starting
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is about to be promoted
)
"""What may pass if one waits: the same transaction is tried again."""

PLANNING = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
"""Statements are planned once, because planning one for a batch of one takes longer than running it; and without
sequential scans, because a plan made while tables were small would be kept. ``read_whole`` scans a table; ``plan_anew``
is for a statement whose best plan depends on its arguments."""

_ANEW = "SET LOCAL plan_cache_mode = force_custom_plan"


class Connection:
    """One transaction: all that is asked and written through it holds, or nothing.

    It begins with the first statement. What is written last goes with the transaction's end; if nothing was asked
    before, that one statement is the transaction, and costs one round trip instead of three.
    """

    def __init__(self, pooled: Pooled, stack: AsyncExitStack) -> None:
        self._pooled, self._stack = pooled, stack
        self._begun = self._over = False
        self._waiting: tuple[str, Sequence[object]] | None = None

    async def begin(self) -> Pooled:
        """Begin, unless it has begun, and write what waits: what is asked now comes after it."""
        if not self._begun:
            self._expect_more()
            await self._stack.enter_async_context(self._pooled.transaction())
            self._begun = True
        await self.flush()
        return self._pooled

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        return await (await self.begin()).fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        return await (await self.begin()).fetchrow(statement, *arguments)

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        return await (await self.begin()).fetchval(statement, *arguments)

    async def execute(self, statement: str, *arguments: object) -> str:
        return await (await self.begin()).execute(statement, *arguments)

    async def executemany(self, statement: str, arguments: Iterable[Sequence[object]]) -> None:
        await (await self.begin()).executemany(statement, arguments)

    async def copy_records_to_table(self, table: str, *, records: Any, columns: Sequence[str]) -> str:
        return await (await self.begin()).copy_records_to_table(table, records=records, columns=columns)

    async def copy_to_table(self, table: str, *, source: Any, columns: Sequence[str], format: Literal["binary"]) -> str:
        return await (await self.begin()).copy_to_table(table, source=source, columns=columns, format=format)

    def cursor(
        self, statement: str, *arguments: object, prefetch: int | None = None
    ) -> "CursorFactory[asyncpg.Record]":
        """Of a transaction that has begun, in which nothing waits to be written."""
        assert self._begun
        assert self._waiting is None
        return self._pooled.cursor(statement, *arguments, prefetch=prefetch)

    async def write(self, statement: str, *arguments: object) -> None:
        """Write this before anything else is asked, or with the end. It is of the form that ``together`` takes; nobody
        reads its column."""
        self._expect_more()
        if self._waiting is not None:
            await self.begin()
        self._waiting = statement, arguments

    async def end(self, statement: str, *arguments: object) -> Any:
        """Write what waits, and this in the same round trip; its column. Nothing is asked afterwards."""
        self._expect_more()
        first, written = self._waiting or ("", ())
        self._waiting, self._over = None, True
        row = await self._pooled.fetchrow(together(first, statement, len(written)), *written, *arguments)
        return row[-1] if row else None

    async def flush(self) -> None:
        """Write what waits, alone."""
        if self._waiting is not None:
            (statement, arguments), self._waiting = self._waiting, None
            await self._pooled.execute(statement, *arguments)

    def _expect_more(self) -> None:
        if self._over and not self._begun:
            raise RuntimeError("this transaction was one statement, and has ended")


@cache
def together(first: str, then: str, parameters: int) -> str:
    """Two statements as one, whose last column is the second's. ``parameters``: how many the first has. What the first
    locks it locks before the second writes.

    Each is ``WITH name AS (…), …`` and, on a line of its own, ``SELECT`` one column; no name is in both.
    """
    if not first:
        return then
    then = _PARAMETER.sub(lambda found: f"${int(found[1]) + parameters}", then)
    (written, column), (more, answer) = (one.rsplit("\nSELECT ", 1) for one in (first, then))
    return f"{written}, {_WITH.split(more, 1)[1]}\nSELECT {column}, {answer}"


async def plan_anew(connection: Connection) -> None:
    """Until the transaction ends, statements are planned for what they are asked, and that plan is not kept."""
    await connection.execute(_ANEW)


async def read_whole(connection: Connection) -> None:
    """Until the transaction ends, tables may be read from end to end: for a page or a start, not for a batch. What is
    planned meanwhile is not kept, unless it asks nothing (it has no ``$1``)."""
    await connection.execute(f"SET LOCAL enable_seqscan = on; {_ANEW}")


async def of_one_moment(connection: Connection) -> None:
    """To be called first in a transaction: all that it reads is from one snapshot, and it blocks nobody."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def queries(path: Path) -> Mapping[str, str]:
    """The statements of a ``queries.sql`` by their names (``-- name: x`` on a line of its own before each)."""
    parts = _NAME.split(path.read_text())
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


class Database:
    """The pool of one service."""

    def __init__(self, dsn: str, *, size: int = 8) -> None:
        self._dsn, self._size = dsn, size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Waits for nothing: raises ``Unavailable`` when the server is away."""
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn, min_size=2, max_size=self._size, init=_speak_json, reset=_as_it_is, command_timeout=60,
                server_settings=PLANNING,
            )  # fmt: skip
        except AWAY as error:
            raise Unavailable(f"PostgreSQL does not answer: {error}") from error

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def transaction(self, *, begun: bool = True) -> AsyncIterator[Connection]:
        """One transaction: committed at the end of the block, rolled back by an error. With ``begun=False`` it begins
        with its first statement, so that a lone one costs one round trip.

        Raises ``Unavailable`` for what may pass, a commit whose outcome is unknown among it: the caller runs the block
        again, which the inbox makes harmless; ``Again`` when a statement calls ``again()``. An ``OSError`` that the
        block itself raises while the database answers stays what it is; so does a cancellation, whatever the connection
        says of being left in the middle.
        """
        assert self._pool is not None, "open() first"
        blamed: BaseException | None = None
        try:
            async with self._pool.acquire() as pooled, AsyncExitStack() as stack:
                connection = Connection(pooled, stack)
                if begun:
                    await connection.begin()
                try:
                    yield connection
                except OSError as error:
                    if not isinstance(error, TimeoutError) and not pooled.is_closed():
                        blamed = error
                    raise
                await connection.flush()
        except AWAY as error:
            if error is blamed:
                raise
            _stay_cancelled()
            raise Unavailable(f"PostgreSQL: {type(error).__name__}") from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == _AGAIN:
                raise Again(str(error)) from error
            raise

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Pooled]:
        """A connection of its own outside a transaction, for session locks: they end with it, and it with the block."""
        assert self._pool is not None, "open() first"
        try:
            async with self._pool.acquire() as connection:
                try:
                    yield connection
                finally:
                    with suppress(asyncpg.InterfaceError):  # it has ended by itself
                        connection.terminate()
        except AWAY as error:
            _stay_cancelled()
            raise Unavailable(f"PostgreSQL: {type(error).__name__}") from error


def _stay_cancelled() -> None:
    """Who is being cancelled must not take it for a database that is away, and go on waiting for that for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _as_it_is(_: Plain) -> None:
    """Nothing to undo when a connection goes back to the pool: a transaction leaves nothing behind. asyncpg would ask
    the server to forget locks and settings, which is a round trip a transaction."""


async def _speak_json(connection: Plain) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


async def provision(admin_dsn: str, service: str, owner_password: str, password: str) -> None:
    """The database ``jigsaw_<service>``, its owner and its user; harmless when they exist (passwords are set anew)."""
    database, owner = f"jigsaw_{service}", f"{service}_owner"
    admin = await asyncpg.connect(admin_dsn)
    try:
        for role, secret in ((owner, owner_password), (service, password)):
            known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            verb = "ALTER" if known else "CREATE"
            await admin.execute(
                f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{_quoted(secret)}'"
            )
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await admin.execute(f"CREATE DATABASE {database} OWNER {owner}")
        await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
        await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {service}")
    finally:
        await admin.close()


def _quoted(secret: str) -> str:
    return secret.replace("'", "''")


async def migrate(owner_dsn: str, service: str) -> list[str]:
    """Apply what is not yet applied, each migration in a transaction of its own; the names of what was applied.

    The common tables (``shared/migrations``) come first, then ``services/<service>/migrations``. Starters that come at
    once wait for each other. Raises ``RuntimeError`` when an applied file has changed since: write a new one instead.
    """
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('migrations'))")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, digest text NOT NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {row["name"]: row["digest"] for row in await connection.fetch("SELECT name, digest FROM migrations")}
        return [name for name, path in _numbered(service) if await _apply(connection, name, path, applied.get(name))]
    finally:
        await connection.close()


async def _apply(connection: Plain, name: str, path: Path, known: str | None) -> bool:
    sql = path.read_text()
    digest = await connection.fetchval("SELECT md5($1)", sql)
    if known == digest:
        return False
    if known is not None:
        raise RuntimeError(f"{path} has changed since it was applied: put the change into a new migration")
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("INSERT INTO migrations (name, digest) VALUES ($1, $2)", name, digest)
    return True


def _numbered(service: str) -> list[tuple[str, Path]]:
    folders = (("shared", HERE / "migrations"), (service, HERE.parent / "services" / service / "migrations"))
    return [(f"{label}/{path.name}", path) for label, folder in folders for path in sorted(folder.glob("*.sql"))]
