"""Fixtures that start real parts, for every test that names them; and how long a page is waited for."""

from playwright import async_api, sync_api

from tests.parts import home, parts, topics

__all__ = ["home", "parts", "topics"]

PATIENCE_MS = 30_000
"""Two processes of tests share the processors: a service may take a while to hear of what a page is to show."""
async_api.expect.set_options(timeout=PATIENCE_MS)
sync_api.expect.set_options(timeout=PATIENCE_MS)
