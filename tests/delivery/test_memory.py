"""A process gives back what it does not need, and goes on as before."""

import subprocess
import sys
from itertools import chain

from shared.memory import full_of_small_pages, only_read


def _area(addresses: str, rights: str, path: str, anonymous: int = 0, swapped: int = 0) -> list[str]:
    return [
        f"{addresses} {rights} 00000000 fe:00 7    {path}",
        "Rss:                  64 kB",
        f"Anonymous:            {anonymous} kB",
        f"Swap:                 {swapped} kB",
        "VmFlags: rd ex mr mw me",
    ]


FREED = """
import psutil
from shared.memory import give_back

some = [bytes([n % 256]) * 2_000 for n in range(50_000)]
kept = some[::100]  # all over the heap, so that it cannot shrink
del some
before = psutil.Process().memory_info().rss
give_back()
print((before - psutil.Process().memory_info().rss) // 1_000_000)
assert all(one == bytes([n % 256]) * 2_000 for n, one in zip(range(0, 50_000, 100), kept, strict=True))
"""


def test_what_is_in_a_file_and_nowhere_else_is_given_back() -> None:
    areas = [
        _area("7f00-7f10", "r-xp", "/lib/code.so"),
        _area("7f10-7f20", "r--p", "/lib/code.so", anonymous=4),
        _area("7f20-7f30", "r--p", "/lib/code.so", swapped=4),
        _area("7f30-7f40", "rw-p", "/lib/code.so"),
        _area("7f40-7f60", "r--p", "/lib/a name.so (deleted)"),
        _area("7f60-7f70", "r-xp", ""),
        _area("7f70-7f80", "r-xp", "[vdso]"),
    ]
    assert list(only_read(chain.from_iterable(areas))) == [(0x7F00, 0x7F10), (0x7F40, 0x7F60)]


def test_freed_pages_between_others_go_back() -> None:
    said = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) > 50


LARGE = """
import psutil
from shared.memory import use_large_pages

some = [b"%9d" % n for n in range(2_000_000)]
before = psutil.Process().memory_info().rss
use_large_pages()
assert all(one == b"%9d" % n for n, one in enumerate(some))
print((psutil.Process().memory_info().rss - before) // 1_000_000)
"""


def _memory(at: int, rights: str, resident: int, in_large_pages: int = 0, inode: int = 0) -> list[str]:
    return [
        f"{at << 30:x}-{(at << 30) + (10_000 << 10):x} {rights} 00000000 00:00 {inode} ",
        "Size:             10000 kB",
        f"Rss:              {resident} kB",
        f"AnonHugePages:    {in_large_pages} kB",
        "VmFlags: rd wr mr mw me ac sd",
    ]


def test_only_what_is_full_and_in_small_pages_is_put_into_large_ones() -> None:
    areas = [
        _memory(1, "rw-p", 9_000),
        _memory(2, "rw-p", 8_000),
        _memory(3, "rw-p", 9_000, in_large_pages=8_192),
        _memory(4, "r--p", 9_000),
        _memory(5, "rw-p", 9_000, inode=7),
        _memory(6, "rw-s", 9_000),
        ["7000000000-7000100000 rw-p 00000000 00:00 0 ", "Rss:  1024 kB", "AnonHugePages:  0 kB"],
    ]
    assert list(full_of_small_pages(chain.from_iterable(areas))) == [(1 << 30, (1 << 30) + (10_000 << 10))]


def test_what_is_put_into_large_pages_stays_as_it_is_and_takes_no_more_memory() -> None:
    said = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) < 20
