"""What linkage asks of records that change or leave and of parts is planned on an index at 100,000 rows; no statement
is idle."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from local.stack import Parts
from services.linkage.models.registry import Registry
from services.linkage.store import LinkageStore, Q
from shared.db import Connection, Database
from tests.parts import Databases, asks, connected, fresh_database, plan_of

ONE, DAY, NOON = UUID(int=1), date(2026, 3, 1), datetime(2026, 3, 1, 12, tzinfo=UTC)
FILL = """
INSERT INTO identities (id, kind, partner, agreement, identity, times, snapshot, row, version)
SELECT md5('r' || n)::uuid, 'person', 'p', 'agreement ' || n % 12, '{}', '{}', '{}', '', n
FROM generate_series(1, 100000) n;
INSERT INTO records (id, kind, digest, seen, entity, version)
SELECT md5('r' || n)::uuid, 'person', '', now(), md5('e' || n % 25000)::uuid, n
FROM generate_series(1, 100000) n;
INSERT INTO entities SELECT md5('e' || n)::uuid, 'person', '{}', n FROM generate_series(0, 24999) n;
UPDATE entities SET into_entity = md5('e' || version % 500)::uuid WHERE version % 5 = 0;
INSERT INTO parts SELECT md5('p' || n)::uuid, 'neet', md5('e' || n)::uuid, '{}', n % 2 = 0
FROM generate_series(1, 100000) n;
INSERT INTO withheld SELECT md5('w' || n)::uuid, 'a', '2026-03-01'::date + n % 2000, '', md5('e' || n)::uuid
FROM generate_series(1, 100000) n;
INSERT INTO erasures SELECT md5('x' || n)::uuid, now(), 'b', 'objection', 'r' FROM generate_series(1, 10000) n;
INSERT INTO suppressed SELECT md5('s' || n)::uuid, md5('x' || n % 10000 + 1)::uuid FROM generate_series(1, 100000) n;
INSERT INTO decisions SELECT md5('a' || n)::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'must', 'b', 'r', now()
FROM generate_series(1, 100000) n WHERE md5('a' || n) < 'ffffffff';
INSERT INTO decisions SELECT '00000000-0000-0000-0000-000000000000', md5('b' || n)::uuid, 'must', 'b', 'r', now()
FROM generate_series(1, 100000) n;
INSERT INTO models (version, kind, json, state, by) VALUES ('m', 'person', '{}', 'active', 'b');
INSERT INTO relinked SELECT md5('r' || n)::uuid, 1, '', md5('e' || n)::uuid, n FROM generate_series(1, 100000) n;
INSERT INTO journal SELECT n, n - 1, now(), '{}', '{}' FROM generate_series(1, 100000) n;
ANALYZE
"""
ASKED: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "look_up": (([ONE], [b""], [0]), ("records_pkey", "suppressed_pkey", "erasures_pkey")),
    "journal": ((99_990,), ("journal_version",)),
    "forget_journal": ((NOON, 100), ("journal_version",)),
    "touched": (([ONE],), ("identities_pkey", "records_pkey")),
    "decided_about": (([ONE],), ("decisions_pkey", "decisions_b")),
    "agreements": ((), ("identities_agreement",)),
    "under": ((["agreement 13"], 500), ("identities_agreement",)),
    "behind": ((ONE, 5_000), ("identities_pkey",)),
    "entities_behind": ((ONE, 5_000), ("entities_pkey",)),
    "withdraw": (([ONE],), ("records_pkey", "identities_pkey")),
    "withheld": (([ONE],), ("withheld_pkey",)),
    "release": (([ONE],), ("withheld_pkey", "relinked_pkey")),
    "unsettled": ((2,), ("relinked_pkey",)),
    "settle": ((1, 100), ("relinked_pkey", "identities_pkey")),
    "expire": ((DAY, 500), ("withheld_until", "withheld_pkey")),
    "suppressed": (([ONE],), ("suppressed_pkey", "erasures_pkey")),
    "undecide": (([ONE],), ("decisions_pkey", "decisions_b")),
    "known_as": (([ONE],), ("entities_pkey", "entities_into")),
    "withheld_of": (([ONE],), ("withheld_entity",)),
    "parts_with": (([ONE], [ONE]), ("parts_members", "parts_ended")),
    "parts_of": (([ONE],), ("parts_pkey", "parts_entity")),
}


@pytest.fixture(scope="module")
async def filled(parts: Parts) -> Databases:
    databases = await fresh_database(parts, "linkage")
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(FILL)
    return databases


@pytest.mark.parametrize("name", ASKED)
async def test_a_statement_is_planned_on_its_index(filled: Databases, name: str) -> None:
    arguments, indexes = ASKED[name]
    plan = await plan_of(filled.dsn, Q[name], arguments)
    assert "Seq Scan" not in plan.replace("Seq Scan on index_state", "its only row")
    assert all(index in plan for index in indexes), plan


ANEW: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "settle": lambda connection: Registry(connection).settle(1, 100),
    "forget_journal": lambda connection: LinkageStore(connection).forget_journal(NOON),
    "expire": lambda connection: LinkageStore(connection).expire(DAY, 500),
}


@pytest.mark.parametrize("name", ANEW)
async def test_whose_best_plan_depends_on_how_much_there_is_is_planned_each_time(filled: Databases, name: str) -> None:
    database = Database(filled.dsn)
    await database.open()
    async with database.session() as connection:
        for _ in range(2):
            async with connection.transaction():
                await ANEW[name](connection)
        planned = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"
        once, each_time = await connection.fetchrow(planned, Q[name])
    await database.close()
    assert (once, each_time) == (0, 2)


@pytest.mark.parametrize("name", Q)
def test_every_statement_is_used_and_says_what_for(name: str) -> None:
    assert asks("linkage", name)
    assert Q[name].startswith("-- ")
