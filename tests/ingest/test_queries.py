"""Every statement is used, and finds its rows by an index when there are many."""

import re
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.ingest import store
from shared.db import queries
from tests.parts import Databases

HOME = Path(store.__file__).parent
STATEMENTS = queries(HOME / "queries.sql")
PLANS = {
    "accepted_before": "ARRAY(SELECT id FROM receipts LIMIT 500)",
    "listed": "'housing', '2026-11-01'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid, true, 200",
    "receipts_by_id": "ARRAY(SELECT id FROM receipts LIMIT 1)",
    "counted": "'housing', '2026-11-20'::date",
    "use_key": r"'\x00'::bytea, now()",
    "revoke_key": f"'{uuid4()}'::uuid, 'housing', now()",
    "keys_of": "'housing'",
}
"""Arguments of the statements that search; the others insert, or end at a primary key."""


@pytest.fixture(scope="module")
async def filled(database: Databases) -> str:
    connection = await asyncpg.connect(database.owner_dsn)
    await connection.execute(
        """
        INSERT INTO receipts SELECT gen_random_uuid(), (ARRAY['housing', 'police', 'fire'])[1 + n % 3], n, 't', '', '',
            now() - n * interval '1 second' FROM generate_series(1, 100000) n;
        INSERT INTO tallies SELECT date '2026-01-01' + n / 300, 'p' || n % 30, 't' || n % 10, 'accepted', '', '', 1,
            now()            FROM generate_series(1, 100000) n ON CONFLICT DO NOTHING;
        INSERT INTO partner_keys SELECT gen_random_uuid(), 'p' || n % 500, sha256(n::text::bytea), '', '', now()
            FROM generate_series(1, 100000) n;
        ANALYZE;
        """
    )
    await connection.close()
    return database.owner_dsn


@pytest.mark.parametrize("name", PLANS)
async def test_a_search_goes_by_its_index(filled: str, name: str) -> None:
    promised = re.findall(r"Index: (\w+)", STATEMENTS[name])
    connection = await asyncpg.connect(filled)
    values = _split(PLANS[name])
    sql = re.sub(r"\$(\d)(::\w+(\[\])?)?", lambda found: f"({values[int(found[1]) - 1]})", STATEMENTS[name])
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}"))
    await connection.close()
    assert promised
    assert promised[0] in plan, plan


def test_every_statement_is_used_and_says_what_for() -> None:
    used = set(re.findall(r'Q\["(\w+)"\]', (HOME / "store.py").read_text()))
    assert used == set(STATEMENTS)
    assert all(text.startswith("-- ") for text in STATEMENTS.values())


def _split(arguments: str) -> list[str]:
    """At the commas outside brackets."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", arguments)]
