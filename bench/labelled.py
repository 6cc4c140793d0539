"""Labelled files of people, whoever made them: CSV or Parquet, columns in any order and of any type.

Columns are taken by their names (``FIELDS``), or as a map says. Everything then goes through ingest's normal forms, as
a partner's file would.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pandas
import yaml

from bench.stack import say
from local.cells import as_text
from shared.contracts import Kind
from shared.normal import normalise
from shared.normal.subjects import READERS
from shared.normal.text import listed

Identity = Mapping[str, str]
SOURCE: Final = "source"
"""The field that says which system a record is of; it becomes the agreement under which it is published."""

_NAMES: Final[Mapping[str, str]] = {
    "given": "given given_name givenname first first_name firstname fname forename forename1 forenames first_names",
    "middle": "middle middle_name middlename middle_names middle_initial second_forename forename2 other_names mname",
    "family": "family family_name familyname surname last last_name lastname lname sname",
    "birth_family": "birth_family birth_name name_at_birth maiden maiden_name birth_surname surname_at_birth"
    " family_name_at_birth last_name_at_birth previous_name previous_surname former_name former_surname",
    "name": "name full_name fullname whole_name person_name",
    "sex": "sex gender sex_at_birth",
    "birth_date": "birth_date birthdate dob date_of_birth born day_of_birth"
    " | birth_year year_of_birth yob | birth_month month_of_birth mob | birth_day",
    "address": "flat flat_number unit unit_number apartment sub_building building_unit | house_name building"
    " building_name | house_number number street_number building_number house_no | address address_1 address1 addr1"
    " address_line_1 address_line1 addressline1 line1 line_1 street street_name street_address address_street road"
    " | address_2 address2 addr2 address_line_2 address_line2 addressline2 line2 line_2 locality"
    " | address_3 address3 addr3 address_line_3 address_line3 addressline3 line3 line_3"
    " | address_4 address4 addr4 address_line_4 address_line4 addressline4 line4 line_4",
    "town": "town city post_town posttown town_city suburb village",
    "postcode": "postcode post_code postal_code postalcode pcode zip zip_code zipcode postcode_fake",
    "uprn": "uprn property_reference",
    "phone": "phone phone_number phone_no telephone telephone_number tel home_phone homephone landline home_tel"
    " phone_home telephone_home phone1 | work_phone work_tel phone_work daytime_phone phone2 other_phone",
    "mobile": "mobile mobile_phone mobile_number mobile_no cell cell_phone phone_mobile mobile_tel",
    "email": "email e_mail email_address mail",
    "nhs_number": "nhs_number nhs_no nhs nhsnumber nhs_num",
    "nino": "nino ni_number ni_no national_insurance national_insurance_number nat_ins_no national_insurance_no",
    "reference": "reference ref other_reference other_ref source_reference source_ref system_reference system_ref"
    " external_reference external_ref external_id soc_sec_id social_security_number ssn case_reference case_ref"
    " customer_reference customer_ref client_reference client_ref local_id crm_id pupil_number upn",
    "vehicle": "vehicle vehicle_registration registration_mark vrm number_plate",
    "birth_place": "birth_place birthplace place_of_birth",
    "occupation": "occupation job job_title profession",
    SOURCE: "source source_system system source_name dataset data_source source_dataset partner provider origin",
}
FIELDS: Final[Mapping[str, tuple[str, int]]] = {
    column: (field, part)
    for field, parts in _NAMES.items()
    for part, columns in enumerate(parts.split("|"))
    for column in columns.split()
}
"""Column, as ``_plain`` writes it → our field, and which part of it: house number before street, year before month."""

NAMING: Final = listed("id unique_id record_id rec_id recid person_record_id row_id")
"""Columns that name a record, where their values differ."""

_POINT_NOUGHT: Final = re.compile(r"^(\d+)\.0$")
_BETWEEN: Final = {"birth_date": "-", "phone": " / "}


@dataclass(frozen=True)
class Labelled:
    """Identities in normal form by the record's name, each with its ``source`` if it says one, and the truth."""

    records: Mapping[str, Identity]
    truth: Mapping[str, Hashable]


def read(path: Path, truth: str, columns: str) -> Labelled:
    """A file's records. ``columns`` is a map ("" to guess). Ends the program with a sentence where that cannot be."""
    frame = _frame(path)
    if truth not in frame.columns:
        _refuse(f"{path} has no column {truth!r}; it has {', '.join(map(str, frame.columns))}: say which by --truth")
    known = _mapped(frame.columns, columns) if columns else _guessed(frame.columns, truth)
    if not known:
        _refuse(f"no column of {path} is known: say by --columns what they are, as in surname=family,dob=birth_date")
    names = _record_names(frame)
    people = [None if pandas.isna(person) else as_text(_plain_cell(person)) for person in frame[truth]]
    return Labelled(
        dict(zip(names, rows(frame, known), strict=True)),
        {name: person or f"only {name}" for name, person in zip(names, people, strict=True)},
    )


