"""The whole service on a real broker and database: what it hears is recorded, what is read of it is recorded too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from http.cookies import SimpleCookie
from time import time
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import Response

from local.stack import Parts
from services.audit.checkpoint import Signer, Verifier
from services.audit.desk import MOST
from services.audit.domain import NOBODY, Entry, Opened
from services.audit.log import Log, Reading
from services.audit.main import service
from services.audit.merkle import is_consistent
from services.audit.pages import row
from services.audit.settings import AuditSettings
from services.audit.store import END, EVER, AuditStore, Window
from services.audit.witness import Witness
from shared.access import Agreements
from shared.contracts import NOTHING_LEFT, Access, Action, Outcome
from shared.db import Database
from shared.web.csrf import token_of
from shared.web.keys import Keys
from shared.web.language import languages
from shared.web.session import SessionCookie, begin
from shared.web.viewer import Viewer
from tests.audit.conftest import NOON, PEOPLE, access
from tests.audit.proving import root_by_inclusion
from tests.parts import Databases, connected

SESSION_KEY = "a session key of thirty-two characters"
SEED, SEALING_KEY = bytes(range(32)), bytes(range(32, 64))
SESSION = "the same in every test"
TOKEN = token_of(Keys(SESSION_KEY), replace(begin(Viewer("", "", "", "", "", ""), "", 0), id=SESSION))
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
def settings(parts: Parts, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AuditSettings:
    return AuditSettings(
        kafka=parts.kafka, database=SecretStr(databases.dsn), redis=parts.redis,
        sealing_key=SecretStr(SEALING_KEY.hex()), session_key=SecretStr(SESSION_KEY),
        checkpoint_key=SecretStr(SEED.hex()), witness=tmp_path_factory.mktemp("kept") / "witness",
    )  # fmt: skip


@pytest.fixture(scope="module")
async def database(databases: Databases, topics: None) -> AsyncIterator[Database]:
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("TRUNCATE entries, subtrees, checkpoints, erasures, subjects, inbox, outbox")
    database = Database(databases.dsn)
    await database.open()
    log = Log(Signer("jigsaw/audit", SEED), SEALING_KEY)
    for first in range(0, 300, 100):
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(place) for place in range(first, first + 100)], NOON)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def ask(settings: AuditSettings, database: Database) -> AsyncIterator[Ask]:
    """Ask the running service, as somebody of a role (empty: nobody)."""
    app = service(settings).app

    async def asked(path: str, role: str = "auditor", method: str = "GET", **more: object) -> httpx.Response:
        cookies = {"jigsaw": _cookie(role)} if role else {}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", cookies=cookies) as client:
            return await client.request(method, path, **more)  # type: ignore[arg-type]

    async with app.router.lifespan_context(app):
        yield asked


def _cookie(role: str) -> str:
    response = Response()
    person = Viewer("ruth", "Ruth Adler", "ruth@example.org", role, "governance", "en")
    session = replace(begin(person, "", time()), id=SESSION)
    SessionCookie(Keys(SESSION_KEY), secure=False).write(response, session)
    return SimpleCookie(response.headers["set-cookie"])["jigsaw"].value


async def done_by(database: Database, actor: str) -> list[Access]:
    """Read beside the service, since asking it would add to what it did."""
    log = Log(Signer("jigsaw/audit", SEED), SEALING_KEY)
    async with database.transaction() as connection:
        store = AuditStore(connection)
        readings = await log.read(store, await store.of_actor(actor, Window(END, *EVER, MOST)))
    return [reading.opened.access for reading in readings if reading.opened]


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await found():  # noqa: ASYNC110 - what is waited for is in another process's database
            await asyncio.sleep(0.02)


async def test_who_saw_a_person_is_answered_and_page_by_page(ask: Ask) -> None:
    whole = (await ask(f"/audit/api/subjects/{PEOPLE[2]}")).json()
    mine = [access(place) for place in range(300) if access(place).subject == PEOPLE[2]][::-1]
    assert [entry["access"] for entry in whole["entries"]] == [a.model_dump(mode="json") for a in mine]
    first = (await ask(f"/audit/api/subjects/{PEOPLE[2]}", params={"limit": 5})).json()
    then = (await ask(f"/audit/api/subjects/{PEOPLE[2]}", params={"limit": 5, "before": first["following"]})).json()
    assert first["entries"] + then["entries"] == whole["entries"]
    assert then["following"] is None


async def test_somebody_with_several_ids_is_one_answer(ask: Ask) -> None:
    answer = await ask(f"/audit/api/subjects/{PEOPLE[2]}", params={"also": [str(PEOPLE[3]), str(uuid4())]})
    assert {entry["access"]["subject"] for entry in answer.json()["entries"]} == {str(PEOPLE[2]), str(PEOPLE[3])}


async def test_reading_the_log_is_recorded_in_it(ask: Ask, database: Database) -> None:
    stranger = uuid4()
    assert (await ask(f"/audit/api/subjects/{PEOPLE[9]}")).status_code == 200
    assert (await ask(f"/audit/api/subjects/{stranger}")).json()["entries"] == []
    expected = {(PEOPLE[9], Outcome.ALLOWED), (stranger, Outcome.EMPTY)}

    async def recorded() -> bool:
        looks = [done for done in await done_by(database, "ruth") if done.action == Action.CONSULTATION]
        return expected <= {(look.subject, look.outcome) for look in looks}

    await until(recorded)


async def test_others_are_refused_and_that_is_recorded(ask: Ask, database: Database) -> None:
    answer = await ask(f"/audit/api/subjects/{PEOPLE[11]}", role="supervisor")
    assert answer.status_code == 403
    assert "recorded" in answer.json()["detail"]
    assert (await ask("/audit/api/actors/sian", role="")).status_code == 401
    assert (await ask("/audit/", role="steward", headers={"Accept": "text/html"})).status_code == 403

    async def recorded() -> bool:
        refused = [done for done in await done_by(database, "ruth") if done.outcome == Outcome.REFUSED]
        return {(PEOPLE[11], "operation/subjects"), (None, "operation/search")} <= {
            (done.subject, done.reference) for done in refused
        }

    await until(recorded)


async def test_checkpoint_and_proofs_convince_somebody_without_a_sign_in(ask: Ask) -> None:
    old = (await ask("/audit/api/checkpoints/latest", role="")).json()
    await ask(f"/audit/api/subjects/{PEOPLE[1]}")

    async def grown() -> bool:
        return bool((await ask("/audit/api/checkpoints/latest", role="")).json()["size"] > old["size"])

    await until(grown)
    proof = (await ask("/audit/api/proofs/inclusion", role="", params={"seq": 123})).json()
    checkpoint = Verifier(old["verifier_key"]).open(proof["note"])
    path = [bytes.fromhex(hash) for hash in proof["path"]]
    assert root_by_inclusion(bytes.fromhex(proof["leaf"]), 123, proof["size"], path) == checkpoint.root
    span = {"from": old["size"], "to": checkpoint.size}
    steps = (await ask("/audit/api/proofs/consistency", role="", params=span)).json()["path"]
    assert is_consistent(
        old["size"], checkpoint.size, bytes.fromhex(old["root"]), checkpoint.root, [bytes.fromhex(s) for s in steps]
    )


async def test_a_receipt_can_be_checked_without_us(ask: Ask) -> None:
    receipt = (await ask("/audit/api/entries/42")).json()
    commitment = sha256(bytes.fromhex(receipt["salt"]) + receipt["payload"].encode()).digest()
    assert commitment.hex() == receipt["commitment"]
    assert commitment in bytes.fromhex(receipt["leaf_data"])
    leaf = sha256(b"\0" + bytes.fromhex(receipt["leaf_data"])).digest()
    proof = receipt["inclusion"]
    root = root_by_inclusion(leaf, 42, proof["size"], [bytes.fromhex(hash) for hash in proof["path"]])
    assert root == Verifier(Signer("jigsaw/audit", SEED).verifier_key).open(proof["note"]).root


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/audit/api/proofs/inclusion?seq=99999", 404, "no entry 99999"),
        ("/audit/api/proofs/consistency?from=5&to=3", 422, "0 ≤ from ≤ to"),
        ("/audit/api/entries/99999", 404, "no entry 99999"),
        ("/audit/api/subjects/fred", 422, "entity"),
        (f"/audit/api/subjects/{PEOPLE[1]}?limit=0", 422, "limit"),
    ],
)
async def test_what_cannot_be_answered_says_why(ask: Ask, path: str, status: int, detail: str) -> None:
    answer = await ask(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


async def test_the_witness_soon_has_the_newest_checkpoint(ask: Ask, settings: AuditSettings) -> None:
    asked = (await ask("/audit/api/checkpoints/latest")).json()
    witness = Witness(settings.witness, Verifier(asked["verifier_key"]))

    async def kept() -> bool:
        newest = witness.newest()
        return newest is not None and newest.size >= asked["size"]

    await until(kept)


async def erase(ask: Ask, *entities: UUID, **headers: str) -> httpx.Response:
    asked = {"entities": [str(entity) for entity in entities], "reason": "Article 17 request"}
    return await ask("/audit/api/erasures", method="POST", json=asked, headers={"X-CSRF-Token": TOKEN} | headers)


async def erased_by_linkage(database: Database, entity: UUID, **changes: object) -> None:
    """The entry that linkage writes when it erases an entity and nothing is left of it."""
    said = {"service": "linkage", "subject": entity, "action": Action.ERASURE, "actor": "dafydd", "role": "steward",
            "purpose": "identity", "reference": f"{NOTHING_LEFT}objection: Granted."}  # fmt: skip
    log = Log(Signer("jigsaw/audit", SEED), SEALING_KEY)
    async with database.transaction() as connection:
        await log.append(AuditStore(connection), [access(300, **said | changes)], NOON)


async def test_erasing_somebody_needs_a_token_and_leaves_nothing_to_read(ask: Ask, database: Database) -> None:
    person = PEOPLE[20]
    await erased_by_linkage(database, person)
    assert (await erase(ask, person, **{"X-CSRF-Token": ""})).status_code == 403
    assert (await erase(ask, person)).json()["subjects"] == 1
    assert (await ask(f"/audit/api/subjects/{person}")).json()["entries"] == []
    receipt = (await ask("/audit/api/entries/20")).json()
    assert receipt["entry"]["erased"]
    assert receipt["payload"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"action": Action.CONSULTATION},
        {"service": "alerts"},
        {"outcome": Outcome.REFUSED},
        {"outcome": Outcome.EMPTY},
        {"reference": "records_erased:objection: Granted."},
        {"reference": "retention_over:1"},
        {"subject": PEOPLE[1]},
    ],
)
async def test_nobody_is_erased_whom_linkage_has_not_erased(
    ask: Ask, database: Database, changes: dict[str, object]
) -> None:
    person, erased, unknown = PEOPLE[21], PEOPLE[22], uuid4()
    await erased_by_linkage(database, erased)
    await erased_by_linkage(database, person, **changes)
    before = (await ask(f"/audit/api/subjects/{person}", params={"limit": MOST})).json()["entries"]
    answer = await erase(ask, erased, person, NOBODY, unknown)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(str(id) in answer.json()["detail"] for id in (person, NOBODY, unknown))
    assert str(erased) not in answer.json()["detail"]
    assert "Dileëwch hwy yno yn gyntaf" in (await erase(ask, person, **{"Accept-Language": "cy"})).json()["detail"]
    after = (await ask(f"/audit/api/subjects/{person}", params={"limit": MOST})).json()["entries"]
    assert [entry for entry in before if entry not in after] == []
    assert (await ask(f"/audit/api/subjects/{erased}")).json()["entries"], "nor is anybody else"


async def test_that_an_erasure_was_refused_is_recorded_of_each_id(ask: Ask, database: Database) -> None:
    erased, living, unknown = PEOPLE[23], PEOPLE[24], uuid4()
    await erased_by_linkage(database, erased)
    assert (await erase(ask, erased, living, unknown)).status_code == 409
    expected = {(erased, Outcome.REFUSED), (living, Outcome.REFUSED), (unknown, Outcome.EMPTY)}

    async def recorded() -> bool:
        done = [each for each in await done_by(database, "ruth") if each.reference == "operation/erasures"]
        return expected <= {(each.subject, each.outcome) for each in done}

    await until(recorded)


async def test_what_an_unknown_actor_was_called_stays_out_of_address_and_log(ask: Ask, database: Database) -> None:
    name = f"Siân Price, born 2010 {uuid4()}"
    already = len([each for each in await done_by(database, "ruth") if each.reference == "unknown_actor"])
    for tongue, words in (("en", "Nobody of that name acts here"), ("cy", "Nid oes neb o’r enw hwnnw’n gweithredu")):
        headers = {"Accept": "text/html", "Accept-Language": tongue}
        typed = await ask("/audit/", method="POST", data={"csrf": TOKEN, "actor": name}, headers=headers)
        assert (typed.status_code, "location" in typed.headers) == (400, False)
        asked = await ask("/audit/", params={"actor": name}, headers=headers)
        assert asked.status_code == 400
        assert words in typed.text
        assert words in asked.text
    assert (await ask(f"/audit/api/actors/{name}")).json() == {"entries": [], "following": None}

    async def recorded() -> bool:
        done = [each for each in await done_by(database, "ruth") if each.reference == "unknown_actor"]
        return [(each.subject, each.outcome) for each in done[: len(done) - already]] == [(None, Outcome.EMPTY)] * 5

    await until(recorded)
    assert not [each for each in await done_by(database, "ruth") if "Price" in each.reference]


async def test_an_actor_whom_the_log_knows_is_searched_by_address(ask: Ask, database: Database) -> None:
    form = {"csrf": TOKEN, "actor": " sian "}
    right = await ask("/audit/", method="POST", data=form, headers={"Accept": "text/html"})
    assert (right.status_code, right.headers["location"]) == (303, "/audit/?actor=sian")
    late = {"since": "2030-01-01T00:00:00Z"}
    assert (await ask("/audit/api/actors/sian", params=late)).json()["entries"] == []

    async def recorded() -> bool:
        done = await done_by(database, "ruth")
        return ("actor/sian", Outcome.EMPTY) in {(each.reference, each.outcome) for each in done}

    await until(recorded)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/audit/api/actors/%00", "application/json"),
        ("/audit/?actor=%00", "text/html"),
        (f"/audit/api/subjects/{PEOPLE[1]}?since=0001-01-01T00:00:00%2B23:59", "application/json"),
        ("/audit/api/actors/sian?until=9999-12-31T23:59:59-23:59", "application/json"),
    ],
)
async def test_what_the_database_cannot_hold_is_refused_as_the_askers(ask: Ask, path: str, accept: str) -> None:
    answer = await ask(path, headers={"Accept": accept})
    assert answer.status_code == 422
    assert "cannot be kept" in answer.text


async def test_nor_is_a_name_with_such_a_character_searched_for(ask: Ask) -> None:
    form = {"csrf": TOKEN, "actor": "a\x00b"}
    assert (await ask("/audit/", method="POST", data=form, headers={"Accept": "text/html"})).status_code == 422


@pytest.mark.parametrize(("tongue", "words"), [("en", "Looked at"), ("cy", "Edrychwyd ar")])
async def test_the_page_says_entries_in_words(ask: Ask, tongue: str, words: str) -> None:
    headers = {"Accept": "text/html", "Accept-Language": tongue}
    page = await ask("/audit/", params={"entity": f"{PEOPLE[4]}, {PEOPLE[5]}"}, headers=headers)
    assert page.status_code == 200
    assert words in page.text
    assert "sian" in page.text
    by = await ask("/audit/", params={"actor": "sian"}, headers=headers)
    assert 'rel="next"' in by.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Allowed"),
        ({"reference": f"override:{PEOPLE[0]}"}, "Allowed in an emergency, to another team"),
        ({"reference": f"override:{PEOPLE[0]}:review"}, "Allowed"),
        ({"reference": f"override:{PEOPLE[0]}", "outcome": "refused"}, "Refused"),
    ],
)
def test_an_entry_says_when_it_was_allowed_by_break_glass(changes: dict[str, str], words: str) -> None:
    said = access(1, **changes)
    entry = Entry(1, NOON, 1, said.actor, b"", b"", b"")
    reading = Reading(entry, PEOPLE[0], Opened(b"", said.model_dump_json().encode()))
    assert row(languages([])["en"], Agreements([]), reading)[-1] == words


async def test_a_name_typed_into_the_search_stays_out_of_the_address(ask: Ask) -> None:
    form, headers = {"csrf": TOKEN}, {"Accept": "text/html"}
    wrong = await ask("/audit/", method="POST", data=form | {"entity": "Fred Smith"}, headers=headers)
    assert wrong.status_code == 400
    assert "“Fred”" in wrong.text
    right = await ask("/audit/", method="POST", data=form | {"entity": f" {PEOPLE[4]}\n"}, headers=headers)
    assert right.status_code == 303
    assert right.headers["location"] == f"/audit/?entity={PEOPLE[4]}"
    assert (await ask("/audit/", method="POST", data={"entity": "x"}, headers=headers)).status_code == 403


async def test_the_page_says_whether_the_log_is_whole(ask: Ask) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "en"}

    async def said() -> bool:
        text = (await ask("/audit/", headers=headers)).text
        return "verified, no fault" in text and "agrees" in text

    await until(said)
