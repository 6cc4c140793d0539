"""Loops over arrays as machine code (numba): what numpy does by the call, some microseconds each, is done by the item.

A compiled function takes contiguous arrays and numbers, and gives arrays. It is compiled at its first call, for the
types it is called with, and kept on disk beside its module, or in NUMBA_CACHE_DIR where that cannot be written to.
NUMBA_DISABLE_JIT=1 runs it as the Python it is: slowly, for a debugger.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """The function as machine code. Others may call it from another thread meanwhile; divisions by 0 are numpy's."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


_INNER: Final[Mapping[str, Any]] = {"no_cpython_wrapper": True, "_nrt": False, "forceinline": True}


def inner(function: F) -> F:
    """A function that only compiled ones call, as a part of them. It may read and write arrays, but neither make nor
    give any: so it need not count who holds them, which for a small function would be most of the work."""
    return cast(F, numba.njit(nogil=True, error_model="numpy", **_INNER)(function))
