"""Rows of a partner's file (CSV, JSON Lines, XLSX), one at a time, with the number a person finds them by."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from python_calamine import CalamineError, CalamineWorkbook

from local import extent
from local.cells import as_text

JSON_LINES = (".jsonl", ".ndjson", ".json")
DELIMITERS = ",;\t|"
MOST_LINES = 20
"""Of one row. An address within quotation marks has several; a mark without an end takes the rows after it along."""
_SAMPLE = 64 * 1024


class FileError(ValueError):
    """The file, or the mapping, cannot be used at all; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``cells`` by column, as text or as JSON values; ``fault`` says why there are none."""

    number: int
    cells: Mapping[str, Any]
    fault: str = ""


def rows_of(file: Path, sheet: str | None = None) -> Iterator[Row]:
    """The rows of a file by its ending: .csv, .tsv, .txt; .jsonl, .ndjson, .json; .xlsx, .xls, .ods.

    Numbers are lines of a text file and rows of a sheet, from 1, the header being the first. Raises ``FileError``.
    """
    ending = file.suffix.lower()
    if ending in (".csv", ".tsv", ".txt"):
        return _of_csv(file)
    if ending in JSON_LINES:
        return _of_json_lines(file)
    if ending in (".xlsx", ".xls", ".ods"):
        return _of_sheet(file, sheet)
    raise FileError(f"{file.name}: files end with .csv, .jsonl or .xlsx, not {ending or 'nothing'}")


def _of_csv(file: Path) -> Iterator[Row]:
    with file.open(encoding=_encoding(file), newline="") as text:
        sample = text.read(_SAMPLE)
        text.seek(0)
        try:
            dialect: type[csv.Dialect] = csv.Sniffer().sniff(sample.partition("\n")[0], DELIMITERS)
        except csv.Error:
            dialect = csv.excel
        reader = csv.reader(text, dialect)
        try:
            header, before = _header(file, next(reader, [])), reader.line_num
            for cells in reader:
                began, before = before + 1, reader.line_num
                if before - began >= MOST_LINES:
                    yield Row(began, {}, f"goes on to line {before}: a quotation mark in it has no end")
                elif any(cells):
                    yield _row(before, header, cells)
        except csv.Error as error:
            raise FileError(
                f"{file.name}: line {reader.line_num}: {error}. Mostly a quotation mark in a line before it has no end:"
                " look there, write it twice if it is meant, and publish the file again"
            ) from error


def _encoding(file: Path) -> str:
    """UTF-8 where it is that (with or without a mark), else Windows-1252, which is what offices' exports are."""
    with file.open(encoding="utf-8-sig") as text:
        try:
            while text.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _of_json_lines(file: Path) -> Iterator[Row]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield Row(number, {}, f"is not JSON at column {error.colno}: {error.msg}")
                continue
            yield Row(number, value) if isinstance(value, dict) else Row(number, {}, "is not a JSON object")


def _of_sheet(file: Path, sheet: str | None) -> Iterator[Row]:
    try:
        extent.check(file)
    except ValueError as error:
        raise FileError(f"{file.name}: {error}") from error
    try:
        book = CalamineWorkbook.from_path(str(file))
    except (CalamineError, OSError) as error:
        raise FileError(f"{file.name}: not a workbook: {error}") from error
    if sheet is not None and sheet not in book.sheet_names:
        raise FileError(f"{file.name}: has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
    page = book.get_sheet_by_name(sheet) if sheet is not None else book.get_sheet_by_index(0)
    rows = iter(page.to_python(skip_empty_area=False))
    header = _header(file, [as_text(cell) for cell in next(rows, [])])
    for number, cells in enumerate(rows, 2):
        if any(cell != "" for cell in cells):
            yield _row(number, header, cells)


def _header(file: Path, names: Iterable[str]) -> list[str]:
    header = [name.strip() for name in names]
    if not any(header):
        raise FileError(f"{file.name}: has no header: name the columns in the first row")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise FileError(f"{file.name}: has two columns called {twice[0]!r}: rename one")
    return header


def _row(number: int, header: list[str], cells: Iterable[Any]) -> Row:
    pairs = list(zip_longest(header, cells, fillvalue=""))
    if len(pairs) > len(header) and any(cell != "" for _, cell in pairs[len(header) :]):
        return Row(number, {}, f"has more cells than the {len(header)} columns: a separator within a cell wants quotes")
    return Row(number, {name: cell for name, cell in pairs if name})
