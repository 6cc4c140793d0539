"""How large a workbook is, before it is read: a sheet is read whole, from A1 to its last cell, so a file of a kilobyte
whose only cells are A1 and XFD1048576 would be seventeen thousand million.

What a file says of its own size (``<dimension>``) may be wrong, so its cells are asked.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, is_zipfile

MOST_BYTES = 512 * 1024 * 1024
MOST_CELLS = 20_000_000
"""About two gigabytes, read."""

_CHUNK = 1024 * 1024
_PLACE = re.compile(r"([A-Za-z]*)([0-9]+)")


class TooLarge(ValueError):
    """The message says what is too large and what to do."""


def check(file: Path) -> None:
    """Raises ``TooLarge`` for a workbook that cannot be read in the memory of an office's machine, ``ValueError`` for
    one that is broken. Says nothing of what is no zip: an .xls has at most 65,536 rows of 256 cells."""
    if not is_zipfile(file):
        return
    try:
        with ZipFile(file) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > MOST_BYTES:
                raise TooLarge(
                    f"unpacks to {size >> 20} MiB and may have {MOST_BYTES >> 20}: split it, or save the sheet as CSV"
                )
            for part in parts.infolist():
                with parts.open(part) as stream:
                    _check_part(part.filename, stream)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"not a workbook: {error}") from error


def _check_part(name: str, stream: IO[bytes]) -> None:
    """To its end, so that it is seen to be no longer than it says."""
    sheet = _Sheet()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = sheet.begin
    readable = True
    while chunk := stream.read(_CHUNK):
        try:
            if readable and not sheet.foreign:
                parser.Parse(chunk)
        except expat.ExpatError as error:
            if sheet.known:
                raise ValueError(f"not a workbook: {name}: {error}") from error
            readable = False  # a picture
        if sheet.rows * sheet.columns > MOST_CELLS:
            raise TooLarge(
                f"{name} reaches to row {sheet.rows}, column {sheet.columns}, which is more than {MOST_CELLS:,} cells:"
                " delete what stands alone far right or far below, or save the sheet as CSV"
            )


class _Sheet:
    """The farthest cells with something in them, of an XLSX worksheet or of all tables of an ODS document."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self.known = self.foreign = False
        self._row = self._column = self._repeated = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        element = name.rpartition(":")[2]
        if not self.known and not self.foreign:
            self.known = element in ("worksheet", "document-content")
            self.foreign = not self.known
        elif element == "row":
            self._row, self._column = _number(attributes.get("r"), self._row + 1), 0
        elif element == "c":
            column, row = _place(attributes.get("r", ""))
            self._row, self._column = row or self._row, column or self._column + 1
        elif element == "table":
            self._row = self._column = self._repeated = 0
        elif element == "table-row":
            self._row += self._repeated
            self._column, self._repeated = 0, _number(attributes.get("table:number-rows-repeated"), 1)
        elif element in ("table-cell", "covered-table-cell"):
            self._column += _number(attributes.get("table:number-columns-repeated"), 1)
            if any(name.startswith("office:") or name == "table:formula" for name in attributes):
                self._filled(self._row + self._repeated)
        elif element in ("v", "is", "f"):
            self._filled(self._row)
        elif element == "p":
            self._filled(self._row + self._repeated)

    def _filled(self, row: int) -> None:
        self.rows, self.columns = max(self.rows, row), max(self.columns, self._column)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else otherwise


def _place(reference: str) -> tuple[int, int]:
    """Column and row, from 1, of a cell like ``XFD1048576``; zeros for what is none."""
    found = _PLACE.fullmatch(reference[:20])
    if found is None:
        return 0, 0
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return column, _number(found[2], 0)
