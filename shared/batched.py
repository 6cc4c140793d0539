"""What ``itertools.batched`` of Python 3.12 does, but for lists."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many, the last of fewer."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
