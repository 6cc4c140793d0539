"""Every statement is used, and finds its rows by an index when there are many."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.alerts import store
from shared.db import queries
from tests.parts import Databases

HOME = Path(store.__file__).parent
STATEMENTS = queries(HOME / "queries.sql")
SOME = "ARRAY(SELECT entity FROM alerts LIMIT 500)"
ONE = "'00000000-0000-0000-0000-000000000001'::uuid"
NEET = "ARRAY['neet']"
UNNAMED = ("erase", "erase_standings", "erase_notes", "erase_words", "overrides_waiting", "overrides_reviewed")
"""Statements that the store calls by a variable."""
PLANS = {
    "kept_of": [SOME],
    "counting": [SOME, "now()"],
    "all_of": [SOME],
    "lock_alert": [ONE],
    "alert": [ONE],
    "queue": ["'youth-7'", "ARRAY['open']", NEET, "20", "0"],
    "past": [ONE],
    "history_of": [f"ARRAY[{ONE}]"],
    "mailed": [f"ARRAY[{ONE}]"],
    "overrides_of": [f"ARRAY[{ONE}]"],
    "newest": [],
    "oldest": [],
    "after": ["99000", "'youth-7'", "500"],
    "waiting": [],
    "enclose": [ONE, "'youth-7'"],
    "take": ["now()", "10"],
    "contents": [ONE],
    "sent": [ONE, "now()"],
    "unsent": [],
    "override_of": ["'person 7'", ONE],
    "lock_override": [ONE],
    "overrides_waiting": ["20", "0"],
    "overrides_reviewed": ["20", "0"],
    "unreviewed": [],
    "erase_notes": [f"ARRAY[{ONE}]"],
    "erase_words": [f"ARRAY[{ONE}]"],
}
"""Arguments of the statements that search; the others insert, or end at a primary key."""


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(databases.owner_dsn)
    await connection.execute(
        """
        INSERT INTO standings SELECT 'neet', gen_random_uuid(), n, 0.1, NULL, NULL, gen_random_uuid(), now(), 0, n, 0,
            false, 0 FROM generate_series(1, 100000) n;
        INSERT INTO redirects SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 100000);
        INSERT INTO erased SELECT gen_random_uuid() FROM generate_series(1, 100000);
        INSERT INTO alerts SELECT gen_random_uuid(), 'neet', gen_random_uuid(), gen_random_uuid(), 1,
            'youth-' || n % 20, (ARRAY['open', 'acknowledged', 'closed', 'closed', 'lapsed', 'lapsed'])[1 + n % 6],
            random(), 'high', '{}', gen_random_uuid(), now(), now(), now(), 1 FROM generate_series(1, 100000) n;
        INSERT INTO history (alert, at, change, differences, actor, actor_name, note)
            SELECT id, now(), 'opened', '{}', 'x', '', '' FROM alerts;
        INSERT INTO feed (alert, team, change, at) SELECT id, team, 'opened', now() FROM alerts;
        INSERT INTO mails SELECT gen_random_uuid(), 'youth-' || n % 20, '', now(), now(), 1,
            CASE WHEN n % 1000 > 0 THEN now() END FROM generate_series(1, 100000) n;
        INSERT INTO mail_items SELECT a.id, 'neet', a.team, now(), m.id
            FROM (SELECT *, row_number() OVER () AS n FROM alerts) a
            JOIN (SELECT id, row_number() OVER () AS n FROM mails) m ON m.n = a.n AND a.n > 20;
        INSERT INTO overrides SELECT gen_random_uuid(), id, entity, 'person ' || n % 1000, '', '', '', now(), now(),
            CASE WHEN n % 1000 > 0 THEN 'x' END, CASE WHEN n % 1000 > 0 THEN '' END,
            CASE WHEN n % 1000 > 0 THEN now() END, CASE WHEN n % 1000 > 0 THEN 'justified' END
            FROM (SELECT id, entity, row_number() OVER () AS n FROM alerts) a;
        ANALYZE;
        """
    )
    yield connection
    await connection.close()


@pytest.mark.parametrize("name", PLANS)
async def test_a_search_goes_by_its_index(filled: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    promised = re.findall(r"\w+", re.findall(r"Index(?:es)?: ([\w, ]+)", STATEMENTS[name])[0])
    values = PLANS[name]
    sql = re.sub(r"\$(\d+)", lambda found: f"({values[int(found[1]) - 1]})", STATEMENTS[name])
    plan = "\n".join(row[0] for row in await filled.fetch(f"EXPLAIN {sql}"))
    assert any(index in plan for index in promised), plan


def test_every_statement_is_used_and_says_what_for() -> None:
    code = (HOME / "store.py").read_text()
    used = {*re.findall(r'Q\["(\w+)"\]', code), *UNNAMED}
    assert used == set(STATEMENTS)
    assert all(text.startswith("-- ") for text in STATEMENTS.values())
