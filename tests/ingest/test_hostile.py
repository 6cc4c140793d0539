"""A partner that sends anything, as names of fields too: it is answered, and none of it is left where others look."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain import LONGEST_NAME, MOST_FINDINGS
from shared.contracts import Kind
from shared.normal.subjects import READERS
from tests.ingest.events import event, person
from tests.ingest.test_judging import AGREEMENTS, judged

PARTS = [*(kind.value for kind in Kind), "facts"]
NAMES = {name for readers in READERS.values() for name in readers}
FACTS = {name for named in AGREEMENTS.by_name["housing"].events.values() for name in named.facts}
ATTRIBUTES = {"", "data", "id", "source", "type", "specversion", "time"}
COUNTED = ATTRIBUTES | {"data.*"} | {f"data.{part}" for part in PARTS} | {
    f"data.{part}.{name}" for part in PARTS for name in NAMES | FACTS | {"id", "*"}
}  # fmt: skip
"""All that ingest may ever count by."""


@pytest.fixture(autouse=True)
async def counts(rows: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The database; whatever a test did, nothing of a partner's making is counted by."""
    yield rows
    assert {row["field"] for row in await rows.fetch("SELECT DISTINCT field FROM tallies")} <= COUNTED


@pytest.mark.parametrize(
    ("data", "counted"),
    [
        ({"Sian Price has TB.x": 1}, "data.*"),
        ({"Sian Price has TB": 1}, "data.*"),
        ({"person.given": 1}, "data.*"),
        ({"": 1}, "data.*"),
        ({"\0": 1}, "data.*"),
        ({"facts": {"note about Mr X.y": 1}}, "data.facts.*"),
        ({"facts": {"note about Mr X.given": 1}}, "data.facts.*"),
        ({"facts": {"\0.given": 1}}, "data.facts.*"),
        ({"person": person(**{"q1.given": "x"})}, "data.person.*"),
        ({"person": person(**{"": "x"})}, "data.person.*"),
        ({"person": person(**{"x" * 5000 + ".given": "x"})}, "data.person.*"),
        ({"person": person(**{"x\0y": "x"})}, "data.person.*"),
        ({"person": person(nino="AB123456")}, "data.person.nino"),
        ({"person": person(sex="F")}, "data.person.sex"),
        ({"person": person(id={"a": 1})}, "data.person.id"),
        ({"place": {"town": "Aberwern"}}, "data.place"),
    ],
)
async def test_counts_are_in_our_words(
    housing: httpx.AsyncClient, counts: "asyncpg.Connection[asyncpg.Record]", data: dict[str, Any], counted: str
) -> None:
    await counts.execute("DELETE FROM tallies")
    answer = await housing.post("/v1/events", json=event(data={"person": person()} | data))
    assert answer.status_code == 202
    assert [len(said["findings"]) for said in answer.json()["events"]] == [1]
    assert [r["field"] for r in await counts.fetch("SELECT field FROM tallies WHERE verdict = 'finding'")] == [counted]


def test_a_partner_is_told_its_own_words_but_not_for_ever_nor_what_a_terminal_would_obey() -> None:
    made_up = {f"{n}" + "\0\x1b[2J\u202e" + "x" * 10_000: n for n in range(1000)}
    for data in (
        {"person": person(**made_up)},
        {"person": person(), "facts": made_up},
        {"person": person(), **made_up},
    ):
        findings = judged(event(data=data)).findings
        assert len(findings) == MOST_FINDINGS
        assert all(finding.field.isprintable() for finding in findings)
        assert max(len(finding.field) for finding in findings) <= LONGEST_NAME + len("data.…")
        assert {finding.field.split(".")[-1][0] for finding in findings} <= set("0123456789")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("\0.\x1b x", max_size=4)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | _TEXT
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3))
_NAMES = st.sampled_from(sorted(NAMES | FACTS | {"id"})) | _TEXT | st.builds("{}.{}".format, _TEXT, _TEXT)
_DATA = st.dictionaries(st.sampled_from(PARTS) | _NAMES, st.dictionaries(_NAMES, _JSON, max_size=5) | _JSON, max_size=4)
_GOOD = st.builds(lambda data: event(data={"person": person()} | data), _DATA)
_CHANGES = st.fixed_dictionaries({}, optional=dict.fromkeys(event(), _JSON))
_EVENTS = _GOOD | st.builds(lambda changes: event(**changes), _CHANGES) | _JSON


@given(st.lists(_EVENTS, max_size=4) | _EVENTS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
async def test_whatever_a_partner_sends_it_is_answered_and_counted_in_our_words(
    housing: httpx.AsyncClient, sent: object
) -> None:
    answer = await housing.post("/v1/events", content=orjson.dumps(sent), headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text
