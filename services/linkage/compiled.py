"""Loops over arrays as machine code (numba): what numpy does by the call, some microseconds each, is done by the item.

A compiled function takes contiguous arrays and numbers, and gives arrays. It is compiled at its first call, for the
types it is called with, and kept on disk beside its module, or in NUMBA_CACHE_DIR where that cannot be written to.
NUMBA_DISABLE_JIT=1 runs it as the Python it is: slowly, for a debugger.

What is kept is good for the very sources that it was compiled from. numba itself would look only at the file that a
function is in, but it is made of other files' rules and numbers too.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import caching

F = TypeVar("F", bound=Callable[..., object])

_PURE: Final = ("reading", "matching", "index")
"""The folders whose functions are compiled, and made of each other's."""


def _stamp() -> bytes:
    here = Path(__file__).parent
    files = sorted(path for folder in _PURE for path in (here / folder).rglob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in (Path(__file__), *files))).digest()


_SOURCES: Final = _stamp()


class _OfAllSources:
    def get_source_stamp(self) -> bytes:
        return _SOURCES


class WhereAsked(_OfAllSources, caching.UserProvidedCacheLocator):
    """In NUMBA_CACHE_DIR."""


class BesideItsModule(_OfAllSources, caching.InTreeCacheLocator):
    """In `__pycache__`."""


class AtHome(_OfAllSources, caching.UserWideCacheLocator):
    """In the user's cache."""


_PLACES: Final = (WhereAsked, BesideItsModule, AtHome)
_settings: Any = numba.config
_settings.CACHE_LOCATOR_CLASSES = ",".join((*(f"{__name__}.{one.__name__}" for one in _PLACES), "ZipCacheLocator"))


def compiled(function: F) -> F:
    """The function as machine code. Others may call it from another thread meanwhile. An index past an array's end is
    an ``IndexError``: to be told costs 4% of a batch, not to be told would be somebody else's value."""
    return cast(F, numba.njit(cache=True, **_ALL)(function))


_ALL: Final[Mapping[str, Any]] = {"nogil": True, "error_model": "numpy", "boundscheck": True}
_INNER: Final[Mapping[str, Any]] = {
    "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True, "_nrt": False,
}  # fmt: skip


def inner(function: F) -> F:
    """A function that only compiled ones call, as a part of them. It may read and write arrays, but neither make nor
    give any: so it need not count who holds them, which for a small function would be most of the work."""
    return cast(F, numba.njit(**_ALL, **_INNER)(function))
