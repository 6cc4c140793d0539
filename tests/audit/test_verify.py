"""Whatever is changed in the log is found and named."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.audit.checkpoint import Checkpoint, Signer, Verifier
from services.audit.domain import Entry, leaf_of
from services.audit.log import Log
from services.audit.store import AuditStore
from services.audit.verify import Report, report, verify
from services.audit.witness import FILE, Witness
from shared.db import Database
from tests.audit.conftest import NOON, PEOPLE, access
from tests.parts import Databases, connected

ENTRIES = 600
ERASED = PEOPLE[7]


async def written(database: Database, log: Log, witness: Path, entries: int = ENTRIES) -> None:
    """A log like a real one: batches of many sizes, an erasure, a witness that saw some of it."""
    keeper, place, batch = Witness(witness, Verifier(log.signer.verifier_key)), 0, 1
    while place < entries:
        async with database.transaction() as connection:
            store = AuditStore(connection)
            await log.append(store, [access(p) for p in range(place, min(place + batch, entries))], NOON)
            if batch % 5 == 0:
                keeper.take((await store.head()).note)
        place, batch = place + batch, batch + 4
    async with database.transaction() as connection:
        await log.erase(AuditStore(connection), [ERASED], access(0, purpose="request"), NOON)
    async with database.transaction() as connection:
        keeper.take((await AuditStore(connection).head()).note)


@pytest.fixture
async def told(database: Database, log: Log, witness: Path) -> None:
    await written(database, log, witness)


class Scene:
    """The written log, opened by its owner inside a transaction that is rolled back."""

    def __init__(self, owner: Any, notes: list[str], verifier: Verifier, sealing_key: bytes) -> None:
        self.owner, self.notes, self.verifier, self.sealing_key = owner, notes, verifier, sealing_key

    async def look(self, contents: bool = True) -> Report:
        key = self.sealing_key if contents else None
        async with self.owner.transaction():
            return await report(self.owner, self.notes, self.verifier, lambda done, total: None, key)

    async def where(self, contents: bool = True) -> list[str]:
        return [fault.where for fault in (await self.look(contents)).faults]

    async def after(self, *changes: str, contents: bool = True) -> list[str]:
        """Where faults are found after these changes, which are then taken back."""
        change = self.owner.transaction()
        await change.start()
        try:
            for sql in changes:
                await self.owner.execute(sql)
            return await self.where(contents)
        finally:
            await change.rollback()


@pytest.fixture
async def scene(
    told: None, databases: Databases, witness: Path, signer: Signer, sealing_key: bytes
) -> AsyncIterator[Scene]:
    verifier = Verifier(signer.verifier_key)
    async with connected(databases.owner_dsn) as owner:
        yield Scene(owner, Witness(witness, verifier).notes(), verifier, sealing_key)


FLIPS: dict[str, Callable[[str], list[str]]] = {
    "bytea": lambda c: [
        f"set_byte({c}, {at}, get_byte({c}, {at}) # 1)" for at in ("0", f"length({c}) / 2", f"length({c}) - 1")
    ] + [f"substr({c}, 2)", f"{c} || '\\x00'::bytea", "''::bytea"],
    "text": lambda c: [f"{c} || ' '", f"overlay({c} placing '~' from 1 for 1)", f"left({c}, -1)", "''",
                       f"{c} || {c}", f"{c} || '— another c2ln\n'"],
    "bigint": lambda c: [f"{c} + 100000", f"-{c} - 1"],
    "smallint": lambda c: [f"{c} + 8"],
    "timestamp with time zone": lambda c: [
        f"{c} + interval '1 microsecond'", f"{c} - interval '1 day'", "'infinity'", "'-infinity'"
    ],
    "uuid": lambda c: ["'ffffffff-0000-4000-8000-000000000000'::uuid"],
}  # fmt: skip


async def columns_of(owner: Any, table: str) -> list[tuple[str, str]]:
    rows = await owner.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1", table
    )
    assert rows
    return [tuple(row) for row in rows]


async def test_an_untouched_log_has_no_faults(databases: Databases, told: None, witness: Path, signer: Signer,
                                              sealing_key: bytes) -> None:  # fmt: skip
    seen: list[tuple[int, int]] = []
    found = await verify(
        databases.dsn, witness, signer.verifier_key, lambda done, total: seen.append((done, total)), sealing_key
    )
    assert found.is_whole, str(found)
    assert (found.entries, found.contents) == (ENTRIES + 1, True)
    assert found.erased == sum(access(place).subject == ERASED for place in range(ENTRIES))
    assert seen[-1] == (ENTRIES + 1, ENTRIES + 1)
    public = await verify(databases.dsn, witness, signer.verifier_key, lambda done, total: None)
    assert public.is_whole
    assert not public.contents


@pytest.mark.parametrize("contents", [True, False])
async def test_every_changed_column_of_an_entry_is_named(scene: Scene, contents: bool) -> None:
    erased = next(place for place in range(100, ENTRIES) if access(place).subject == ERASED)
    for column, kind in await columns_of(scene.owner, "entries"):
        for flip in FLIPS[kind](column):
            for seq in (0, 255, erased, ENTRIES):
                where = await scene.after(f"UPDATE entries SET {column} = {flip} WHERE seq = {seq}", contents=contents)
                assert f"entries {seq}" in where, (column, flip, seq, where)
                assert len(where) <= 4, (column, flip, seq, where)


@pytest.mark.parametrize(
    ("table", "key"), [("subjects", "number"), ("checkpoints", "size"), ("subtrees", "place"), ("erasures", "seq")]
)
async def test_every_changed_column_of_the_other_tables_is_named(scene: Scene, table: str, key: str) -> None:
    rows = await scene.owner.fetch(f"SELECT {key} FROM {table} ORDER BY 1")
    for column, kind in await columns_of(scene.owner, table):
        for flip in FLIPS[kind](column):
            for row in {rows[0][0], rows[len(rows) // 2][0], rows[-1][0]}:
                where = await scene.after(
                    f"ALTER TABLE {table} ALTER {column} DROP IDENTITY IF EXISTS",
                    f"UPDATE {table} SET {column} = {flip} WHERE {key} = {row}",
                )
                assert any(place.startswith(table) for place in where), (column, flip, row, where)


async def test_a_column_made_null_is_named(scene: Scene) -> None:
    for table, key in (("entries", "seq"), ("checkpoints", "size")):
        for column, _ in await columns_of(scene.owner, table):
            if column != key:
                where = await scene.after(
                    f"ALTER TABLE {table} ALTER {column} DROP NOT NULL",
                    f"UPDATE {table} SET {column} = NULL WHERE {key} = (SELECT max({key}) FROM {table})",
                )
                assert any(place.startswith(table) for place in where), (table, column)


async def test_a_removed_row_of_any_table_is_named(scene: Scene) -> None:
    for seq in (0, 17, 256, ENTRIES - 1, ENTRIES):
        assert f"entries {seq}" in await scene.after(f"DELETE FROM entries WHERE seq = {seq}")
    assert "entries 100–199" in await scene.after("DELETE FROM entries WHERE seq BETWEEN 100 AND 199")
    assert f"entries 0–{ENTRIES}" in await scene.after("TRUNCATE entries")
    for table, key in (("subjects", "number"), ("checkpoints", "size"), ("subtrees", "place"), ("erasures", "seq")):
        for row in await scene.owner.fetch(f"SELECT {key} FROM {table}"):
            where = await scene.after(f"DELETE FROM {table} WHERE {key} = {row[0]}")
            assert any(w.startswith((table, "entries", "witness")) for w in where), (table, row[0])


async def test_swapped_rows_are_named(scene: Scene) -> None:
    for one, other in ((3, 4), (10, 500), (0, ENTRIES)):
        where = await scene.after(
            f"UPDATE entries SET seq = -1 WHERE seq = {one}",
            f"UPDATE entries SET seq = {one} WHERE seq = {other}",
            f"UPDATE entries SET seq = {other} WHERE seq = -1",
        )
        assert {f"entries {one}", f"entries {other}"} <= set(where)


async def test_an_inserted_row_is_named(scene: Scene) -> None:
    columns = "at, subject, actor, commitment, leaf, sealed"
    for seq in (-5, ENTRIES + 1, 10**12):
        copy = f"INSERT INTO entries (seq, {columns}) SELECT {seq}, {columns} FROM entries WHERE seq = 3"
        assert f"entries {seq}" in await scene.after(copy)
    shifted = await scene.after(
        "UPDATE entries SET seq = -seq - 2 WHERE seq >= 300",
        "UPDATE entries SET seq = -seq - 1 WHERE seq < 0",
        f"INSERT INTO entries (seq, {columns}) SELECT 300, {columns} FROM entries WHERE seq = 3",
    )
    assert "entries 300" in shifted
    assert f"entries {ENTRIES + 1}" in shifted


async def test_a_row_forged_together_with_its_leaf_is_found_in_its_batch(scene: Scene) -> None:
    row = Entry(*await scene.owner.fetchrow("SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries"
                                            " WHERE seq = 333"))  # fmt: skip
    leaf = leaf_of(row.seq, row.at, row.subject, "somebody-else", row.commitment, row.sealed)
    forged = f"UPDATE entries SET actor = 'somebody-else', leaf = '\\x{leaf.hex()}' WHERE seq = 333"
    sizes = [r[0] for r in await scene.owner.fetch("SELECT size FROM checkpoints ORDER BY size")]
    first = max(size for size in sizes if size <= 333)
    last = min(size for size in sizes if size > 333) - 1
    assert await scene.after(forged, contents=False) == [f"entries {first}–{last}"]
    assert await scene.after(forged) == ["entries 333"]


async def test_faults_in_many_places_are_all_named(scene: Scene) -> None:
    seqs = [5, 6, 250, 400, 599]
    where = await scene.after(*(f"UPDATE entries SET actor = 'x' WHERE seq = {seq}" for seq in seqs))
    assert where == [f"entries {seq}" for seq in seqs]


async def test_a_tail_cut_off_with_its_checkpoints_is_seen_by_the_witness(scene: Scene) -> None:
    where = await scene.after(
        "DELETE FROM entries WHERE seq >= 400",
        "DELETE FROM checkpoints WHERE size > 400",
        "DELETE FROM subtrees WHERE (place + 1) << height > 400",
        "DELETE FROM erasures",
    )
    assert any(place.startswith("entries 400–") for place in where)


async def test_a_log_rebuilt_with_another_key_is_found(
    databases: Databases, database: Database, signer: Signer, sealing_key: bytes, witness: Path
) -> None:
    await written(database, Log(Signer("jigsaw/audit", bytes(32)), sealing_key), witness.with_name("theirs"))
    Witness(witness, Verifier(signer.verifier_key)).take(signer.sign(await _checkpoint(databases, signer)))
    found = await verify(databases.dsn, witness, signer.verifier_key, lambda d, t: None, sealing_key)
    checkpoints = [fault for fault in found.faults if fault.where.startswith("checkpoints")]
    assert len(checkpoints) == found.checkpoints


async def _checkpoint(databases: Databases, signer: Signer) -> Any:
    async with connected(databases.dsn) as connection:
        note = await connection.fetchval("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    theirs = Verifier(Signer("jigsaw/audit", bytes(32)).verifier_key).open(note)
    return replace(theirs, root=bytes(32))


async def test_a_log_rebuilt_with_the_stolen_key_is_found(
    databases: Databases, database: Database, log: Log, signer: Signer, sealing_key: bytes, witness: Path
) -> None:
    await written(database, log, witness)
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("TRUNCATE entries, checkpoints, subtrees, erasures, subjects")
    await written(database, Log(signer, sealing_key), witness.with_name("theirs"))
    found = await verify(databases.dsn, witness, signer.verifier_key, lambda d, t: None, sealing_key)
    assert {fault.where.split()[0] for fault in found.faults} == {"witness"}
    assert "are not what it saw" in found.faults[0].what


async def test_a_missing_or_foreign_witness_is_a_fault(scene: Scene, witness: Path, databases: Databases) -> None:
    scene.notes = []
    assert await scene.where() == ["witness"]
    scene.notes = [
        Signer("jigsaw/audit", bytes(32)).sign(scene.verifier.open(Witness(witness, scene.verifier).notes()[0]))
    ]
    assert await scene.where() == ["witness note 0"]


async def test_a_key_that_came_back_from_a_backup_is_found(
    databases: Databases, database: Database, log: Log, signer: Signer, sealing_key: bytes, witness: Path
) -> None:
    async with connected(databases.owner_dsn) as owner:
        async with database.transaction() as connection:
            await log.append(AuditStore(connection), [access(7)], NOON)
        backup = await owner.fetchrow("SELECT * FROM subjects")
        assert backup is not None
        async with database.transaction() as connection:
            await log.erase(AuditStore(connection), [ERASED], access(0), NOON)
            Witness(witness, Verifier(signer.verifier_key)).take((await AuditStore(connection).head()).note)
        await owner.execute("INSERT INTO subjects OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3)", *backup)
    found = await verify(databases.dsn, witness, signer.verifier_key, lambda d, t: None, sealing_key)
    assert [fault.what[:15] for fault in found.faults] == ["its key is back"]


def test_a_witness_file_cut_by_a_crash_still_speaks(witness: Path, signer: Signer) -> None:
    keeper = Witness(witness, Verifier(signer.verifier_key))
    notes = [signer.sign(Checkpoint("jigsaw/audit", n, bytes(32), n - 1, NOON)) for n in (1, 2, 3)]
    keeper.take(notes[0])
    keeper.take(notes[1])
    whole = (witness / FILE).read_text()
    for cut in range(1, len(notes[1])):
        (witness / FILE).write_text(whole[:-cut])
        assert keeper.notes() == notes[:1]
        keeper.take(notes[2])
        assert keeper.notes() == [notes[0], notes[2]]
        newest = keeper.newest()
        assert newest is not None
        assert newest.size == 3
