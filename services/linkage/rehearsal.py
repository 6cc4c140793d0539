"""Everything that a batch calls is compiled before there is one: on a new machine that takes a while, for which no
event should wait. ``python -m services.linkage.rehearsal`` does it where a release is put in place.
"""

import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from uuid import UUID

from services.linkage.compiled import mark
from services.linkage.index.changes import Remove, Stored, Upsert
from services.linkage.index.index import Index
from services.linkage.matching.model import Model
from services.linkage.settings import seed


def rehearse_apart() -> None:
    """What has not been compiled yet another process compiles, for this one to read what it has kept: compiling takes
    200 MB that are not free afterwards, reading 30. If that fails, this one compiles what it needs."""
    if not mark().exists():
        with suppress(OSError):  # there may be no room for another process
            subprocess.run([sys.executable, "-m", __name__], stdout=subprocess.DEVNULL, check=False)  # noqa: S603 (ours)


def rehearse(model: Model) -> None:
    """Link some people who are forgotten at once; keys that three bear overflow with the fourth."""
    index = Index(replace(model, block_cap=3))
    somebody = {
        "given": "Siân",
        "family": "Rhys",
        "birth_date": "1990-02-03",
        "postcode": "CF10 1AA",
        "phone": "02920180000",
    }
    people = [Upsert(UUID(int=n), {**somebody, "given": f"Siân {chr(ord('a') + n)}"}) for n in range(16)]
    index.apply(people[:3])
    index.apply(people[3:])
    index.apply(
        [Upsert(people[0].record, {**somebody, "family": "Price"}), *(Remove(one.record) for one in people[3:])]
    )
    index.find(somebody, 1)
    first = people[0]
    Index(model).restore([[Stored(first.record, first.identity, b"", index.entity(first.record))]])


if __name__ == "__main__":
    began = perf_counter()
    rehearse(seed())
    mark().touch()
    print(f"Compiled what links ({perf_counter() - began:.0f} s)")
