"""One function over very many items in several processes, the results in the items' order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Items a process may be given before the result of its first is asked for."""


def in_order(function: Callable[[T], R], items: Iterable[T], processes: int | None = None) -> Iterator[R]:
    """``function`` of each item, by so many processes (all processors unless said otherwise); by this one if that is 1.

    The function is pickled once to each process, items and results as they come; so many are held as are under way.
    """
    processes = processes or len(os.sched_getaffinity(0))
    if processes == 1:
        yield from map(function, items)
        return
    # Spawned: a fork of a process with threads may inherit a lock that nobody will open.
    with ProcessPoolExecutor(processes, get_context("spawn"), _take, (function,)) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(_do, item))
                if len(waiting) >= AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


_taken: Callable[[Any], Any]


def _take(function: Callable[[Any], Any]) -> None:
    global _taken
    _taken = function


def _do(item: Any) -> Any:
    return _taken(item)
