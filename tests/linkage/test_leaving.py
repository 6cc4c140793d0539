"""Records leave when their agreement has ended, come back by a new publication, are forgotten after their retention;
what the agreements say of purposes and of probability reaches the index. On the real service and its database."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from local.stack import Parts
from services.linkage.live import LiveIndex
from services.linkage.models.registry import InUse
from services.linkage.purposes.leaving import Leaving
from services.linkage.purposes.terms import REMOVED_DAYS, Term, Terms
from services.linkage.purposes.views import part_id
from services.linkage.records import Kept
from services.linkage.store import LinkageStore
from shared.access import Agreements
from shared.contracts import Action, Change
from shared.crypto import unseal
from shared.initiatives import Initiatives
from tests.linkage.answering import Office, opened, record, viewer
from tests.linkage.people import model
from tests.parts import connected, fresh_database

PROJECT = Path(__file__).parents[2]
KEY = bytes(32)
TERMS = Terms.of(Agreements.load(PROJECT / "agreements"), Initiatives.load(PROJECT / "initiatives"))
KNOWN = {"given": "Tegwen", "birth_date": "1971-08-29", "sex": "F"}
OLD = KNOWN | {"family": "Vaughan-Probert", "email": "teg@v.example", "address": "4 Heol Fawr", "postcode": "AW3 2LX"}
NEW = {"given": "Tegwen", "family": "Rees", "mobile": "+447700900111", "nino": "AB123456C", "postcode": "AW9 7QT"}
BOTH = OLD | NEW | {"birth_family": "Vaughan-Probert"}
Bridge = tuple[Kept, Kept, Kept]


@pytest.fixture
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


async def bridged(office: Office, bridge: str) -> tuple[Bridge, UUID]:
    """One woman, whose school and police records only a third record shows to be of one; and her entity."""
    records = record("schools", **OLD), record("police", **NEW), record(bridge, **BOTH)
    await office.hear(*records)
    (entity,) = set((await office.entity_of(*records)).values())
    return records, entity


def leaving(office: Office, terms: Terms, at: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Leaving:
    """The loop of a replica with these terms and this clock."""
    live = LiveIndex(InUse(model()), terms)
    return Leaving(office.worker, live, terms, KEY, clock=at)


def ending(*names: str, last: date) -> Terms:
    """The region's terms, but that some agreements end on another day."""
    ended = {name: replace(TERMS.by_agreement[name], ends=last) for name in names}
    return replace(TERMS, by_agreement={**TERMS.by_agreement, **ended})


def noon(day: date) -> Callable[[], datetime]:
    return lambda: datetime.combine(day, time(12), UTC)


LAST = date(2026, 12, 31)
TERM = replace(TERMS.by_agreement["housing"], ends=LAST, retention=timedelta(days=731))


async def rows(office: Office, query: str, *arguments: object) -> list[Mapping[str, Any]]:
    async with connected(office.databases.owner_dsn) as owner:
        return [dict(row) for row in await owner.fetch(query, *arguments)]


async def test_a_record_leaves_the_day_after_its_agreement_ended_and_the_entity_falls_apart(office: Office) -> None:
    (one, other, bridge), entity = await bridged(office, "housing")
    terms = ending("housing", last=LAST)
    assert await leaving(office, terms, noon(LAST)).round() == 0, "the last day counts"
    assert await leaving(office, terms, noon(LAST + timedelta(days=1))).round() == 1
    assert await leaving(office, terms, noon(LAST + timedelta(days=1))).round() == 0, "a second round does nothing"
    found = await office.entity_of(one, other, bridge)
    assert bridge.id not in found
    assert found[one.id] != found[other.id]
    (shrank,) = [c for c in await office.changes(entity) if c.change is Change.SHRANK]
    assert shrank.gone == [bridge.id]
    async with office.client(viewer("steward")) as client:
        shown = (await client.get(f"/linkage/api/entities/{entity}")).json()
    assert bridge.identity["birth_family"] not in {value["value"] for value in shown["golden"].values()
                                                   if value["record"] == str(bridge.id)}  # fmt: skip
    assert str(bridge.id) not in str(shown)
    assert not await rows(office, "SELECT id FROM identities WHERE id = $1", bridge.id)


