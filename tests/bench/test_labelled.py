"""Labelled files as they come: any order of columns, any types, any spelling of their names."""

from pathlib import Path

import pandas
import pytest

from bench.labelled import read

PEOPLE = pandas.DataFrame(
    {
        "Town/City": ["Aberwern", None, "Wigmoor"],
        "address_line_2": ["14 Castle Street", "14 Castle Street", None],
        "NHS No": [9434765919.0, None, 9434765870.0],
        "Date of Birth": pandas.to_datetime(["1987-06-14", "1987-06-14", None]),
        "who": [1, 1, 2],
        "home_phone": [1597960001.0, None, None],
        "Forename": ["Si\u00e2n", "Sian", "Rhodri"],
        "addr1": ["Flat 2", None, "3 Mill Lane"],
        "Maiden Name": [None, "Pugh", None],
        "work_phone": [None, "01597 960002", "01597 960003"],
        "LastName": ["Pritchard", "Pritchard", "Vaughan"],
        "shoe_size": [5, 5, 9],
        "UPRN": [100012345678, 100012345678, 7],
        "yob": [1987, 1987, 1961],
        "source_system": ["a", "b", "b"],
    }
)
SIAN = {
    "given": "Si\u00e2n", "family": "Pritchard", "birth_date": "1987-06-14", "address": "Flat 2 14 Castle Street",
    "town": "Aberwern", "phone": "+441597960001", "nhs_number": "9434765919", "uprn": "100012345678", "source": "a",
}  # fmt: skip


def written(folder: Path, ending: str, frame: pandas.DataFrame = PEOPLE) -> Path:
    path = folder / f"people.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_are_known_by_their_names_whatever_their_types(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    those = read(written(tmp_path, ending), "who", "")
    sian, sian_again, rhodri = those.records.values()
    assert sian == SIAN
    assert sian_again["birth_family"] == "Pugh"
    assert sian_again["phone"] == "+441597960002"
    assert rhodri["birth_date"] == "1961"
    assert list(those.truth.values()) == ["1", "1", "2"]
    assert "shoe_size" in capsys.readouterr().err


def test_columns_in_any_order_are_the_same_records(tmp_path: Path) -> None:
    turned = PEOPLE[PEOPLE.columns[::-1]]
    assert read(written(tmp_path, "csv", turned), "who", "") == read(written(tmp_path, "parquet"), "who", "")


@pytest.mark.parametrize("ending", ["yaml", "json", ""])
def test_a_map_suffices(tmp_path: Path, ending: str) -> None:
    pairs = {"Forename": "family", "LastName": "given", "addr1": "address", "address_line_2": "address"}
    columns = ",".join(f"{theirs}={ours}" for theirs, ours in pairs.items())
    if ending:
        file = tmp_path / f"map.{ending}"
        text = [f'"{theirs}": "{ours}"' for theirs, ours in pairs.items()]
        file.write_text("{" + ", ".join(text) + "}" if ending == "json" else "\n".join(text))
        columns = str(file)
    first = next(iter(read(written(tmp_path, "parquet"), "who", columns).records.values()))
    assert first == {"given": "Pritchard", "family": "Si\u00e2n", "address": "Flat 2 14 Castle Street"}


def test_records_are_named_by_their_own_ids_where_they_have_some(tmp_path: Path) -> None:
    named = PEOPLE.assign(RecordID=["x", "y", "z"])
    assert list(read(written(tmp_path, "csv", named), "who", "").records) == ["x", "y", "z"]
    assert list(read(written(tmp_path, "csv"), "who", "").records) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("name", "truth", "columns", "says"),
    [
        ("people.csv", "cluster", "", "no column 'cluster'"),
        ("people.csv", "who", "nobody=given", "the file has not: nobody"),
        ("people.csv", "who", "Forename=forename", "that there are not: forename"),
        ("people.csv", "who", "no-such-file.yaml", "cannot be read"),
        ("nothing.csv", "who", "", "cannot be read"),
        ("nothing.parquet", "who", "", "cannot be read"),
        ("people.xyz.parquet", "who", "", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, name: str, truth: str, columns: str, says: str
) -> None:
    written(tmp_path, "csv")
    (tmp_path / "people.xyz.parquet").write_text("no parquet")
    with pytest.raises(SystemExit, match=says):
        read(tmp_path / name, truth, columns)
