"""Bad input through ingest's judge and linkage's handler, on a real database: nothing crashes, nothing is lost, and
what cannot be taken is put aside alone with its reason."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from string import ascii_lowercase
from typing import Any
from uuid import UUID

import pytest

from bench.linkage_office import Office, heard, id_of, message, opened
from local.stack import Parts
from services.ingest.domain import Judgement, Rules, Sender, judge
from services.linkage.index.entities import MOST_TOGETHER
from services.linkage.live import changing
from services.linkage.purposes.leaving import take_out
from shared.access import Agreements
from shared.contracts import Kind, Record, RecordsAccepted
from shared.contracts.envelope import first
from shared.settings import PROJECT
from tests.linkage.test_cases import HOSTILE, SIAN
from tests.parts import fresh_database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCHOOLS = Sender("schools", frozenset(["/partners/schools"]), 1500)
RULES = Rules(Agreements.load(PROJECT / "agreements"))
FIELDS = ("given", "middle", "family", "birth_date", "sex", "address", "town", "postcode", "phone", "email")
CROWD = 10_000


@pytest.fixture(scope="module")
async def office(parts: Parts) -> AsyncIterator[Office]:
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        yield office


def judged(id: str, **person: str) -> Judgement:
    sent: Any = {
        "specversion": "1.0", "id": id, "source": "/partners/schools", "type": "education.attendance.v1",
        "time": "2026-05-20T09:00:00Z",
        "data": {"person": {"id": id, **person}, "facts": {"sessions_possible": 10, "sessions_missed": 4}},
    }  # fmt: skip
    return judge(sent, SCHOOLS, RULES, NOW)


def switched(at: int) -> dict[str, str]:
    """One of many people who gave the same switchboard's number and address."""
    rng = Random(at)
    given, family = ("".join(rng.choices(ascii_lowercase, k=length)) for length in (7, 9))
    born = date(1940, 1, 1) + timedelta(days=at * 3)
    shared = {"phone": "+441597960001", "email": "switchboard@council.test"}
    return {"given": given, "family": family, "birth_date": born.isoformat(), **shared}


def described(record: UUID, kind: Kind, identity: Mapping[str, str]) -> Any:
    body = RecordsAccepted(
        partner="schools", agreement="schools", type="x.y.v1", occurred=NOW, purposes=["identity"],
        records=[Record(id=record, kind=kind, identity=dict(identity))], facts={},
    )  # fmt: skip
    return heard(first("/partners/schools", str(record), body, NOW))


async def entities(office: Office, ids: Sequence[UUID]) -> list[UUID]:
    async with office.database.transaction() as connection:
        rows = await connection.fetch("SELECT entity FROM records WHERE id = ANY ($1::uuid[])", ids)
    return [row["entity"] for row in rows]


async def put_aside(office: Office) -> list[tuple[int, str, str]]:
    """Place and reason of every message that could not be handled."""
    async with office.database.transaction() as connection:
        rows = await connection.fetch("SELECT * FROM dead_letters")
    return [(row["offset"], row["reason"], row["detail"]) for row in rows]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("spoilt", [FIELDS, ("given",), ("address", "phone")], ids=["every field", "a name", "others"])
async def test_what_ingest_lets_through_linkage_takes_and_what_it_does_not_has_a_reason(
    office: Office, text: str, spoilt: tuple[str, ...]
) -> None:
    judgement = judged("hostile", **(SIAN | dict.fromkeys(spoilt, text)))
    if judgement.body is None:
        assert judgement.reason
        assert judgement.field
        return
    assert not any("\0" in value for record in judgement.body.records for value in record.identity.values())
    said = heard(first("/partners/schools", "x", judgement.body, NOW))
    await office.bus.do([said])
    record = next(one.id for one in judgement.body.records if one.kind is Kind.PERSON)
    assert len(await entities(office, [record])) == 1
    assert said.offset not in [offset for offset, _, _ in await put_aside(office)]


async def test_a_null_byte_that_comes_past_ingest_is_put_aside_alone(office: Office) -> None:
    bad = message("bad", SIAN | {"given": "Si\0n"})
    await office.bus.do([message("one", SIAN), bad, message("other", SIAN)])
    assert len(set(await entities(office, [id_of("one"), id_of("other")]))) == 1
    assert await entities(office, [id_of("bad")]) == []
    assert (bad.offset, "handler_failed", "UntranslatableCharacterError") in await put_aside(office)
    await office.bus.do([message("next", SIAN)])
    assert len(set(await entities(office, [id_of("one"), id_of("next")]))) == 1


async def test_ten_thousand_people_who_share_one_key_stay_who_they_are_and_can_be_found_again(office: Office) -> None:
    for start in range(0, CROWD, 500):
        await office.bus.do([message(at, switched(at)) for at in range(start, start + 500)])
    assert len(set(await entities(office, [id_of(at) for at in range(CROWD)]))) == CROWD
    await office.bus.do([message("again", switched(CROWD // 2))])
    assert len(set(await entities(office, [id_of("again"), id_of(CROWD // 2)]))) == 1


@pytest.mark.parametrize("kind", list(Kind))
async def test_more_records_that_say_the_same_than_one_subject_has_are_nobody_s(office: Office, kind: Kind) -> None:
    """A message about an entity names its records: one that grew without end would once be too large for the bus, and
    nothing after it could be heard."""
    who = {"given": "Myfanwy", "family": "Onllwyn", "birth_date": "1938-11-02", "sex": "F", "email": "m@o.test"}
    said = who | {"name": "Caffi Onllwyn", "uprn": "990000000009", "company_number": "04812365"}
    ids = [UUID(int=(at << 64) + len(kind)) for at in range(MOST_TOGETHER + 2)]

    async def hear(some: Sequence[UUID]) -> None:
        await office.bus.do([described(one, kind, said) for one in some])

    aside = await put_aside(office)
    await hear(ids[:-2])
    assert len(set(await entities(office, ids))) == 1
    for one in ids[-2:]:
        await hear([one])
    assert len(set(await entities(office, ids))) == len(ids)
    assert await put_aside(office) == aside
    async with changing(office.worker, office.index) as (work, version):
        linked = await take_out(dict.fromkeys(ids[:2], kind), (), office.index, work.store, version)
    assert len([one for one in linked.changes if one.after]) == 1, "so many are one again"
    assert len(set(await entities(office, ids[2:]))) == 1