async def test_what_left_is_kept_sealed_until_its_retention_is_over(office: Office) -> None:
    (_, _, bridge), _ = await bridged(office, "housing")
    terms = replace(TERMS, by_agreement={**TERMS.by_agreement, "housing": TERM})
    await leaving(office, terms, noon(LAST + timedelta(days=1))).round()
    (kept,) = await rows(office, "SELECT id, agreement, until, sealed FROM withheld")
    assert (kept["id"], kept["agreement"], kept["until"]) == (bridge.id, "housing", LAST + TERM.retention)
    assert b"Tegwen" not in kept["sealed"]
    assert orjson.loads(unseal(KEY, kept["sealed"], bridge.id.bytes))[3] == bridge.identity
    await leaving(office, terms, noon(kept["until"])).round()
    assert bridge.id in {row["id"] for row in await rows(office, "SELECT id FROM withheld")}, "the last day counts"
    await leaving(office, terms, noon(kept["until"] + timedelta(days=1))).round()
    assert bridge.id not in {row["id"] for row in await rows(office, "SELECT id FROM withheld")}


async def test_a_new_publication_under_an_agreement_in_force_begins_the_record_anew(office: Office) -> None:
    (one, other, bridge), _ = await bridged(office, "housing")
    terms = ending("housing", last=LAST)
    await leaving(office, terms, noon(LAST + timedelta(days=1))).round()
    changed = {field: value for field, value in BOTH.items() if field != "email"}
    newer = replace(bridge, agreement="fire", identity=changed, seen=bridge.seen + timedelta(days=1))
    await office.hear(newer)
    assert len(set((await office.entity_of(one, other, newer)).values())) == 1
    (row,) = await rows(office, "SELECT identity::text FROM identities WHERE id = $1", bridge.id)
    assert orjson.loads(row["identity"]) == changed, "nothing that was withheld comes back"
    assert await leaving(office, terms, noon(LAST + timedelta(days=1))).round() == 0


async def test_a_decision_about_a_record_that_left_holds_when_it_comes_back(office: Office) -> None:
    one, other = record("schools", **OLD), record("housing", given="Owain", family="Rees", birth_date="1990-05-06")
    await office.hear(one, other)
    async with office.client(viewer("steward")) as client:
        body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": "She told us."}
        assert (await client.post("/linkage/api/decisions", json=body)).status_code == 204
        await leaving(office, ending("housing", last=LAST), noon(LAST + timedelta(days=1))).round()
        assert (await client.get("/linkage/api/review")).json()["cases"] == [], "there is nothing to decide anew"
        await office.hear(replace(other, agreement="fire"))
        assert len(set((await office.entity_of(one, other)).values())) == 1


async def test_a_record_under_a_newer_agreement_of_its_partner_stays(office: Office) -> None:
    one = record("housing", **OLD)
    await office.hear(one, replace(one, agreement="fire", seen=one.seen + timedelta(days=1)))
    terms = ending("housing", last=LAST)
    assert await leaving(office, terms, noon(LAST + timedelta(days=1))).round() == 0
    assert await office.entity_of(one)


async def test_without_its_file_an_agreement_has_ended_but_not_without_any(office: Office) -> None:
    one = record("housing", **OLD)
    await office.hear(one)
    assert await leaving(office, Terms(), noon(LAST)).round() == 0
    fewer = {name: term for name, term in TERMS.by_agreement.items() if name != "housing"}
    assert await leaving(office, replace(TERMS, by_agreement=fewer), noon(LAST)).round() == 1
    (kept,) = await rows(office, "SELECT until FROM withheld")
    assert kept["until"] == LAST + timedelta(days=REMOVED_DAYS)


async def test_many_leave_in_batches_and_a_round_that_fails_goes_on_where_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [record("housing", **KNOWN | {"family": f"Family{n}", "email": f"{n}@v.example"}) for n in range(12)]
    await office.hear(*people)
    monkeypatch.setattr("services.linkage.purposes.leaving.AT_ONCE", 5)
    loop = leaving(office, ending("housing", last=LAST), noon(LAST + timedelta(days=1)))
    async with connected(office.databases.owner_dsn) as owner:
        await owner.execute("REVOKE INSERT ON withheld FROM linkage")
        try:
            with pytest.raises(Exception, match="permission denied"):
                await loop.round()
        finally:
            await owner.execute("GRANT INSERT ON withheld TO linkage")
    assert len(await office.entity_of(*people)) == 12
    assert await loop.round() == 12
    assert not await office.entity_of(*people)
    assert len(await rows(office, "SELECT id FROM withheld")) == 12


