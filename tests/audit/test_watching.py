"""The witness takes only what continues what it took."""

from pathlib import Path

import pytest

from services.audit import metrics
from services.audit.checkpoint import Signer, Verifier
from services.audit.log import Log
from services.audit.store import AuditStore
from services.audit.watching import Inspector, Watch
from services.audit.witness import Witness
from shared.db import Database
from shared.outbox import Outbox
from shared.work import Worker
from tests.audit.conftest import Append
from tests.parts import Databases, connected

TABLES = "entries, subtrees, checkpoints, erasures, subjects"


@pytest.fixture
def worker(database: Database, sealing_key: bytes) -> Worker[AuditStore]:
    return Worker("audit", database, Outbox(database, "", "audit"), AuditStore, sealing_key)


def watching(worker: Worker[AuditStore], folder: Path, log: Log) -> Watch:
    verifier = Verifier(log.signer.verifier_key)
    return Watch(worker, Witness(folder, verifier), verifier)


async def test_a_log_that_grows_agrees(worker: Worker[AuditStore], append: Append, witness: Path, log: Log) -> None:
    watch = watching(worker, witness, log)
    await watch.look()
    assert watch.agreed
    assert watch.witness.notes() == []
    for first in range(0, 900, 300):
        await append(*range(first, first + 300))
        await watch.look()
        await watch.look()
    assert len(watch.witness.notes()) == 3
    assert not watch.discontinued
    again = watching(worker, witness, log)
    await again.look()
    assert again.newest == watch.newest


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("TRUNCATE entries, checkpoints, subtrees", "its end was cut off"),
        ("DELETE FROM checkpoints WHERE size > 300", "its end was cut off"),
        ("DELETE FROM subtrees", "is missing"),
        ("UPDATE subtrees SET hash = sha256(hash)", "not those that the witness saw"),
        ("UPDATE checkpoints SET note = note || 'x'", "signatures and nothing else"),
    ],
)
async def test_a_log_that_was_changed_is_not_taken(
    worker: Worker[AuditStore], append: Append, witness: Path, log: Log, databases: Databases, change: str, because: str
) -> None:
    await append(*range(300))
    await append(*range(300, 310))
    watch = watching(worker, witness, log)
    await watch.look()
    await append(*range(310, 320)) if "note" not in change else None
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(change)
    await watch.look()
    assert because in watch.discontinued
    assert len(watch.witness.notes()) == 1


async def test_a_witness_that_cannot_write_is_shown_the_log_again(
    worker: Worker[AuditStore], append: Append, witness: Path, log: Log
) -> None:
    await append(*range(7))
    witness.write_text("a file where the folder should be")
    watch = watching(worker, witness, log)
    await watch.look()
    assert watch.agreed is None
    assert metrics.UNWITNESSED._value.get() == 7
    witness.unlink()
    await watch.look()
    assert watch.agreed
    assert len(watch.witness.notes()) == 1


async def test_a_rebuilt_log_is_not_taken_even_with_the_stolen_key(
    worker: Worker[AuditStore], append: Append, witness: Path, log: Log, signer: Signer, sealing_key: bytes,
    databases: Databases, database: Database,
) -> None:  # fmt: skip
    await append(*range(10))
    watch = watching(worker, witness, log)
    await watch.look()
    async with connected(databases.owner_dsn) as owner:
        await owner.execute(f"TRUNCATE {TABLES}")
    await append(*range(20))
    await watch.look()
    assert "not those that the witness saw" in watch.discontinued


async def test_the_inspector_says_what_it_found(
    worker: Worker[AuditStore], append: Append, witness: Path, log: Log, sealing_key: bytes, databases: Databases
) -> None:
    await append(*range(10))
    watch = watching(worker, witness, log)
    await watch.look()
    inspector = Inspector(databases.dsn, witness, log.signer.verifier_key, sealing_key, 24, watch)
    await inspector.inspect()
    assert inspector.report is not None
    assert inspector.report.is_whole
    async with connected(databases.owner_dsn) as owner:
        await owner.execute("UPDATE entries SET actor = 'somebody' WHERE seq = 3")
    await inspector.inspect()
    assert "entries 3: actor" in str(inspector.report)
