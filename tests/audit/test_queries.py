"""Each named statement is used, and finds its rows by an index in a log of 100,000 entries."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.audit.store import Q
from tests.parts import Databases, asks, connected, plan_of

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
FILL = """
TRUNCATE entries, subtrees, checkpoints, erasures, subjects;
INSERT INTO entries SELECT n, '2026-01-01'::timestamptz + n * interval '1 second', n % 5000,
    CASE WHEN n % 50 = 0 THEN 'person-' || n % 20 ELSE 'service:' || n % 4 END, '\\x00', '\\x00', '\\x00'
FROM generate_series(0, 99999) n;
INSERT INTO subtrees SELECT 8, n, '\\x00' FROM generate_series(0, 389) n;
INSERT INTO checkpoints SELECT n * 100, '', '' FROM generate_series(1, 1000) n;
INSERT INTO subjects (entity, sealed_key) SELECT gen_random_uuid(), '' FROM generate_series(1, 5000);
INSERT INTO erasures SELECT n, n FROM generate_series(1, 2000) n;
ANALYZE
"""
ASKED: dict[str, tuple[tuple[object, ...], str]] = {
    "head": ((), "checkpoints_pkey"),
    "keys_of": (([UUID(int=1)],), "subjects_entity_key"),
    "keys_numbered": (([5],), "subjects_pkey"),
    "destroy_keys": (([UUID(int=1)],), "subjects_entity_key"),
    "of_subjects": (([7, 8], 90_000, *EVER, 100), "entries_subject"),
    "by_people": ((7,), "entries_subject"),
    "of_person": (("person-0", 90_000, *EVER, 100), "entries_actor"),
    "of_service": (("service:1", 90_000, *EVER, 100), "entries_pkey"),
    "entry": ((5,), "entries_pkey"),
    "leaves": (([256, 1024], [512, 1030]), "entries_pkey"),
    "all_entries": ((), "entries_pkey"),
}


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> Databases:
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(FILL)
    return databases


@pytest.mark.parametrize("name", ASKED)
async def test_a_statement_is_planned_on_its_index(filled: Databases, name: str) -> None:
    arguments, index = ASKED[name]
    plan = await plan_of(filled.dsn, Q[name], arguments)
    assert index in plan
    assert "Seq Scan on entries" not in plan


@pytest.mark.parametrize("name", Q)
def test_every_statement_is_used_and_says_what_for(name: str) -> None:
    assert asks("audit", name)
    assert Q[name].startswith("-- ")
