"""A replica of linkage that is killed in the middle of a batch: everything is written, nothing is committed.

``python -m tests.linkage.dying DSN BATCH`` hears the story of ``test_replicas`` and dies in that batch.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from bench.linkage_office import opened
from services.linkage.store import LinkageStore
from tests.linkage.story import batches, told


async def hear_and_die(dsn: str, last: int) -> None:
    keep, number = LinkageStore.keep, 0

    async def keep_and_die(store: LinkageStore, *changed: Any, **presumed: Any) -> None:
        await keep(store, *changed, **presumed)
        if number == last:
            await store.connection.begin()  # so it is written
            os.kill(os.getpid(), signal.SIGKILL)

    LinkageStore.keep = keep_and_die  # type: ignore[method-assign]
    async with opened(dsn) as office:
        for batch in batches(told()):
            number += 1
            await office.bus.do(batch)


if __name__ == "__main__":
    asyncio.run(hear_and_die(sys.argv[1], int(sys.argv[2])))
