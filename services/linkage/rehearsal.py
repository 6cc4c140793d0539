"""Everything that a batch calls is compiled before there is one: on a new machine that takes a while, for which no
event should wait. ``python -m services.linkage.rehearsal`` does it where a release is put in place.
"""

from time import perf_counter
from uuid import UUID

from services.linkage.index.changes import Remove, Upsert
from services.linkage.index.index import Index
from services.linkage.matching.model import Model
from services.linkage.settings import seed


def rehearse(model: Model) -> None:
    """Link some people who are forgotten at once."""
    index = Index(model)
    somebody = {
        "given": "Siân",
        "family": "Rhys",
        "birth_date": "1990-02-03",
        "postcode": "CF10 1AA",
        "phone": "02920180000",
    }
    people = [Upsert(UUID(int=n), {**somebody, "given": f"Siân {'abcdefgh'[n % 8]}"}) for n in range(1, 9)]
    index.apply(people)
    index.apply([Upsert(UUID(int=1), {**somebody, "family": "Price"}), Remove(UUID(int=2))])


if __name__ == "__main__":
    began = perf_counter()
    rehearse(seed())
    print(f"Compiled what links ({perf_counter() - began:.0f} s)")