def rows(frame: pandas.DataFrame, known: Mapping[str, tuple[str, int]]) -> list[Identity]:
    """Each row in ingest's normal form. ``known``: column → field, part."""
    ordered = sorted(known, key=lambda column: known[column])
    return [
        _identity([(known[column][0], _cell(cell)) for column, cell in zip(ordered, cells, strict=True)])
        for cells in frame[ordered].itertuples(index=False, name=None)
    ]


def guessed(columns: Iterable[object]) -> dict[str, tuple[str, int]]:
    """The columns whose names say what they are."""
    return {str(column): FIELDS[_plain(column)] for column in columns if _plain(column) in FIELDS}


def _identity(cells: Iterable[tuple[str, str]]) -> Identity:
    published: dict[str, str] = {}
    for field, text in cells:
        if text:
            before = published.get(field)
            if before is None:
                published[field] = text
            elif field != "birth_date" or len(before) < len("1987-06-14"):  # a whole date needs no parts
                published[field] = f"{before}{_BETWEEN.get(field, ' ')}{text}"
    source = published.pop(SOURCE, "")
    phone, between, other = published.get("phone", "").partition(_BETWEEN["phone"])
    if between:
        published |= {"phone": phone, "mobile": published.get("mobile", other)}
    identity = normalise(Kind.PERSON, published)[0]
    return {**identity, SOURCE: source} if source else identity


def _frame(path: Path) -> pandas.DataFrame:
    try:
        if path.suffix in (".parquet", ".pq"):
            return pandas.read_parquet(path)
        return pandas.read_csv(path, dtype=str, sep="\t" if path.suffix == ".tsv" else ",")
    except (OSError, ValueError) as error:  # what pandas and pyarrow raise for what they cannot read are ValueErrors
        _refuse(f"{path} cannot be read as {path.suffix.removeprefix('.') or 'CSV'}: {error}")


def _mapped(columns: Iterable[object], text: str) -> dict[str, tuple[str, int]]:
    """A map's columns. Those that make one field are joined in the order of their usual parts, then of the map."""
    wanted = _map(text)
    there = {str(column) for column in columns}
    if strange := sorted(wanted.keys() - there):
        _refuse(f"--columns names what the file has not: {', '.join(strange)}; it has {', '.join(sorted(there))}")
    if unknown := sorted({field for field in wanted.values() if field not in _NAMES}):
        _refuse(f"--columns names fields that there are not: {', '.join(unknown)}; there are {', '.join(_NAMES)}")
    say(f"Columns ignored: {', '.join(sorted(there - wanted.keys())) or 'none'}")
    usual = {column: part for column, (field, part) in guessed(wanted).items() if wanted[column] == field}
    order = sorted(wanted, key=lambda column: usual.get(column, 0))
    return {column: (wanted[column], place) for place, column in enumerate(order)}


def _map(text: str) -> dict[str, str]:
    """``theirs=ours,theirs=ours``, or a JSON or YAML file of the same."""
    if "=" in text:
        pairs = (pair.partition("=") for pair in text.split(","))
        return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
    try:
        found = yaml.safe_load(Path(text).read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        _refuse(f"--columns {text} cannot be read: {error}. Give a JSON or YAML file, or theirs=ours,theirs=ours")
    if not isinstance(found, dict):
        _refuse(f"--columns {text} is no map: write {{surname: family, dob: birth_date}}")
    return {str(theirs): str(ours) for theirs, ours in found.items()}


def _guessed(columns: Sequence[object], truth: str) -> dict[str, tuple[str, int]]:
    found = guessed(column for column in columns if column != truth)
    strange = [str(column) for column in columns if column != truth and str(column) not in found]
    say(
        f"Columns ignored: {', '.join(strange) or 'none'}; taken: "
        + ", ".join(f"{c}={f}" for c, (f, _) in found.items())
    )
    return found


def _record_names(frame: pandas.DataFrame) -> list[str]:
    for column in frame.columns:
        if _plain(column) in NAMING and frame[column].notna().all() and frame[column].is_unique:
            return [as_text(_plain_cell(cell)) for cell in frame[column]]
    return [str(at) for at in range(len(frame))]


def _plain(column: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(column)).lower()).strip("_")


def _plain_cell(cell: object) -> object:
    """A NumPy scalar as Python's own."""
    return cell.item() if hasattr(cell, "item") and getattr(cell, "ndim", 1) == 0 else cell


def _cell(cell: object) -> str:
    """A cell as text; a whole number that went through a column of floats (``1987.0``) without its point."""
    return "" if cell is None or pandas.isna(cell) else _POINT_NOUGHT.sub(r"\1", as_text(_plain_cell(cell)))


def _refuse(sentence: str) -> NoReturn:
    raise SystemExit(sentence)


assert _NAMES.keys() - {SOURCE} <= READERS[Kind.PERSON].keys()
