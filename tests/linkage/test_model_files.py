"""A model learned from the index's own records: a file that names nobody."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.loading import read
from local.rows import FileError
from local.stack import Parts
from services.linkage.matching.model import Model
from services.linkage.models.train import values_of
from services.linkage.models.training import FEWEST, TooFew, trained
from services.linkage.reading.normal import traits
from services.linkage.store import LinkageStore
from shared.access import Agreements
from shared.contracts import Kind
from shared.db import of_one_moment
from tests.linkage.linking import NOON, Linkage, linkage, region_events
from tests.parts import fresh_database

AGREEMENTS = Agreements.load(Path(__file__).parents[2] / "agreements")
MAPPING = """
type: hospital.admission.v1
id: number
columns: {patient: person.id, forename: person.given, surname: person.family, born: person.birth_date}
"""


@pytest.fixture(scope="module")
async def replica(parts: Parts, topics: None) -> AsyncIterator[Linkage]:
    async with linkage((await fresh_database(parts, "linkage")).dsn, parts.kafka) as replica:
        yield replica


async def learned(replica: Linkage) -> Model:
    async with replica.database.transaction() as connection:
        await of_one_moment(connection)
        return await trained(LinkageStore(connection), "learned", NOON, "a commit")


async def test_too_few_records_teach_nothing(replica: Linkage) -> None:
    with pytest.raises(TooFew, match="load or publish more"):
        await learned(replica)


async def test_a_model_of_the_index_names_no_value_that_few_people_have(replica: Linkage) -> None:
    await replica.hear(region_events())
    model = await learned(replica)
    having: defaultdict[tuple[str, str], set[object]] = defaultdict(set)
    entity_of = await replica.entity_of()
    for one in await replica.people():
        for field in model.rarities:
            for value in values_of(field, traits(one.identity)):
                having[field, value].add(entity_of[one.id])
    named = {(field, value) for field, one in model.rarities.items() for value in one.known}
    assert named
    assert {place for place in named if len(having[place]) < FEWEST} == set()
    assert not model.rarities["nhs_number"].known
    assert max(Counter(field for field, _ in named).values()) > 1


async def test_a_model_says_where_it_comes_from_and_its_version_names_its_bytes(replica: Linkage) -> None:
    model = await learned(replica)
    async with replica.worker.work() as work:
        people = await work.store.memberships(Kind.PERSON)
    assert model.provenance["records"] == str(len(people))
    assert model.provenance["commit"] == "a commit"
    assert "schools " in model.provenance["partners"]
    assert (await learned(replica)).version == model.version
    assert Model.load(model.dump()).version == model.version


def test_a_file_is_judged_as_ingest_would_judge_it(tmp_path: Path) -> None:
    file, mapping = tmp_path / "patients.csv", tmp_path / "mapping.yaml"
    file.write_text(
        "number,patient,forename,surname,born\n1,P1,Siân,PRICE,12/03/2010\n2,P1,Sian,Price,12/03/2010\n3,P2,,,\n"
    )
    mapping.write_text(MAPPING)
    found = read([file], "hospital", mapping, AGREEMENTS, NOON)
    assert found.rows == 3
    assert [one.reason for one in found.shown] == ["nothing_to_link"]
    (said,) = found.published.values()
    assert [one.identity["birth_date"] for one in said] == ["2010-03-12", "2010-03-12"]
    assert {one.agreement for one in said} == {"hospital"}


def test_a_load_refuses_what_it_would_not_count(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING.replace("born: person.birth_date", "nights: facts.nights"))
    with pytest.raises(FileError, match="maps facts"):
        read([], "hospital", mapping, AGREEMENTS, NOON)
    mapping.write_text(MAPPING)
    with pytest.raises(FileError, match="no agreement"):
        read([], "nobody", mapping, AGREEMENTS, NOON)
