"""Each named statement is used, and finds its rows by an index among 100,000."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.scoring.store import Q
from tests.parts import Databases, asks, connected, plan_of

NOW, DAY, ONE = datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1), UUID(int=1)
FILL = """
TRUNCATE members, departures, states, scores, receipts, models;
INSERT INTO members SELECT md5('r' || n)::uuid, md5('e' || n % 25000)::uuid, n FROM generate_series(1, 100000) n;
INSERT INTO departures SELECT md5('e' || n)::uuid, n, '{}', true, md5('e' || n + 1)::uuid
FROM generate_series(1, 5000) n;
INSERT INTO states SELECT md5('r' || n)::uuid, 'neet', '\\x00', now(), 1, '', now(), 'schools'
FROM generate_series(1, 100000) n;
INSERT INTO receipts SELECT md5('t' || n)::uuid, now(), 'neet', md5('e' || n % 25000)::uuid, n, now(), 0.5, '', '',
    '{}', 1, 'm', 0.6, 0.4, 'schools' FROM generate_series(1, 100000) n;
INSERT INTO scores SELECT md5('e' || n)::uuid, 'neet', n, 0.5, '', null, null, 1, 'm', md5('t' || n)::uuid, now(), null,
    '2026-03-02'::date + n % 100, md5('e' || n % 99990)::uuid FROM generate_series(1, 100000) n;
ANALYZE
"""
STATE = ([ONE], ["neet"], [b""], [0.0], [1], [""], [0.0], ["schools"], 100)
SCORE = (
    [ONE], ["neet"], [1], [0.5], [1], ["m"], [ONE], [NOW], [""], [None], [None], [None], [None], [ONE], [NOW], [b""],
    [b""], ["{}"], [0.6], [0.4], ["schools"],
)  # fmt: skip
ASKED: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "lock_standings": (([ONE], [-1, 1]), ("members_pkey",)),
    "claim": (([ONE], [ONE], [1], [None]), ("members_pkey",)),
    "depart": ((ONE, 1, [], True, None), ("departures_pkey",)),
    "erase_records": (([ONE], ONE, 1), ("members_pkey",)),
    "erase_states": (([ONE], 1), ("states_pkey",)),
    "erase_receipts": ((ONE, [ONE], False), ("departures_into", "scores_whole", "receipts_entity")),
    "append": (STATE, ("states_pkey",)),
    "shorten": (([ONE], ["neet"], [b""]), ("states_pkey",)),
    "scored": (
        ([ONE], ["neet"], ["neet"], [ONE]),
        ("members_entity", "states_pkey", "departures_pkey", "scores_pkey", "scores_whole"),
    ),
    "endings": (([ONE],), ("departures_pkey", "members_entity")),
    "said": ((ONE, "neet"), ("scores_pkey",)),
    "keep": (SCORE, ("scores_pkey",)),
    "postpone": (([ONE], ["neet"], [DAY], [DAY]), ("scores_pkey",)),
    "due": ((DAY, 500), ("scores_due",)),
    "receipt": ((ONE,), ("receipts_pkey",)),
    "one_with": (([ONE],), ("departures_pkey", "departures_into")),
    "ended": (([ONE],), ("departures_pkey",)),
    "members_of": (([ONE],), ("members_entity",)),
    "states_of": (([ONE],), ("states_pkey",)),
    "scores_of": (([ONE],), ("scores_pkey",)),
    "receipts_of": (([ONE],), ("receipts_entity",)),
    "cards": ((["neet"], ["m"]), ("models_pkey",)),
}


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> Databases:
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(FILL)
    return databases


@pytest.mark.parametrize("name", ASKED)
async def test_a_statement_is_planned_on_its_index(filled: Databases, name: str) -> None:
    arguments, indexes = ASKED[name]
    plan = await plan_of(filled.dsn, Q[name], arguments)
    assert "Seq Scan" not in plan
    assert all(index in plan for index in indexes), plan


@pytest.mark.parametrize("name", Q)
def test_every_statement_is_used_and_says_what_for(name: str) -> None:
    assert asks("scoring", name)
    assert Q[name].startswith("-- ")


async def test_a_receipt_cannot_be_changed_by_the_service(filled: Databases) -> None:
    async with connected(filled.dsn) as connection:
        with pytest.raises(Exception, match="permission denied for table receipts"):
            await connection.execute("UPDATE receipts SET score = 0.1")
