"""What a partner may ask about its own events."""

from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import orjson

from services.ingest.keys import issue_key
from services.ingest.store import IngestStore
from shared.service import Service
from tests.ingest.conftest import client_of
from tests.ingest.events import event

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


async def post(client: httpx.AsyncClient, *events: object) -> None:
    answer = await client.post("/v1/events", content=orjson.dumps(events), headers=BATCH)
    assert answer.status_code == 202


async def test_receipts_come_in_pages_each_once(housing: httpx.AsyncClient) -> None:
    began = datetime.now(UTC).isoformat()
    sent = [event() for _ in range(25)]
    for part in (sent[:10], sent[10:]):
        await post(housing, *part)
    await post(housing, event(type="x"), *sent)
    seen, query = [], {"since": began, "limit": "10", "verdict": "accepted"}
    while query:
        page = (await housing.get("/v1/receipts", params=query)).json()
        seen += [receipt["id"] for receipt in page["receipts"]]
        query = {**query, "after": page["next"]} if page["next"] else {}
    assert sorted(seen) == sorted(one["id"] for one in sent)
    rejected = (await housing.get("/v1/receipts", params={"since": began, "verdict": "rejected"})).json()["receipts"]
    assert [(receipt["reason"], receipt["field"]) for receipt in rejected] == [("not_in_agreement", "type")]
    assert (await housing.get("/v1/receipts", params={"after": "x"})).status_code == 400


async def test_a_moment_that_is_none_is_refused_as_the_askers(housing: httpx.AsyncClient) -> None:
    answer = await housing.get("/v1/receipts", params={"since": "0001-01-01T00:00:00+23:59"})
    assert answer.status_code == 422
    assert "a time that is no time" in answer.text


async def test_a_receipt_by_its_events_id_however_odd(housing: httpx.AsyncClient, ingest: Service[IngestStore]) -> None:
    odd = event(id="2026/03/01 #1?é")
    await post(housing, odd)
    found = await housing.get("/v1/receipts/" + quote(odd["id"], safe=""))
    assert [(r["id"], r["verdict"]) for r in found.json()] == [(odd["id"], "accepted")]
    assert (await housing.get("/v1/receipts/never-sent")).status_code == 404
    async with client_of(ingest, await issue_key(ingest.worker, "police")) as police:
        assert (await police.get("/v1/receipts/" + odd["id"].split("/")[0])).status_code == 404
        assert (await police.get("/v1/receipts")).json()["receipts"] == []


async def test_rejections_and_findings_are_counted_with_advice(ingest: Service[IngestStore]) -> None:
    async with client_of(ingest, await issue_key(ingest.worker, "ambulance")) as ambulance:
        call = {"source": "/partners/ambulance", "type": "ambulance.callout.v1"}
        await post(
            ambulance, event(**call, data={"person": {"name": "Fred", "nhs_number": "1"}}), event(**call, data={})
        )
        said = (await ambulance.get("/v1/rejections")).json()
    assert sorted((one["verdict"], one["reason"], one["field"], one["events"]) for one in said) == [
        ("finding", "nhs_number_unreadable", "data.person.nhs_number", 1),
        ("rejected", "nothing_to_link", "data", 1),
    ]
    assert all(one["advice"] for one in said)


async def test_a_partner_reads_its_own_agreement(housing: httpx.AsyncClient) -> None:
    said = (await housing.get("/v1/agreements")).json()
    assert [(one["in_force"], one["agreement"]["name"]) for one in said] == [(True, "housing")]
    assert "weeks" in said[0]["agreement"]["events"]["housing.arrears.v1"]["facts"]


async def test_without_a_key_there_is_nothing_to_read(ingest: Service[IngestStore]) -> None:
    async with client_of(ingest) as stranger:
        for path in ("/v1/receipts", "/v1/receipts/x", "/v1/rejections", "/v1/agreements"):
            assert (await stranger.get(path)).status_code == 401


async def test_the_document_can_be_followed(housing: httpx.AsyncClient) -> None:
    document = (await housing.get("/ingest/openapi.json")).json()
    post = document["paths"]["/v1/events"]["post"]
    assert {"202", "400", "401", "403", "413", "415", "429", "503"} <= set(post["responses"])
    example = post["requestBody"]["content"]["application/cloudevents+json"]["example"]
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    now = datetime.now(UTC).isoformat()
    answer = await housing.post("/v1/events", json=example | {"time": now})
    assert answer.json()["events"] == [{"id": example["id"], "verdict": "accepted", "findings": []}]
