"""Contracts keep their promises: frozen schemas, readable envelopes, a document that says what is."""

import json
import re
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts import FactLinked, RecordsAccepted, Topic
from shared.contracts.asyncapi import document
from shared.contracts.envelope import attributes, first, from_wire, to_headers, to_json
from shared.contracts.schemas import current, frozen, incompatibilities
from shared.outbox import packed, restored, stored

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "asyncapi.json"


@pytest.mark.parametrize("topic", Topic)
def test_contract_reads_every_message_of_its_frozen_schema(topic: Topic) -> None:
    assert incompatibilities(frozen(topic), current(topic)) == []


@pytest.mark.parametrize("topic", Topic)
def test_frozen_schema_is_the_one_in_use(topic: Topic) -> None:
    assert frozen(topic) == current(topic), "run `make contracts` and commit the schema with the change"


def test_breaking_changes_are_found() -> None:
    old = current(Topic.RECORDS)
    required, narrowed, fewer, closed = deepcopy(old), deepcopy(old), deepcopy(old), deepcopy(old)
    required["required"].append("region")
    narrowed["properties"]["partner"] = {"type": "integer"}
    fewer["$defs"]["Kind"]["enum"] = ["person"]
    closed["properties"]["partner"] = {"type": "string", "enum": ["schools"]}
    assert incompatibilities(old, required) == ["body.region: newly required, which old messages lack"]
    assert incompatibilities(old, narrowed) == ["body.partner: was string, is integer"]
    assert incompatibilities(old, fewer) == ["body.records.items.kind: no longer takes ['organisation', 'place']"]
    assert incompatibilities(old, closed) == ["body.partner: no longer takes anything but ['schools']"]


def test_optional_field_may_be_added() -> None:
    new = deepcopy(current(Topic.RECORDS))
    new["properties"]["region"] = {"type": "string", "default": ""}
    assert incompatibilities(current(Topic.RECORDS), new) == []


@settings(deadline=None)
@given(
    facts=st.dictionaries(st.text(min_size=1), st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text())),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_event_crosses_the_wire_unchanged(facts: dict[str, bool | int | str], at: datetime) -> None:
    body = RecordsAccepted(
        partner="schools", agreement="schools", type="t", occurred=at, purposes=[], records=[], facts=facts
    )
    event = first("/services/ingest", str(uuid4()), body, at)
    wire = to_headers(attributes(event))
    assert from_wire(RecordsAccepted, event.key.encode(), wire, to_json(body)) == event
    ((_, _, about, again),) = restored(stored(packed([event])))
    assert from_wire(RecordsAccepted, event.key.encode(), to_headers(about), again) == event


def test_effect_keeps_trace_and_age_of_its_cause() -> None:
    now = datetime.now(UTC)
    body = FactLinked(partner="p", agreement="a", type="t", occurred=now, purposes=[], subjects=[], facts={})
    cause = first("/services/ingest", "k", body, now)
    effect = cause.causes("/services/linkage", "k", body, now)
    assert effect.trace[:35] == cause.trace[:35]
    assert effect.trace != cause.trace
    assert effect.accepted == cause.accepted


def test_asyncapi_document_is_the_one_in_docs() -> None:
    assert json.loads(DOCUMENT.read_text()) == document(), "run `make contracts` and commit docs/asyncapi.json"


def test_documents_say_how_long_a_topic_keeps_its_messages() -> None:
    said = {
        (path.parent.name, name, int(days))
        for path in (*ROOT.glob("services/*/README.md"), ROOT / "SECURITY.md")
        for name, days in re.findall(r"`([a-z]+\.[a-z-]+)`\s\((\d+)\sdays\)", path.read_text())
    }
    assert {each for each in said if each[2] != Topic.named(each[1]).spec.retention_days} == set()
    assert ("audit", "audit.accesses", 90) in said, "what nobody can publish again is kept longest"
