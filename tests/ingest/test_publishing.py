"""Posting events to the service on real PostgreSQL, Kafka and Valkey."""

import asyncio
from typing import Any, TypeAlias

import asyncpg
import httpx
import orjson
import pytest

from local.stack import Parts
from services.ingest.domain import receipt_of
from services.ingest.keys import issue_key
from services.ingest.store import IngestStore
from shared.contracts import Kind, record_id
from shared.service import Service
from tests.ingest.conftest import client_of, running, settings_of
from tests.ingest.events import event, person
from tests.ingest.sent import Sent
from tests.parts import Databases

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
Rows: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def post(client: httpx.AsyncClient, *events: Any) -> list[dict[str, Any]]:
    answer = await client.post("/v1/events", content=orjson.dumps(events), headers=BATCH)
    assert answer.status_code == 202, answer.text
    said: list[dict[str, Any]] = answer.json()["events"]
    return said


async def receipts_of(rows: Rows, *events: dict[str, Any]) -> list[str]:
    ids = [receipt_of(e["source"], e["id"]) for e in events]
    return [row["reason"] for row in await rows.fetch("SELECT reason FROM receipts WHERE id = ANY($1)", ids)]


async def test_each_event_gets_its_verdict_in_order(housing: httpx.AsyncClient) -> None:
    good, late, bare = event(), event(time="2031-01-01T00:00:00Z"), event(data={"facts": {"weeks": 1}})
    said = await post(housing, good, late, "nonsense", bare)
    assert [one["verdict"] for one in said] == ["accepted", "rejected", "rejected", "rejected"]
    assert [one.get("reason") for one in said] == [None, "time_in_future", "not_an_event", "nothing_to_link"]
    assert said[1]["field"] == "time"
    assert "clock" in said[1]["advice"]
    assert said[0] == {"id": good["id"], "verdict": "accepted", "findings": []}


async def test_one_event_may_come_alone(housing: httpx.AsyncClient) -> None:
    for media_type in ("application/cloudevents+json; charset=utf-8", "application/json"):
        answer = await housing.post("/v1/events", content=orjson.dumps(event()), headers={"Content-Type": media_type})
        assert [one["verdict"] for one in answer.json()["events"]] == ["accepted"]


