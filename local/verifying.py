"""``jigsaw audit verify``: the log against its tree, its signed checkpoints and the witness outside the database."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress

from local.home import Home
from local.stack import environment, running_parts
from services.audit.checkpoint import Signer
from services.audit.settings import AuditSettings
from services.audit.verify import verify


async def verify_log(home: Home, out: Console) -> int:
    """Exit code 0 when the log is whole."""
    with Progress(console=out) as progress:
        task = progress.add_task("Reading the log", total=None)
        sentence, whole = await verified(home, lambda done, total: progress.update(task, completed=done, total=total))
    out.print(sentence)
    return 0 if whole else 1


async def verified(home: Home, progress: Callable[[int, int], None]) -> tuple[str, bool]:
    """A sentence for people, and whether the log is whole."""
    told = environment(home, running_parts(home), "audit")
    origin = told.get("JIGSAW_LOG_ORIGIN") or AuditSettings.model_fields["log_origin"].default
    verifier_key = Signer(origin, bytes.fromhex(told["JIGSAW_CHECKPOINT_KEY"])).verifier_key
    sealing_key = bytes.fromhex(told["JIGSAW_SEALING_KEY"])
    report = await verify(told["JIGSAW_DATABASE"], home.path / "witness", verifier_key, progress, sealing_key)
    return str(report), report.is_whole
