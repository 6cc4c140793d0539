"""Tasks that run beside others, and how they end."""

import asyncio
from collections.abc import Collection


async def end(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Returns when they have ended. A client's library may lose a cancellation that comes while it tidies up: they are
    told until they have."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=1)