async def test_what_is_accepted_is_said_and_accounted_for_in_normal_form(
    housing: httpx.AsyncClient, ingest: Service[IngestStore], rows: Rows, sent: Sent
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    one = event(
        data={
            "person": person(family="SMITH", email="x", shoe="9"),
            "place": {"uprn": "00012"},
            "facts": {"weeks": 6, "rent": 1},
        }
    )
    answer = await housing.post("/v1/events", json=one, headers={"traceparent": trace})
    assert [(f["field"], f["reason"]) for f in answer.json()["events"][0]["findings"]] == [
        ("data.person.shoe", "field_not_in_agreement"), ("data.person.email", "email_unreadable"),
        ("data.facts.rent", "field_not_in_agreement"),
    ]  # fmt: skip
    receipt = receipt_of(one["source"], one["id"])
    body, headers = await sent.record(receipt.hex)
    assert headers["traceparent"][:36] == trace[:36]
    assert (body.partner, body.agreement, body.type, body.facts) == ("housing", "housing", one["type"], {"weeks": 6})
    assert [(r.id, r.kind, r.identity) for r in body.records] == [
        (record_id("housing", Kind.PERSON, "T-1"), Kind.PERSON,
         {"given": "Fred", "family": "Smith", "birth_date": "1990-04-03"}),
        (record_id("housing", Kind.PLACE, "\nuprn=12"), Kind.PLACE, {"uprn": "12"}),
    ]  # fmt: skip
    entries = await sent.entries(str(receipt), 2)
    assert {entry.subject for entry in entries} == {record.id for record in body.records}
    assert {(e.actor, e.action, e.agreement, e.outcome, e.trace) for e in entries} == {
        ("partner:housing", "collection", "housing", "allowed", trace)
    }


async def test_a_repeated_event_is_a_duplicate_with_its_first_verdict(housing: httpx.AsyncClient, rows: Rows) -> None:
    good, bad = event(), event(time="2001-01-01T00:00:00Z")
    await post(housing, good, bad)
    again = await post(housing, good, bad, good)
    assert [(one["verdict"], one["first"]) for one in again] == [
        ("duplicate", "accepted"), ("duplicate", "rejected"), ("duplicate", "accepted")
    ]  # fmt: skip
    assert sorted(await receipts_of(rows, good, bad)) == ["", "time_too_old"]


async def test_within_one_post_an_id_counts_once(housing: httpx.AsyncClient, rows: Rows) -> None:
    good = event()
    said = await post(housing, good, good, good)
    assert [one["verdict"] for one in said] == ["accepted", "duplicate", "duplicate"]
    assert await receipts_of(rows, good) == [""]


async def test_a_rejected_event_may_be_corrected_and_sent_again(housing: httpx.AsyncClient, rows: Rows) -> None:
    bad = event(data={})
    good = bad | {"data": {"person": person()}}
    assert (await post(housing, bad))[0]["verdict"] == "rejected"
    assert (await post(housing, good))[0]["verdict"] == "accepted"
    assert (await post(housing, good))[0]["verdict"] == "duplicate"
    assert (await post(housing, bad))[0]["first"] == "accepted"
    assert await receipts_of(rows, good) == [""]


async def test_two_replicas_racing_take_an_event_in_once(
    housing: httpx.AsyncClient, parts: Parts, database: Databases, rows: Rows, sent: Sent
) -> None:
    events = [event() for _ in range(40)]
    async with (
        running(settings_of(parts, database, quota_factor=1000)) as other,
        client_of(other, housing.headers["X-API-Key"]) as client,
    ):
        orders = [events, events[::-1], events[20:] + events[:20]] * 2
        senders = [housing, client] * 3
        said = await asyncio.gather(*(post(c, *order) for order, c in zip(orders, senders, strict=True)))
    verdicts = [(one["id"], one["verdict"]) for answer in said for one in answer]
    assert sorted(id for id, verdict in verdicts if verdict == "accepted") == sorted(e["id"] for e in events)
    assert await receipts_of(rows, *events) == [""] * 40
    for one in events:
        await sent.record(receipt_of(one["source"], one["id"]).hex)
    assert {sent.heard[receipt_of(one["source"], one["id"]).hex] for one in events} == {1}


async def test_counts_are_exact_and_hold_no_names_of_the_partners_making(
    ingest: Service[IngestStore], rows: Rows
) -> None:
    async with client_of(ingest, await issue_key(ingest.worker, "fire")) as fire:
        good = event(
            source="/partners/fire", type="fire.incident.v1", data={"place": {"uprn": "12", "Fred Smith": "x"}}
        )
        await post(fire, good, good, event(source="/partners/fire", type="Fred Smith"))
        await post(fire, good)
    counted = await rows.fetch("SELECT type, verdict, reason, field, events FROM tallies WHERE partner = 'fire'")
    assert {tuple(row.values()) for row in counted} == {
        ("fire.incident.v1", "accepted", "", "", 1),
        ("fire.incident.v1", "duplicate", "", "", 2),
        ("fire.incident.v1", "finding", "field_not_in_agreement", "data.place.*", 1),
        ("*", "rejected", "not_in_agreement", "type", 1),
    }


async def test_an_ended_agreement_stops_the_flow(ingest: Service[IngestStore], sent: Sent) -> None:
    async with client_of(ingest, await issue_key(ingest.worker, "trading-standards")) as client:
        late = event(source="/partners/trading-standards", type="trading.inspection.v1", data={"place": {"uprn": "12"}})
        said = await post(client, late)
    assert (said[0]["verdict"], said[0]["reason"]) == ("rejected", "agreement_ended")
    entries = await sent.entries(str(receipt_of(late["source"], late["id"])))
    assert [(entry.outcome, entry.subject) for entry in entries] == [("refused", None)]


@pytest.mark.parametrize(
    ("headers", "content", "status", "detail"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415, "application/cloudevents-batch+json"),
        (BATCH | {"Content-Encoding": "gzip"}, b"[]", 415, "Content-Encoding"),
        (BATCH, b'[{"id": 1},\n {"id" 2}]', 400, "Line 2, column 8"),
        (BATCH, b"{}", 400, "a JSON array of events"),
        ({"Content-Type": "application/cloudevents+json"}, b"[]", 400, "this one is an array"),
        ({"Content-Type": "application/json"}, b"12", 400, "a number"),
        (BATCH, b"[" + b"{}," * 500 + b"{}]", 413, "in 2 parts"),
        (BATCH, b"[" + b" " * 1024 * 1024 + b"]", 413, "1048576"),
        (BATCH, b"[" * 2000, 400, "Line 1"),
    ],
)
async def test_a_post_that_is_no_post_is_refused_with_advice(
    housing: httpx.AsyncClient, headers: dict[str, str], content: bytes, status: int, detail: str
) -> None:
    answer = await housing.post("/v1/events", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


async def test_a_stream_without_length_is_cut_off(housing: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 65536

    assert (await housing.post("/v1/events", content=endless(), headers=BATCH)).status_code == 413


async def test_an_empty_post_has_no_verdicts(housing: httpx.AsyncClient) -> None:
    assert await post(housing) == []


async def test_a_stranger_is_refused_and_accounted_for(ingest: Service[IngestStore], sent: Sent) -> None:
    trace = "00-11112222333344445555666677778888-00f067aa0ba902b7-01"
    key = await issue_key(ingest.worker, "housing")
    async with client_of(ingest) as client:
        for headers in (
            {},
            {"X-API-Key": "jsk_housing_guess"},
            {"Authorization": f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}"},
        ):
            answer = await client.post("/v1/events", json=event(), headers=headers | {"traceparent": trace})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (
            await client.post("/v1/events", json=event(), headers={"Authorization": f"Bearer {key}"})
        ).status_code == 202
    entries = await sent.entries("unknown key", 3, trace)
    assert [(entry.actor, entry.outcome) for entry in entries] == [("unknown", "refused")] * 3


async def test_a_partner_cannot_speak_for_another(housing: httpx.AsyncClient, rows: Rows, sent: Sent) -> None:
    trace = "00-9999222233334444555566667777aaaa-00f067aa0ba902b7-01"
    foreign = event(source="/partners/police")
    alone = await housing.post("/v1/events", json=foreign, headers={"traceparent": trace})
    assert (alone.status_code, alone.json()["detail"]) == (403, "Your key may publish as /partners/housing.")
    said = await post(housing, event(), foreign)
    assert [(one["verdict"], one.get("reason")) for one in said] == [("accepted", None), ("rejected", "foreign_source")]
    assert await receipts_of(rows, foreign) == []  # the police may still send it
    entries = await sent.entries("foreign_source", 1, trace)
    assert [(entry.actor, entry.outcome) for entry in entries] == [("partner:housing", "refused")]
