"""Deterministic linking: what the stated rules join, what they never do, and that *why* names the one that decided."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.stack import Parts
from services.linkage.desk.words import RULES as SAID
from services.linkage.matching.rules import NO_RULE, RULES, rule_for, rule_of
from services.linkage.models.differences import REPORT, Change, Differences
from services.linkage.models.registry import Registry
from services.linkage.reading.normal import TRAITS
from tests.linkage.answering import Office, opened, record, viewer
from tests.linkage.linking import STRICT
from tests.parts import fresh_database

PROJECT = Path(__file__).parents[2]
ALL = {
    "given": "Siân", "family": "Price", "birth_date": "1990-05-17", "postcode": "AW1 1AA", "nhs_number": "9434765919",
    "nino": "AB123456C", "reference": "1007689",
}  # fmt: skip
FIELD = {"date": "birth_date"}
SHE = {"given": "Gwenllian", "family": "Prydderch", "birth_date": "1987-06-05", "postcode": "AW6 4ZB"}


def only(*traits: str, **more: str) -> dict[str, str]:
    return {FIELD.get(trait, trait): ALL[FIELD.get(trait, trait)] for trait in traits} | more


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_joins_what_it_names_and_nothing_that_lacks_a_part_of_it(rule: object) -> None:
    whole = only(*rule.same)  # type: ignore[attr-defined]
    assert rule_of(whole, whole) == rule.name  # type: ignore[attr-defined]
    for field in whole:
        less = {name: value for name, value in whole.items() if name != field}
        assert rule_of(whole, less) is None
        assert rule_of(less, less) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_joins_two_dates_of_birth(rule: object) -> None:
    whole = only(*rule.same)  # type: ignore[attr-defined]
    assert rule_of(whole | {"birth_date": "1990-05-17"}, whole | {"birth_date": "1990-05-18"}) is None


def test_placeholders_and_half_a_date_satisfy_no_rule() -> None:
    for date in ("1900-01-01", "1990", "1990-05"):
        one = only("nino", birth_date=date)
        assert rule_of(one, one) is None


def test_names_are_compared_as_linkage_reads_them() -> None:
    one = only("given", "family", "date", "postcode")
    other = one | {"given": "SIAN", "family": "ap Rhys", "postcode": "aw11aa"}
    assert rule_of(one, one | {"given": "SIAN", "postcode": "aw11aa"}) == "same_name_birth_date_and_postcode"
    assert rule_of(one, other) is None, "that Price is ap Rhys is a matter of probability"


texts = st.sampled_from(["", "19900517", "19900500", "A", "B"])
some_traits = st.lists(texts, min_size=len(TRAITS), max_size=len(TRAITS)).map(tuple)


@given(some_traits, some_traits)
def test_rules_do_not_depend_on_the_order_of_the_two(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert rule_for(left, right) == rule_for(right, left)


def test_every_rule_has_a_sentence() -> None:
    assert {rule.name for rule in RULES} | {NO_RULE} <= SAID.keys()


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The region, but that the hospital's agreement forbids probability."""
    folder = tmp_path_factory.mktemp("strict") / "agreements"
    shutil.copytree(PROJECT / "agreements", folder)
    text = (folder / "hospital.yaml").read_text()
    (folder / "hospital.yaml").write_text(text.replace("linking: probabilistic", "linking: deterministic"))
    async with opened(parts, await fresh_database(parts, "linkage"), agreements=folder) as office:
        yield office


async def test_under_a_deterministic_agreement_a_rule_joins_and_why_says_which(office: Office) -> None:
    known = only("given", "family", "date", "postcode", sex="F", address="4 Heol Fawr")
    school, hospital = record("schools", **known), record("hospital", **known | {"postcode": "AW9 9ZZ"})
    ruled = record("hospital", **known)
    await office.hear(school, hospital, ruled)
    found = await office.entity_of(school, hospital, ruled)
    assert found[school.id] == found[ruled.id] != found[hospital.id]
    async with office.client(viewer("steward")) as client:

        async def why(one: object, other: object) -> str | None:
            path = f"/linkage/api/why/{one.id}/{other.id}"  # type: ignore[attr-defined]
            said: str | None = (await client.get(path)).json()["pairs"][0]["rule"]
            return said

        assert await why(school, ruled) == "same_name_birth_date_and_postcode"
        assert await why(school, hospital) == NO_RULE
        pages = {
            language: (
                await client.get(
                    f"/linkage/why/{school.id}/{ruled.id}", headers={"Accept": "text/html", "Accept-Language": language}
                )
            ).text
            for language in ("en", "cy")
        }
    assert "By rule: the same first and last name, date of birth and postcode" in pages["en"]
    assert "Yn ôl rheol" in pages["cy"]


async def test_a_restart_keeps_what_rules_joined_and_scores_may_not(office: Office) -> None:
    people = [record(partner, **SHE | {"email": "x@v.example"}) for partner in ("hospital", "hospital")]
    people = [*people, record("schools", **SHE | {"email": "x@v.example"})]
    await office.hear(*people)
    before = await office.entity_of(*people)
    async with office.database.transaction() as connection:
        await connection.execute("UPDATE index_state SET version = version + 1")  # as if another replica had led
    await office.hear(record("police", **SHE | {"email": "x@v.example"}))
    assert await office.entity_of(*people) == before


async def test_a_model_that_is_tried_cannot_do_what_an_agreement_forbids_and_its_page_says_so(office: Office) -> None:
    known = only("given", "family", "date", "postcode", sex="F", address="7 Heol Fawr")
    one, other = record("schools", **known), record("hospital", **known)
    await office.hear(one, other)
    (entity,) = set((await office.entity_of(one, other)).values())
    sample = [Change("parted", one.id, other.id, (entity, entity))]
    found = Differences(1, 2, 1, 2, joined=0, parted=1, gained=0, lost=1, sample=sample)
    async with office.database.transaction() as connection:
        registry = Registry(connection)
        number = await registry.keep(STRICT, "shadow", "an operator")
        await registry.report(number, REPORT.dump_python(found, mode="json"))
    async with office.client(viewer("steward")) as client:
        (shown,) = (await client.get("/linkage/api/models")).json()["sample"]
    assert shown["case"]["pair"]["model"] == STRICT.version
    assert shown["case"]["pair"]["rule"] == "same_name_birth_date_and_postcode"
