"""What only a start needs goes back to the system when it is over: freed memory, and libraries' code that ran once."""

import ctypes
import mmap
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress


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
    areas: list[tuple[int, int]] = []
    with suppress(OSError), open("/proc/self/smaps") as smaps:
        areas = list(only_read(smaps))
    for start, end in areas:
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


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
