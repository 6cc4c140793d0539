"""What only a start needs goes back to the system when it is over: freed memory, and libraries' code that ran once.
And what lives on is kept in large pages."""

import ctypes
import mmap
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

LARGE: Final = 2 * 1024
"""kB of an area that may hold a large page."""
MADV_COLLAPSE: Final = 25
"""Since Linux 6.1, and not in Python's ``mmap`` yet."""


def give_back() -> None:
    """Free pages of the heap, and pages of files that were only read: who needs one of these again reads it again.

    To call once, while no other thread loads a library: what it is just filling in would be taken away. A service calls
    it when all is loaded and nobody has asked it anything. Where the system does not tell of itself, nothing is done.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc: others give back by themselves
        libc.malloc_trim(0)
    _advise(only_read, mmap.MADV_DONTNEED)


def only_read(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """From where to where a process has mapped what is in a file, and nowhere else. Source: proc_pid_smaps(5).

    That it may not write there is not enough: the addresses in a library's data are filled in as it is loaded, and only
    then locked. Such pages are anonymous, or swapped out."""
    start, end, of_a_file = 0, 0, False
    for line in smaps:
        match line.split():
            case ["Anonymous:" | "Swap:", size, "kB"]:
                of_a_file = of_a_file and size == "0"
            case ["VmFlags:", *_]:  # the last of an area
                if of_a_file:
                    yield start, end
            case [addresses, rights, _, _, _, *path] if not addresses.endswith(":"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                of_a_file = "w" not in rights and bool(path) and path[0].startswith("/")


def use_large_pages() -> None:
    """Put what now fills large areas of memory into pages of 2 MB: whoever follows references from anywhere to anywhere
    in gigabytes, or has slept while others ran, waits longer for the addresses of 4 kB pages than for what is there.
    Python's own allocators do not ask for such pages (numpy's does). Where the system cannot, nothing is done."""
    if sys.platform == "linux":
        _advise(full_of_small_pages, mmap.MADV_HUGEPAGE, MADV_COLLAPSE)


def full_of_small_pages(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """From where to where a process has large areas of its own that are nearly full, most of it in small pages. Those
    with much room would take more memory than they do. Source: proc_pid_smaps(5)."""
    start, end, size, resident, of_its_own = 0, 0, 0, 0, False
    for line in smaps:
        match line.split():
            case ["Rss:", kilobytes, "kB"]:
                resident = int(kilobytes)
            case ["AnonHugePages:", kilobytes, "kB"]:
                if of_its_own and size >= LARGE and 8 * resident >= 7 * size and 2 * int(kilobytes) < resident:
                    yield start, end
            case [addresses, "rw-p", _, _, inode, *_] if not addresses.endswith(":"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                size, of_its_own = (end - start) // 1024, inode == "0"
            case [addresses, _, _, _, _, *_] if "-" in addresses:
                of_its_own = False


def _advise(chosen: Callable[[Iterable[str]], Iterator[tuple[int, int]]], *advice: int) -> None:
    """Tell the system what to do with some of this process's memory; nothing, where it does not tell of itself."""
    libc = ctypes.CDLL(None)
    areas: list[tuple[int, int]] = []
    with suppress(OSError), open("/proc/self/smaps") as smaps:
        areas = list(chosen(smaps))
    for start, end in areas:
        for one in advice:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), one)
