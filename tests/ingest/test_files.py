"""Partners' files: read, made events, published through a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg
import openpyxl
import orjson
import pytest
import uvicorn
from openpyxl.styles import Font

from local import extent
from local.cells import CellError
from local.mapping import ColumnMap
from local.publish import Summary, publish
from local.rows import FileError, Row, rows_of
from region import generate
from services.ingest.keys import issue_key
from services.ingest.store import IngestStore
from shared.service import Service
from tests.ingest.events import event, person
from tests.ingest.test_judging import AGREEMENTS

MAPPING = """
type: housing.arrears.v1
id: [tenancy, week]
time: week
columns:
  tenancy: person.id
  forename: person.given
  surname: person.family
  dob: person.birth_date
  house: [person.address, place.address]
  street: [person.address, place.address]
  weeks: facts.weeks
  notice: facts.notice
values: {facts.role: tenant}
"""
HEADER = "tenancy,week,forename,surname,dob,house,street,weeks,notice"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING)
    return file


@pytest.fixture
def columns(mapping: Path) -> ColumnMap:
    facts = {name: event.facts for name, event in AGREEMENTS.by_name["housing"].events.items()}
    return replace(ColumnMap.load(mapping, "housing"), facts=facts)


@pytest.fixture(scope="module")
async def address(ingest: Service[IngestStore]) -> AsyncIterator[str]:
    """Ingest behind a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(ingest.app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


def test_a_row_becomes_an_event(columns: ColumnMap) -> None:
    cells = ["T-1", "01/03/2026", "Fred", "Smith", "3.4.90", "12", "High Street", "1,006", "Yes"]
    row = dict(zip(HEADER.split(","), cells, strict=True))
    assert columns.event(Row(2, row), datetime.now(UTC)) == {
        "specversion": "1.0", "id": "T-1/01/03/2026", "source": "/partners/housing", "type": "housing.arrears.v1",
        "time": "2026-03-01T12:00:00+00:00",
        "data": {
            "person": {"id": "T-1", "given": "Fred", "family": "Smith", "birth_date": "3.4.90",
                       "address": "12 High Street"},
            "place": {"address": "12 High Street"},
            "facts": {"role": "tenant", "weeks": 1006, "notice": True},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-07-01T09:30:00Z", "2026-07-01T09:30:00+00:00"),
        ("2026-07-01 09:30", "2026-07-01T08:30:00+00:00"),
        ("1 Gorffennaf 2026", "2026-07-01T11:00:00+00:00"),
        (date(2026, 7, 1), "2026-07-01T11:00:00+00:00"),
        (datetime(2026, 7, 1, 9, 30), "2026-07-01T08:30:00+00:00"),  # noqa: DTZ001 - as a sheet has it
    ],
)
def test_times_of_offices_are_londons(columns: ColumnMap, cell: object, time: str) -> None:
    event = columns.event(Row(2, {"tenancy": "1", "week": cell}), datetime.now(UTC))
    assert event["time"] == time


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"tenancy": ""}, "tenancy"),
        ({"week": "soon"}, "week"),
        ({"week": "31/02/2026"}, "week"),
        ({"weeks": "many"}, "weeks"),
        ({"notice": "perhaps"}, "notice"),
    ],
)
def test_a_cell_that_cannot_be_is_named(columns: ColumnMap, cells: dict[str, str], column: str) -> None:
    with pytest.raises(CellError) as raised:
        columns.event(Row(2, {"tenancy": "1", "week": "1/3/2026"} | cells), datetime.now(UTC))
    assert raised.value.column == column


@pytest.mark.parametrize(
    "change",
    [
        ("person.given", "person"),
        ("person.given", "pet.name"),
        ("type: housing.arrears.v1", ""),
        ("notice: facts.notice", "notice: time"),
        ("tenancy: person.id", "tenancy: type"),
        ("values:", "partner: police\nvalues:"),
        ("type:", "kind:"),
        ("id:", "- x"),
    ],
)
def test_a_mapping_that_leads_nowhere_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING.replace(*change))
    with pytest.raises(FileError, match=r"mapping\.yaml"):
        ColumnMap.load(file, "housing")