async def test_that_a_record_left_is_in_the_audit_log_and_it_can_still_be_erased(office: Office) -> None:
    one = record("housing", **OLD)
    await office.hear(one)
    (entity,) = (await office.entity_of(one)).values()
    await leaving(office, ending("housing", last=LAST), noon(LAST + timedelta(days=1))).round()
    steward = viewer("steward")
    async with office.client(steward) as client:
        body = {"records": [str(one.id)], "ground": "unlawful", "reason": "Never should have been sent."}
        assert (await client.post("/linkage/api/erasures", json=body)).json()["records"] == 1
    assert not await rows(office, "SELECT id FROM withheld")
    await office.entries(steward)
    (entry,) = [e for e in office.heard if e.subject == entity and e.reference == "agreement_ended"]
    assert (entry.action, entry.actor, entry.agreement) == (Action.ALTERATION, "service:linkage", "housing")


async def test_whose_record_is_still_under_seal_is_not_said_to_be_erased(office: Office) -> None:
    one, other = record("housing", **OLD), record("schools", **OLD)
    await office.hear(one, other)
    (entity,) = set((await office.entity_of(one, other)).values())
    await leaving(office, ending("housing", last=LAST), noon(LAST + timedelta(days=1))).round()
    steward = viewer("steward")
    async with office.client(steward) as client:
        for asked, over in (({"records": [str(other.id)]}, []), ({"entities": [str(entity)]}, [str(entity)])):
            body = {**asked, "ground": "objection", "reason": "Granted."}
            assert (await client.post("/linkage/api/erasures", json=body)).json()["entities"] == over
    told = [e for e in await office.entries(steward) if e.action is Action.ERASURE]
    assert [(e.subject, e.leaves_nothing) for e in told] == [(entity, False), (entity, True)]


