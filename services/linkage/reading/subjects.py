"""The three kinds of subject and how each is read: persons, places, organisations."""

from collections.abc import Callable, Mapping
from typing import Final

from services.linkage.reading.normal import Traits, traits

READ: Final[Mapping[str, Callable[[Mapping[str, str]], Traits]]] = {"person": traits}


def traits_of(kind: str) -> Callable[[Mapping[str, str]], Traits]:
    """How an identity of this kind becomes traits. Raises ValueError for a kind there is not."""
    if kind not in READ:
        raise ValueError(f"There is no linkage for subjects of kind {kind!r}: use one of {', '.join(sorted(READ))}.")
    return READ[kind]