def test_sheets_and_texts_of_offices_are_read_alike(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["name", "born"], ["Siân", date(1990, 3, 4)], [None, None], [7, None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "a.csv").write_bytes("name;born\r\nSiân;1990-03-04\r\n\r\n7;\r\n".encode("cp1252"))
    (tmp_path / "b.csv").write_text("\ufeffname\tborn\nSiân\t1990-03-04\n\n7\t\n")
    (tmp_path / "a.jsonl").write_text('\n{"name": "Siân", "born": "1990-03-04"}\n\n{"name": "7", "born": ""}\n')
    for name in ("a.xlsx", "a.csv", "b.csv", "a.jsonl"):
        rows = list(rows_of(tmp_path / name))
        assert [row.number for row in rows] == [2, 4], name
        assert rows[0].cells["name"] == "Siân"
        assert str(rows[0].cells["born"]) == "1990-03-04"


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", ""), ("a.csv", ""), ("a.csv", "a,b,a\n1,2,3\n"), ("a.xlsx", "not a workbook")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(FileError, match="a\\."):
        list(rows_of(tmp_path / name))


XLSX = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:B2"/>
<sheetData>{}</sheetData></worksheet>"""
ODS = """<office:document-content xmlns:office="o" xmlns:table="t">
<table:table>{}</table:table></office:document-content>"""
VALUE = '<c r="{}"><v>1</v></c>'


def xlsx(*cells: str) -> str:
    return XLSX.format("".join(f"<row>{cell}</row>" for cell in cells))


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("a.xlsx", xlsx(VALUE.format("A1"), VALUE.format("XFD1048576"))),
        ("a.xlsx", xlsx(VALUE.format("A1"), "<c r = 'XFD1048576' ><v>1</v></c>")),
        ("a.xlsx", xlsx('<c r="A1048576"><f>1</f></c>', VALUE.format("XFD1"))),
        ("a.xlsx", xlsx("<c r='ZZZZZZZ99999999'><is><t>x</t></is></c>")),
        ("a.ods", ODS.format('<table:table-row table:number-rows-repeated="1048576"><table:table-cell'
                             ' table:number-columns-repeated="16384" office:value-type="float"/></table:table-row>')),
        ("a.ods", ODS.format('<table:table-row table:number-rows-repeated="1048575"/><table:table-row><table:table-cell'
                             ' table:number-columns-repeated="1024"/><table:table-cell office:value="1"/>'
                             '</table:table-row>')),
    ],
)  # fmt: skip
def test_a_sheet_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path: Path, name: str, sheet: str) -> None:
    with ZipFile(tmp_path / name, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml" if name == "a.xlsx" else "content.xml", sheet)
    with pytest.raises(FileError, match=r"more than 20,000,000 cells: delete what stands alone"):
        list(rows_of(tmp_path / name))


def test_cells_that_are_only_formatted_fill_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["name"], ["Siân"]):
        book.active.append(row)
    book.active.cell(1_048_576, 16_384).font = Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    assert [row.cells for row in rows_of(tmp_path / "a.xlsx")] == [{"name": "Siân"}]
    empty = ODS.format('<table:table-row table:number-rows-repeated="1048576"><table:table-cell'
                       ' table:number-columns-repeated="16384"/></table:table-row>')  # fmt: skip
    with ZipFile(tmp_path / "a.ods", "w") as file:
        file.writestr("content.xml", empty)
    extent.check(tmp_path / "a.ods")


def test_a_workbook_that_unpacks_to_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    with (
        ZipFile(tmp_path / "a.xlsx", "w", ZIP_DEFLATED) as book,
        book.open("xl/styles.xml", "w", force_zip64=True) as it,
    ):
        for _ in range(513):
            it.write(bytes(1 << 20))
    with pytest.raises(FileError, match=r"a\.xlsx: unpacks to 513 MiB and may have 512: split it"):
        list(rows_of(tmp_path / "a.xlsx"))
    told = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "b.xlsx").write_bytes(told.replace((513 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(FileError, match=r"b\.xlsx: not a workbook"):
        list(rows_of(tmp_path / "b.xlsx"))


async def test_a_quotation_mark_without_an_end_is_named_with_its_line(
    ingest: Service[IngestStore], address: str, tmp_path: Path, mapping: Path
) -> None:
    rows = [f"T-q{i},01/03/2026,Fred,Smith,3.4.90,{i},High Street,6,no" for i in range(9000)]
    rows[1000] = rows[1000].replace("Smith", '"Smith')
    (tmp_path / "arrears.csv").write_text("\n".join([HEADER, *rows]))
    with pytest.raises(FileError, match=r"arrears\.csv: line \d+: field larger .* quotation mark"):
        await publish(tmp_path / "arrears.csv", "housing", mapping, address, await issue_key(ingest.worker, "housing"))


def test_rows_that_a_quotation_mark_took_along_are_not_lost_in_silence(tmp_path: Path) -> None:
    rows = [f'"{n}\nHigh Street",{n}' for n in range(100)]
    rows[50] = rows[50].replace('Street"', "Street")
    (tmp_path / "a.csv").write_text("\n".join(["house,weeks", *rows[:51], *[f"{n},{n}" for n in range(40)]]))
    read = list(rows_of(tmp_path / "a.csv"))
    assert [row.number for row in read[:3]] == [3, 5, 7]
    assert [(row.number, row.fault) for row in read if row.fault] == [
        (102, "goes on to line 143: a quotation mark in it has no end")
    ]


async def test_an_event_that_no_post_can_hold_is_listed_and_the_rest_goes_on(
    ingest: Service[IngestStore], address: str, tmp_path: Path
) -> None:
    sent = [event(), event(data={"person": person(), "note": "x" * 1_100_000}), event()]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(map(orjson.dumps, sent)))
    key = await issue_key(ingest.worker, "housing")
    summary = await publish(tmp_path / "events.jsonl", "housing", None, address, key)
    assert (summary.rows, summary.accepted, summary.unreadable) == (3, 2, 1)
    [problem] = summary.problems
    assert problem.row == 2
    assert "may have 1048574" in problem.reason


async def test_a_refusal_in_the_middle_is_said_in_a_sentence(
    ingest: Service[IngestStore], address: str, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_bytes(orjson.dumps(event()))
    with pytest.raises(FileError, match="Unknown key"):
        await publish(tmp_path / "events.jsonl", "housing", None, address, "jsk_housing_wrong")


async def test_bad_rows_are_listed_and_the_rest_goes_on(
    ingest: Service[IngestStore], address: str, tmp_path: Path, mapping: Path,
    rows: "asyncpg.Connection[asyncpg.Record]",
) -> None:  # fmt: skip
    good = [f"T-{i},01/03/2026,Fred,Smith,3.4.90,{i},High Street,6,no" for i in range(1200)]
    bad = [
        "T-x,soon,Fred,Smith,,1,High Street,6,no",
        "T-y,01/03/2026,N/A,,,,,6,no",
        "T-z,01/03/2026,Fred,Smith,31/02/1990,1,High Street,6,no",
        "T-1,01/03/2026,Fred,Smith,,1,High Street,6,no,what,is,this",
    ]
    file = tmp_path / "arrears.csv"
    file.write_text("\n".join([HEADER, *good, *bad, good[0]]))
    key, seen = await issue_key(ingest.worker, "housing"), list[int]()
    summary = await publish(file, "housing", mapping, address, key, seen.append)
    assert (summary.rows, summary.accepted, summary.duplicate, summary.rejected) == (1205, 1201, 1, 1)
    assert sum(seen) == 1205
    assert [(p.row, list(p.columns)) for p in sorted(summary.problems, key=lambda p: p.row)] == [
        (1202, ["week"]), (1203, ["data"]), (1205, []),
    ]  # fmt: skip
    assert (
        summary.findings[
            ("dob",), "There is no such day. The date was kept as given, to compare; put it right at the source."
        ]
        == 1
    )
    assert (
        await rows.fetchval("SELECT count(*) FROM receipts WHERE event_id LIKE 'T-%/01/03/2026' AND reason = ''")
        == 1201
    )
    again = await publish(file, "housing", mapping, address, key)
    assert (again.accepted, again.duplicate) == (0, 1203)


async def test_events_go_as_they_are_without_a_mapping(
    ingest: Service[IngestStore], address: str, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"specversion": "1.0", "id": "only"}\nnot json\n')
    summary: Summary = await publish(file, "housing", None, address, await issue_key(ingest.worker, "housing"))
    assert (summary.rejected, summary.unreadable) == (1, 1)
    assert [problem.row for problem in summary.problems] == [2, 1]


async def test_a_key_that_is_not_in_use_stops_at_once(address: str, tmp_path: Path, mapping: Path) -> None:
    file = tmp_path / "arrears.csv"
    file.write_text(f"{HEADER}\nT-1,01/03/2026,Fred,Smith,,1,High Street,6,no\n")
    with pytest.raises(FileError, match="Unknown key"):
        await publish(file, "housing", mapping, address, "jsk_housing_wrong")
    file.write_text("tenancy,week\nT-1,1/1/2026\n")
    with pytest.raises(FileError, match="'forename'"):
        await publish(file, "housing", mapping, address, "jsk_housing_wrong")


async def test_the_regions_own_files_say_the_same_in_every_format(
    ingest: Service[IngestStore], address: str, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    generate(seed=3, people=200, days=14, start=today - timedelta(days=20)).export(tmp_path, ("csv", "jsonl", "xlsx"))
    key, seen = await issue_key(ingest.worker, "schools"), []
    for ending in ("csv", "jsonl", "xlsx"):
        mapping = tmp_path / "mappings" / "schools.yaml"
        seen.append(await publish(tmp_path / f"schools.{ending}", "schools", mapping, address, key))
    assert seen[0].accepted > 50
    assert [(s.accepted, s.rejected) for s in seen[1:]] == [(0, 0)] * 2
    assert len({(s.rows, s.unreadable) for s in seen}) == 1