async def test_what_is_forgotten_goes_in_batches_each_with_its_audit_entries(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [record("housing", **KNOWN | {"family": f"Name{n}", "email": f"{n}@w.example"}) for n in range(12)]
    await office.hear(*people)
    entity_of = await office.entity_of(*people)
    terms = replace(TERMS, by_agreement={**TERMS.by_agreement, "housing": TERM})
    await leaving(office, terms, noon(LAST + timedelta(days=1))).round()
    monkeypatch.setattr("services.linkage.purposes.leaving.AT_ONCE", 5)
    expire, at_once = LinkageStore.expire, list[int]()

    async def counted(store: LinkageStore, on: date, limit: int) -> Any:
        expired = await expire(store, on, limit)
        at_once.append(len(expired))
        return expired

    monkeypatch.setattr(LinkageStore, "expire", counted)
    await leaving(office, terms, noon(LAST + TERM.retention + timedelta(days=1))).round()
    assert at_once == [5, 5, 2]
    assert not await rows(office, "SELECT id FROM withheld")
    await office.entries(viewer("steward"))
    entries = {e.reference: e for e in office.heard if e.reference.startswith("retention_over:")}
    for one in people:
        entry = entries[f"retention_over:{one.id}"]
        assert (entry.action, entry.actor, entry.agreement) == (Action.ERASURE, "service:linkage", "housing")
        assert entry.subject == entity_of[one.id]


async def test_a_purpose_is_shown_the_part_that_its_own_records_make(office: Office) -> None:
    (one, other, _), entity = await bridged(office, "council-tax")
    main, aside = (one, other) if one.id < other.id else (other, one)
    part = part_id("neet", aside.id)
    youth, steward = viewer("youth-worker"), viewer("steward")
    said = (await office.golden(youth, "neet", [entity, part])).json()["entities"]
    assert said[str(entity)]["values"]["family"] == main.identity["family"]
    assert said[str(part)]["values"]["family"] == aside.identity["family"]
    async with office.client(youth) as client:
        shown = (await client.get(f"/linkage/api/entities/{entity}")).json()
        assert [one["id"] for one in shown["records"]] == [str(main.id)]
        found = (await client.post("/linkage/api/search", json={"identity": {"name": "Tegwen Rees"}})).json()["hits"]
        assert found[0]["entity"] == str(entity if main is other else part)
    async with office.client(steward) as client:
        whole = (await client.get(f"/linkage/api/entities/{part}")).json()
        assert whole["entity"] == str(entity)
        assert len(whole["records"]) == 3, "keeping records with the right people needs to see every link"
        body = {"left": str(one.id), "right": str(other.id), "verdict": "must", "reason": "She said so."}
        assert (await client.post("/linkage/api/decisions", json=body)).status_code == 204
    said = (await office.golden(youth, "neet", [entity, part])).json()["entities"]
    assert {one["entity"] for one in said.values()} == {str(entity)}, "they came together; the old id leads there"
    newest = (await office.changes(entity))[-1]
    assert not newest.parts


async def test_the_id_of_a_part_whose_record_is_erased_leads_to_nobody(office: Office) -> None:
    (one, other, _), entity = await bridged(office, "council-tax")
    aside = max(one, other, key=lambda record: record.id)
    part = part_id("neet", aside.id)
    steward = viewer("steward")
    async with office.client(steward) as client:
        body = {"records": [str(aside.id)], "ground": "objection", "reason": "Granted."}
        done = (await client.post("/linkage/api/erasures", json=body)).json()
    assert done["entities"] == [str(part)], "an auditor can erase what the log says of the part: the entity lives"
    told = [e for e in await office.entries(steward) if e.action is Action.ERASURE]
    assert [(e.subject, e.leaves_nothing) for e in told] == [(part, True), (entity, False)]
    (said,) = await office.changes(part)
    assert said.change is Change.ERASED
    assert not await rows(office, "SELECT id FROM entities WHERE id = $1", part), "a part's id is no entity's"
    async with office.client(viewer("youth-worker")) as client:
        assert (await client.get(f"/linkage/api/entities/{part}")).status_code == 410
        assert (await client.get(f"/linkage/api/entities/{entity}")).status_code == 200


async def test_agreements_that_say_otherwise_than_before_reach_what_is_in_the_index(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.linkage.purposes.turning.TURNED", 1)
    (one, other, bridge), entity = await bridged(office, "council-tax")
    police = replace(TERMS.by_agreement["police"], purposes=frozenset({"hmo"}))
    fewer = replace(TERMS, by_agreement={**TERMS.by_agreement, "police": police})
    await leaving(office, fewer).round()
    assert not (await office.changes(entity))[-1].parts, "police no longer serves the purpose: one record is no two"
    strict = {name: replace(term, strict=True) for name, term in TERMS.by_agreement.items()}
    await leaving(office, replace(TERMS, by_agreement=strict)).round()
    assert len(set((await office.entity_of(one, other, bridge)).values())) == 2, "only the NINO's rule joins now"
    await leaving(office, TERMS).round()
    assert len(set((await office.entity_of(one, other, bridge)).values())) == 1
    told = await office.changes(entity)
    assert told[-1].parts.keys() == {"neet"}
    assert len({change.version for change in told}) == len(told), "each change of an entity has a version of its own"


async def test_without_its_file_a_deterministic_agreement_s_records_leave_and_are_joined_by_no_score(
    office: Office,
) -> None:
    one, other = record("schools", **OLD), record("housing", **OLD | {"postcode": "AW3 2LY"})
    await office.hear(one, other)
    strict = {**TERMS.by_agreement, "housing": replace(TERMS.by_agreement["housing"], strict=True)}
    await leaving(office, replace(TERMS, by_agreement=strict)).round()
    apart = await office.entity_of(one, other)
    assert apart[one.id] != apart[other.id]
    told = len(await office.changes(*apart.values()))
    assert await leaving(office, Terms()).round() == 0
    assert await office.entity_of(one, other) == apart, "with no file at all nothing is linked otherwise"
    fewer = {name: term for name, term in TERMS.by_agreement.items() if name != "housing"}
    assert await leaving(office, replace(TERMS, by_agreement=fewer)).round() == 1
    changes = (await office.changes(*apart.values()))[told:]
    assert [change.change for change in changes] == [Change.ERASED]


def test_terms_are_those_of_the_files() -> None:
    schools = TERMS.by_agreement["schools"]
    assert schools == Term(frozenset({"neet"}), False, date(2028, 8, 31), timedelta(days=1096))
    assert TERMS.ended(["schools", "trading-standards-2024"], date(2026, 1, 1)) == ["trading-standards-2024"]
