"""The log on a real database: order, privileges, reading, proofs, erasure."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from pymerkle import InmemoryTree

from services.audit.checkpoint import Signer, Verifier
from services.audit.domain import NOBODY, leaf_data
from services.audit.log import Log, Reading, prove_consistency, prove_inclusion
from services.audit.merkle import is_consistent
from services.audit.store import AuditStore, Window
from shared.db import Database
from tests.audit.conftest import NOON, PEOPLE, PURPOSE, Append, access
from tests.audit.proving import root_by_inclusion
from tests.parts import Databases, connected

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def newest(limit: int = 1000) -> Window:
    return Window(2**62, *EVER, limit)


async def read_subject(database: Database, log: Log, entity: UUID) -> Sequence[Reading]:
    async with database.transaction() as connection:
        store = AuditStore(connection)
        numbers = [key.number for key in await store.keys_of([entity])]
        return await log.read(store, await store.of_subjects(numbers, newest()))


async def test_what_was_appended_is_read_back(database: Database, log: Log, append: Append) -> None:
    await append(*range(300))
    mine = [place for place in range(300) if access(place).subject == PEOPLE[3]]
    readings = await read_subject(database, log, PEOPLE[3])
    assert [reading.entry.seq for reading in readings] == mine[::-1]
    assert [reading.opened and reading.opened.access for reading in readings] == [access(p) for p in mine[::-1]]
    assert all(reading.entity == PEOPLE[3] for reading in readings)


async def test_who_is_nobody_is_found_as_nobody(database: Database, log: Log, append: Append) -> None:
    await append(*range(40))
    assert [reading.entry.seq for reading in await read_subject(database, log, NOBODY)] == [33, 16]


async def test_what_an_actor_did_is_found(database: Database, log: Log, append: Append) -> None:
    await append(*range(100))
    async with database.transaction() as connection:
        store = AuditStore(connection)
        assert [e.seq for e in await store.of_actor("sian", newest(3))] == [97, 94, 91]
        assert [e.seq for e in await store.of_actor("sian", newest(3)._replace(before=91))] == [88, 85, 82]
        assert [e.seq for e in await store.of_actor("service:alerts", newest(2))] == [98, 95]
        window = Window(2**62, access(50).at, access(53).at, 10)
        assert [e.seq for e in await store.of_actor("service:alerts", window)] == [50]
        assert [e.seq for e in await store.of_actor("sian", window)] == [52]


async def test_replicas_append_in_one_order_without_gaps(
    database: Database, signer: Signer, sealing_key: bytes
) -> None:
    async def replica(number: int) -> None:
        log = Log(signer, sealing_key)
        for batch in range(8):
            async with database.transaction() as connection:
                places = range(number * 1000 + batch * 10, number * 1000 + batch * 10 + 7)
                await log.append(AuditStore(connection), [access(place) for place in places], NOON)

    await asyncio.gather(*(replica(number) for number in range(4)))
    async with database.transaction() as connection:
        seqs = [row["seq"] for row in await connection.fetch("SELECT seq FROM entries ORDER BY seq")]
        previous = [row["size"] for row in await connection.fetch("SELECT size FROM checkpoints ORDER BY size")]
    assert seqs == list(range(4 * 8 * 7))
    assert previous == list(range(7, 4 * 8 * 7 + 1, 7))


async def test_a_rolled_back_append_leaves_nothing_behind(database: Database, log: Log, append: Append) -> None:
    await append(0)
    with suppress(ZeroDivisionError):
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(1), access(2)], NOON)
            raise ZeroDivisionError
    await append(1, 2)
    assert [reading.entry.seq for reading in await read_subject(database, log, access(1).subject or NOBODY)] == [1]


async def test_keys_made_in_a_rolled_back_transaction_are_never_used(
    database: Database, log: Log, append: Append, signer: Signer, sealing_key: bytes
) -> None:
    await append(0)
    async with database.transaction() as connection:  # so that the next append reads its keys again under the lock
        await Log(signer, sealing_key).erase(AuditStore(connection), [access(0).subject or NOBODY], access(9), NOON)
    with suppress(ZeroDivisionError):
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(1)], NOON)
            raise ZeroDivisionError
    await append(1)
    assert [reading.entry.seq for reading in await read_subject(database, log, access(1).subject or NOBODY)] == [2]


async def test_proofs_hold_for_independent_code(database: Database, log: Log, append: Append) -> None:
    for first in range(0, 700, 50):
        await append(*range(first, first + 50))
    oracle = InmemoryTree(algorithm="sha256")
    async with database.transaction() as connection:
        store = AuditStore(connection)
        rows = await connection.fetch("SELECT * FROM entries ORDER BY seq")
        for row in rows:
            columns = ("seq", "at", "subject", "actor", "commitment", "sealed")
            oracle.append_entry(leaf_data(*(row[column] for column in columns)))
        for size in (1, 256, 257, 650, 700):
            for seq in {0, size // 2, size - 1}:
                path = await prove_inclusion(store, seq, size)
                assert path == oracle.prove_inclusion(seq + 1, size).path[1:]
                assert root_by_inclusion(rows[seq]["leaf"], seq, size, path) == oracle.get_root(size)
            proof = await prove_consistency(store, size, 700)
            assert is_consistent(size, 700, oracle.get_root(size), oracle.get_root(700), proof)


async def test_each_transaction_ends_with_a_checkpoint_of_everything(
    database: Database, log: Log, append: Append
) -> None:
    await append(*range(5))
    await append(5)
    async with database.transaction() as connection:
        head = await AuditStore(connection).head()
    checkpoint = Verifier(log.signer.verifier_key).open(head.note)
    assert (checkpoint.size, checkpoint.previous, checkpoint.root) == (6, 5, head.frontier.root())


async def test_the_service_can_only_add(databases: Databases, append: Append) -> None:
    await append(0, 1)
    async with connected(databases.dsn) as connection:
        for table in ("entries", "subtrees", "checkpoints", "erasures"):
            for change in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"ALTER TABLE {table} ADD more int"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(change)
        for change in (
            "UPDATE entries SET actor = ''", "UPDATE subtrees SET hash = ''", "UPDATE checkpoints SET note = ''",
            "UPDATE erasures SET subject = 0", "UPDATE subjects SET sealed_key = ''", "TRUNCATE subjects",
            "INSERT INTO migrations VALUES ('a', 'b')", "CREATE TABLE mine ()",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)


async def test_erasure_leaves_no_way_to_the_content(database: Database, log: Log, append: Append) -> None:
    await append(*range(100))
    assert await read_subject(database, log, PEOPLE[5])
    because = access(200, actor="rhian", service="audit", purpose="erasure request")
    async with database.transaction() as connection:
        erasure = await log.erase(AuditStore(connection), [PEOPLE[5]], because, NOON)
    assert erasure.entries == [100]
    assert await read_subject(database, log, PEOPLE[5]) == []
    async with database.transaction() as connection:
        store = AuditStore(connection)
        before, told = await store.entry(5), await store.entry(100)
        assert before is not None
        assert told is not None
        readings = await log.read(store, [before, told])
        assert readings[0].opened is None
        assert readings[1].opened is not None
        assert readings[1].opened.access.reference == f"subject/{erasure.subjects[0]}"
        for table in ("entries", "subjects", "checkpoints", "subtrees", "erasures", "inbox", "outbox"):
            text = str(await connection.fetch(f"SELECT t::text, t FROM {table} t"))
            assert str(PEOPLE[5]) not in text
            assert PURPOSE not in text
            assert PURPOSE.encode().hex() not in text


async def test_after_an_erasure_no_replica_uses_the_old_key(
    database: Database, signer: Signer, sealing_key: bytes
) -> None:
    first, second = Log(signer, sealing_key), Log(signer, sealing_key)
    person = access(0).subject or NOBODY
    for log in (first, second, first, second):  # met, then read and remembered
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(0)], NOON)
    async with database.transaction() as connection:
        await first.erase(AuditStore(connection), [person], access(1), NOON)
    for log in (second, first):
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(0)], NOON)
        assert [r.entry.seq for r in await read_subject(database, log, person)][-1:] == [5]


async def test_a_ring_that_is_full_forgets_and_finds_again(
    database: Database, log: Log, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.audit.keys.MOST", 4)
    for _ in range(3):  # met, then read and remembered
        for place in range(12):
            await append(place)
    for place in range(12):
        readings = await read_subject(database, log, access(place).subject or NOBODY)
        assert [r.opened and r.opened.access for r in readings] == [access(place)] * 3


async def test_what_is_copied_is_what_was_said(database: Database, log: Log) -> None:
    said = [
        access(place, at=at, actor=actor)
        for place, (at, actor) in enumerate([
            (datetime(1, 1, 1, tzinfo=UTC), ""),
            (datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "Siân o Gaerdydd"),
            (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "service:\U0001f512"),
        ])
    ]  # fmt: skip
    async with database.transaction() as connection:
        await log.append(AuditStore(connection), said, NOON)
        rows = await connection.fetch("SELECT seq, at, actor FROM entries ORDER BY seq")
    assert [tuple(row) for row in rows] == [(seq, entry.at, entry.actor) for seq, entry in enumerate(said)]


async def test_erasing_and_appending_at_once_never_loses_an_entry(
    database: Database, signer: Signer, sealing_key: bytes
) -> None:
    person, rounds = access(0).subject or NOBODY, 12
    appending, erasing = Log(signer, sealing_key), Log(signer, sealing_key)
    erased = 0

    async def append() -> None:
        for _ in range(rounds):
            async with database.transaction() as connection:
                await appending.append(AuditStore(connection), [access(0)], NOON)

    async def erase() -> None:
        nonlocal erased
        for _ in range(rounds):
            async with database.transaction() as connection:
                erased += len((await erasing.erase(AuditStore(connection), [person], access(1), NOON)).subjects)

    await asyncio.gather(append(), erase())
    async with database.transaction() as connection:
        unreadable = await connection.fetchval(
            "SELECT count(DISTINCT subject) FROM entries WHERE subject NOT IN (SELECT number FROM subjects)"
        )
    assert unreadable == erased
