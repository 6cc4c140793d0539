"""The index that one would write first, for comparison: block keys as rows in PostgreSQL, candidates by a SELECT, pairs
scored one at a time in Python, edges as rows. It links to what is likely and does nothing else: no clusters, no inbox,
no outbox, no audit. It is measured with the keys that give linkage its accuracy, and with a handful as in a tutorial.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

import asyncpg
import orjson
from rapidfuzz.distance import JaroWinkler

from services.linkage.index.keys import block_keys
from services.linkage.matching.columns import Columns
from services.linkage.matching.model import Model
from services.linkage.reading.normal import traits

Identity = Mapping[str, str]

TABLES = """
DROP TABLE IF EXISTS naive_records, naive_keys, naive_edges;
CREATE TABLE naive_records (id int PRIMARY KEY, identity jsonb NOT NULL);
CREATE TABLE naive_keys (key text NOT NULL, id int NOT NULL);
CREATE TABLE naive_edges (a int NOT NULL, b int NOT NULL, score real NOT NULL);
"""
CANDIDATES = """
SELECT k.key, r.id, r.identity FROM unnest($1::text[]) AS asked (key)
CROSS JOIN LATERAL (SELECT key, id FROM naive_keys n WHERE n.key = asked.key LIMIT 60) k JOIN naive_records r USING (id)
"""
SCORES = {"given": 6.0, "family": 7.0, "birth_date": 9.0, "postcode": 8.0, "address": 6.0, "sex": 1.0, "phone": 9.0,
          "nhs_number": 16.0, "email": 10.0}  # fmt: skip
BATCH = 100
LIKELY = 12.0


Keys = Callable[[Sequence[Identity]], list[list[str]]]


def few_keys(identities: Sequence[Identity]) -> list[list[str]]:
    """A handful of keys of each identity; a key needs all its parts."""
    return [[f"{at}:{'|'.join(map(str, parts))}" for at, parts in enumerate(_parts(one)) if all(parts)]
            for one in identities]  # fmt: skip


def _parts(identity: Identity) -> tuple[tuple[str | None, ...], ...]:
    get = identity.get
    return (
        (get("given"), get("family")), (get("family"), get("birth_date")), (get("given"), get("birth_date")),
        (get("postcode"), get("birth_date")), (get("family"), get("postcode")), (get("phone"),), (get("nhs_number"),),
    )  # fmt: skip


def same_keys(identities: Sequence[Identity]) -> list[list[str]]:
    """The keys of linkage itself."""
    columns = Columns(Model("none", "person", {}, (), {}).frequencies())
    found = block_keys(columns, columns.append([traits(one) for one in identities]))
    return [[f"{key:x}" for key in set(row) if key] for row in found.tolist()]


def score(one: Identity, other: Identity) -> float:
    """Points for what agrees, against what does not; names as far as they are alike."""
    total = 0.0
    for field, points in SCORES.items():
        left, right = one.get(field), other.get(field)
        if left and right:
            alike = JaroWinkler.similarity(left, right) if field in ("given", "family") else float(left == right)
            total += points if alike > 0.88 else -points / 2
    return total


async def measured(
    dsn: str, keys: Keys, known: Sequence[Identity], new: Sequence[Identity], alone: int
) -> tuple[float, float]:
    """Records a second in batches of ``BATCH``, and the median milliseconds of one alone."""
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("jsonb", schema="pg_catalog", format="binary", encoder=_dump, decoder=_load)
    try:
        await connection.execute(TABLES)
        await connection.copy_records_to_table("naive_records", records=list(enumerate(known)))
        rows = [(key, at) for at, some in enumerate(keys(known)) for key in some]
        await connection.copy_records_to_table("naive_keys", records=rows)
        await connection.execute("CREATE INDEX ON naive_keys (key); ANALYZE naive_records, naive_keys")
        batched, single = new[:-alone], new[-alone:]
        began, at = perf_counter(), len(known)
        for start in range(0, len(batched), BATCH):
            part = batched[start : start + BATCH]
            await _link(connection, keys, at, part)
            at += len(part)
        per_s = len(batched) / (perf_counter() - began)
        times = []
        for identity in single:
            began = perf_counter()
            await _link(connection, keys, at, [identity])
            times.append(1000 * (perf_counter() - began))
            at += 1
        return per_s, median(times)
    finally:
        await connection.close()


async def _link(
    connection: "asyncpg.Connection[asyncpg.Record]", keys: Keys, first: int, batch: Sequence[Identity]
) -> None:
    asked = keys(batch)
    async with connection.transaction():
        by_key: dict[str, list[asyncpg.Record]] = {}
        for row in await connection.fetch(CANDIDATES, list({key for some in asked for key in some})):
            by_key.setdefault(row["key"], []).append(row)
        edges = [
            (first + at, id, points)
            for at, (identity, some) in enumerate(zip(batch, asked, strict=True))
            for id, other in {row["id"]: row["identity"] for key in some for row in by_key.get(key, ())}.items()
            if (points := score(identity, other)) > LIKELY
        ]
        await connection.executemany(
            "INSERT INTO naive_records VALUES ($1, $2)", [(first + at, identity) for at, identity in enumerate(batch)]
        )
        rows = [(key, first + at) for at, some in enumerate(asked) for key in some]
        await connection.executemany("INSERT INTO naive_keys VALUES ($1, $2)", rows)
        await connection.executemany("INSERT INTO naive_edges VALUES ($1, $2, $3)", edges)


def _dump(value: object) -> bytes:
    return b"\x01" + orjson.dumps(value)


def _load(binary: bytes) -> object:
    return orjson.loads(binary[1:])
