"""Keys: known by their digest, several a partner, revoked alone."""

import asyncpg
import httpx
import pytest

from services.ingest.keys import Keyring, digest, issue_key, revoke_key
from services.ingest.store import IngestStore, Key
from shared.service import Service
from tests.ingest.conftest import client_of
from tests.ingest.events import event


async def keys_of(ingest: Service[IngestStore], partner: str) -> list[Key]:
    async with ingest.worker.work() as work:
        return await work.store.keys_of(partner)


async def test_only_a_digest_is_kept(ingest: Service[IngestStore], rows: "asyncpg.Connection[asyncpg.Record]") -> None:
    key = await issue_key(ingest.worker, "schools", by="test")
    assert key.startswith("jsk_schools_")
    assert len(key) == len("jsk_schools_") + 43
    kept = await rows.fetch("SELECT * FROM partner_keys WHERE partner = 'schools'")
    assert [row["digest"] for row in kept] == [digest(key)]
    assert key.removeprefix("jsk_schools_") not in repr([dict(row) for row in kept])


async def test_a_partner_may_have_several_and_lose_one(ingest: Service[IngestStore]) -> None:
    one, two = [await issue_key(ingest.worker, "police") for _ in range(2)]
    seconds = [0.0]
    keyring = Keyring(ingest.worker, clock=lambda: seconds[0])
    assert [await keyring.partner_of(key) for key in (one, two)] == ["police", "police"]
    newest = (await keys_of(ingest, "police"))[0]
    assert newest.last_used_at is not None
    assert newest.hint == two[-4:]
    assert await revoke_key(ingest.worker, newest.id, "test") == "police"
    assert await revoke_key(ingest.worker, newest.id, "test") is None
    assert await keyring.partner_of(two) == "police"  # remembered
    seconds[0] += Keyring.SECONDS
    assert [await keyring.partner_of(key) for key in (one, two)] == ["police", None]


@pytest.mark.parametrize("key", ["", "jsk", "jsk_police_", "jsk_police_" + "A" * 43, "Ω" * 60, "x" * 10_000])
async def test_what_is_no_key_opens_nothing(ingest: Service[IngestStore], key: str) -> None:
    assert await Keyring(ingest.worker).partner_of(key) is None


async def test_a_name_that_no_agreement_could_have_gets_no_key(ingest: Service[IngestStore]) -> None:
    with pytest.raises(ValueError, match="not a partner's name"):
        await issue_key(ingest.worker, "Housing_1")


async def test_a_partner_without_an_agreement_can_publish_nothing(ingest: Service[IngestStore]) -> None:
    async with client_of(ingest, await issue_key(ingest.worker, "newcomer")) as newcomer:
        answer: httpx.Response = await newcomer.post("/v1/events", json=event(source="/partners/newcomer"))
    assert [said["reason"] for said in answer.json()["events"]] == ["not_in_agreement"]
