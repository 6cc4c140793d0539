"""Loops over arrays as machine code (numba): what numpy does by the call, some microseconds each, is done by the item.

A compiled function takes contiguous arrays and numbers, and gives arrays. It is compiled at its first call, for the
types it is called with, and kept on disk beside its module, or in NUMBA_CACHE_DIR where that cannot be written to.
NUMBA_DISABLE_JIT=1 runs it as the Python it is: slowly, for a debugger.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """The function as machine code. Others may call it from another thread meanwhile; divisions by 0 are numpy's."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
