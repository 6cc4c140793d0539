"""Loops over arrays as machine code (numba): what numpy does by the call, some microseconds each, is done by the item.

A compiled function takes contiguous arrays and numbers, and gives arrays. It is compiled at its first call, for the
types it is called with, and kept on disk where that can be written to: in NUMBA_CACHE_DIR, beside its module, at home.
NUMBA_DISABLE_JIT=1 runs it as the Python it is: slowly, for a debugger.

What is kept is good for the very sources that it was compiled from. numba itself would look only at the file that a
function is in, but it is made of other files' rules and numbers too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import caching

F = TypeVar("F", bound=Callable[..., object])

_PURE: Final = ("reading", "matching", "index")
"""The folders whose functions are compiled, and made of each other's."""


def _stamp() -> bytes:
    here = files(__package__)  # which may be in an archive, on the machines of a cluster
    found = [here / "compiled.py", *(file for folder in _PURE for file in (here / folder).iterdir())]
    sources = sorted((str(file), file.read_bytes()) for file in found if file.name.endswith(".py"))
    return sha256(b"".join(source for _, source in sources)).digest()


_SOURCES: Final = _stamp()


class Kept(caching._CacheLocator):
    """Where a function's machine code is kept, and of which sources it is."""

    def __init__(self, folder: Path, line: int) -> None:
        self._folder, self._line = folder, line

    @classmethod
    def from_function(cls, function: Any, file: str) -> "Kept | None":
        """In the first folder that can be written to."""
        for folder in _folders(Path(file)):
            self = cls(folder, function.__code__.co_firstlineno)
            with suppress(OSError):
                self.ensure_cache_path()  # type: ignore[no-untyped-call]
                return self
        return None

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> bytes:
        return _SOURCES

    def get_disambiguator(self) -> str:
        return str(self._line)


def _folders(file: Path) -> Iterator[Path]:
    if _settings.CACHE_DIR:
        yield Path(_settings.CACHE_DIR, *file.parts[-3:-1])
    yield file.parent / "__pycache__"
    with suppress(RuntimeError):  # nobody's home
        yield Path.home().joinpath(".cache", "jigsaw", *file.parts[-3:-1])
    yield Path(_own_folder().name, *file.parts[-3:-1])


@cache
def _own_folder() -> "TemporaryDirectory[str]":
    """Of this process, and gone with it."""
    return TemporaryDirectory(prefix="jigsaw-compiled-")


_settings: Any = numba.config
_settings.CACHE_LOCATOR_CLASSES = f"{__name__}.{Kept.__name__}"


def mark() -> Path:
    """The file that whoever has compiled all there is makes, beside what is kept and for the same sources."""
    kept = Kept.from_function(mark, __file__)
    assert kept is not None, "a folder of its own is the last that is tried"
    how = "plain" if _settings.DISABLE_JIT else numba.__version__
    return Path(kept.get_cache_path()) / f"rehearsed-{how}-{_SOURCES.hex()[:12]}"


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
