"""Keys: known by their digest, several a partner, revoked alone."""

import asyncpg
import httpx
import pytest

from local.stack import Parts
from services.ingest.keys import Keyring, digest, issue_key, office, revoke_key
from services.ingest.store import IngestStore, Key
from shared.contracts import Action
from shared.service import Service
from tests.ingest.conftest import client_of, settings_of
from tests.ingest.events import event
from tests.ingest.sent import Sent
from tests.parts import Databases


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
    assert not await revoke_key(ingest.worker, "housing", newest.id, "test")
    assert await revoke_key(ingest.worker, "police", newest.id, "test")
    assert not await revoke_key(ingest.worker, "police", newest.id, "test")
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


async def test_who_issues_and_revokes_a_key_is_in_the_audit_log_once(ingest: Service[IngestStore], sent: Sent) -> None:
    await issue_key(ingest.worker, "probation", by="operator:gwen")
    [key] = await keys_of(ingest, "probation")
    assert not await revoke_key(ingest.worker, "housing", key.id, "operator:hugh")
    await revoke_key(ingest.worker, "probation", key.id, "operator:ifan")
    await revoke_key(ingest.worker, "probation", key.id, "operator:jane")
    issued, revoked = [await sent.entries(f"key:{key.id}:{change}") for change in ("issued", "revoked")]
    assert [(e.actor, e.role, e.action, e.subject, e.purpose) for e in issued + revoked] == [
        ("operator:gwen", "operator", Action.DECISION, None, "partner-keys"),
        ("operator:ifan", "operator", Action.DECISION, None, "partner-keys"),
    ]


async def test_what_the_command_line_issues_is_accounted_for_by_whoever_runs_ingest(
    ingest: Service[IngestStore], database: Databases, parts: Parts, sent: Sent
) -> None:
    async with office(settings_of(parts, database)) as worker:
        await issue_key(worker, "library", by="operator:kate")
    [key] = await keys_of(ingest, "library")
    assert [entry.actor for entry in await sent.entries(f"key:{key.id}:issued")] == ["operator:kate"]
