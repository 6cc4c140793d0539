"""``jigsaw publish``: a partner's file, its progress, and what became of each row, on the terminal."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local.home import Home, StackError
from local.keys import key_of
from local.publish import Summary, publish
from local.rows import FileError
from local.running import running

MOST_SHOWN = 20


async def publish_file(home: Home, file: Path, partner: str, mapping: Path | None, out: Console) -> int:
    """Exit code 0 when every row got in (a row that was accepted before counts), else 1."""
    up = running(home)
    key = await key_of(home, up, partner)
    with Progress(console=out) as progress:
        task = progress.add_task(f"Publishing {file.name}", total=None)
        try:
            summary = await publish(
                file, partner, mapping, up.services["ingest"], key, lambda n: progress.advance(task, n)
            )
        except FileError as error:
            raise StackError(str(error)) from error
        progress.update(task, total=summary.rows)
    out.print(_shown(summary))
    return 0 if summary.rows == summary.accepted + summary.duplicate else 1


def _shown(summary: Summary) -> Table:
    table = Table(show_header=False, title_justify="left", title=f"{summary.rows} rows")
    table.add_row("accepted", str(summary.accepted))
    table.add_row("accepted before", str(summary.duplicate))
    table.add_row("rejected", str(summary.rejected))
    table.add_row("unreadable", str(summary.unreadable))
    for problem in summary.problems[:MOST_SHOWN]:
        where = f"row {problem.row}" + (f", {', '.join(problem.columns)}" if problem.columns else "")
        table.add_row(where, problem.reason)
    for (columns, advice), rows in summary.findings.most_common(MOST_SHOWN):
        table.add_row(f"{', '.join(columns)} ({rows:,} {'row' if rows == 1 else 'rows'})", advice)
    return table
