"""The ``jigsaw`` command: one machine's whole platform from a terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from local import dead_letters
from local.erasing import Ground, erase_on
from local.home import Home, StackError
from local.processes import status as processes_status
from local.processes import tail
from local.running import bring_down, bring_up
from local.signing_out import sign_out_on
from local.stack import dsns, running_parts
from local.subject_access.collecting import Language, Request, answer_on
from shared.telemetry import start_logging

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # they would show what variables hold
)
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be handled, why, and sending it again.")
audit = typer.Typer(no_args_is_help=True, help="The log of who saw what and why.")


@app.callback()
def jigsaw() -> None:
    """Join what a region's public bodies know, warn the one person who can act, prove who saw what and why.

    Start with [bold]jigsaw demo[/bold]; your own files go in by [bold]jigsaw publish[/bold].
    """
    start_logging("jigsaw", "ERROR", "stderr")


app.add_typer(dlq, name="dlq")
app.add_typer(audit, name="audit")
out = Console()
T = TypeVar("T")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the summary; fails if anything was lost.")] = False,
    people: Annotated[int, typer.Option(help="How many people live in the region.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Another seed, another region.")] = 1,
) -> None:
    """The main job: a synthetic region publishes 90 days of events and five services process them; a summary follows.

    Then one console address and the demo sign-ins are printed, and the region goes on at a natural pace until Ctrl-C.
    """
    from local.demo import run

    raise typer.Exit(_complain(lambda: asyncio.run(run(Home(), out, people=people, seed=seed, once=once))))


@app.command()
def up() -> None:
    """Start what is not running: parts, five services, the console. Safe to repeat."""
    running = _complain(lambda: asyncio.run(bring_up(Home(), out.print)))
    out.print(f"\nConsole: [bold]{running.console}[/bold]")


@app.command()
def down(wipe: Annotated[bool, typer.Option("--wipe", help="Remove all data too.")] = False) -> None:
    """Stop everything this project started. The data stays unless --wipe is given."""
    _complain(lambda: bring_down(Home(), remove=wipe))
    out.print("Stopped." if not wipe else "Stopped, and the data is gone.")


@app.command()
def status() -> None:
    """What runs, since when, how big, and whether it answers."""
    table = Table("process", "pid", "up", "memory", "answers", "address")
    for row in processes_status(Home()):
        table.add_row(row.name, str(row.pid), row.up, f"{row.pss_mb:.0f} MB", row.answer, row.address)
    out.print(table)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A service or a part, as `jigsaw status` names it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
) -> None:
    """What a process wrote: JSON lines that name events and never people."""
    for line in _complain(lambda: tail(Home(), name, follow=follow)):
        print(line, end="")


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, JSON Lines or XLSX.")],
    partner: Annotated[str, typer.Option(help="Whose file it is: the partner's name in its agreement.")],
    mapping: Annotated[Path | None, typer.Option(exists=True, help="YAML: which column is which field.")] = None,
) -> None:
    """Publish a partner's file as events, through everybody's API. Bad rows are listed, the rest goes on."""
    from local.publishing import publish_file

    raise typer.Exit(_complain(lambda: asyncio.run(publish_file(Home(), file, partner, mapping, out))))


@app.command()
def erase(
    ground: Annotated[Ground, typer.Option(help="Of UK GDPR Art. 17(1).")],
    reason: Annotated[str, typer.Option(help="Kept for ever: name nobody.")],
    entities: Annotated[list[UUID] | None, typer.Argument(help="References of people, as pages show them.")] = None,
    record: Annotated[list[UUID] | None, typer.Option(help="Single records instead; may be repeated.")] = None,
) -> None:
    """Erase people, or single records, from the index for ever: their right under UK GDPR Art. 17."""
    _complain(lambda: erase_on(Home(), entities or [], record or [], ground.value, reason, out))


@app.command("subject-access")
def subject_access(
    entity: Annotated[UUID, typer.Argument(help="The person's reference, as pages show it, or an older one.")],
    reference: Annotated[str, typer.Option(help="Of the request, as in 2026/118. The log keeps it: name nobody.")],
    out_folder: Annotated[Path, typer.Option("--out", file_okay=False, help="Where the two files go.")] = Path(),
    language: Annotated[Language, typer.Option(help="Of the page and of all words in the answer.")] = Language.EN,
    redact: Annotated[
        list[str] | None, typer.Option(help="Words to take out of what people wrote; may be repeated.")
    ] = None,
) -> None:
    """Answer a person who asks what is held about them: their right under UK GDPR Art. 15.

    Every service is asked, and each writes down that it told. A page for the person and a JSON file for machines are
    written, for your eyes only. [bold]Read what people wrote[/bold] before you hand it over: notes may name others, and
    only a person can tell; run it again with --redact for each name.
    """
    asked = Request(entity, reference, language.value, redact or [])
    _complain(lambda: answer_on(Home(), asked, out_folder, out))


@app.command("sign-out")
def sign_out(username: Annotated[str, typer.Argument(help="As they sign in.")]) -> None:
    """End every session that somebody has, everywhere: their account was closed, or their device is lost."""
    _complain(lambda: sign_out_on(Home(), username, out))


@app.command(context_settings={"ignore_unknown_options": True})  # they are the benchmark's own
def bench(
    name: Annotated[str, typer.Argument(help="pipeline, linkage-quality, scoring, audit, faults … or all.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="What the benchmark takes; see `bench/README.md`.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute, for a first look.")] = False,
) -> None:
    """Measure. Each benchmark ends with one JSON line of figures, the parts' versions and the commit."""
    from bench.running import run

    raise typer.Exit(_complain(lambda: run(name, arguments or [], quick=quick)))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def linkage(context: typer.Context) -> None:
    """Who is who: models learned, looked at, switched, taken back; the first load of millions. Has its own help."""
    from local.linkage_commands import linkage

    linkage(context.args, prog_name="jigsaw linkage")


@dlq.command("list")
def dlq_list() -> None:
    """Every dead letter, oldest first."""
    table = Table("id", "service", "topic", "reason", "detail", "since", "replayed")
    for service, dsn in _dsns(Home()).items():
        for letter in asyncio.run(dead_letters.listed(service, dsn)):
            replayed = letter.replayed_at.isoformat(" ", "seconds") if letter.replayed_at else ""
            since = letter.at.isoformat(" ", "seconds")
            table.add_row(str(letter.id), service, letter.topic, letter.reason, letter.detail, since, replayed)
    out.print(table if table.row_count else "No dead letters.")


@dlq.command("show")
def dlq_show(id: UUID) -> None:
    """One dead letter: where it was and why it died. The message itself stays sealed: it holds people's data."""
    letter = asyncio.run(dead_letters.found(_dsns(Home()), id))
    if letter is None:
        _fail(f"There is no dead letter {id}. `jigsaw dlq list` shows those there are.")
    out.print(letter)


@dlq.command("replay")
def dlq_replay(id: Annotated[UUID, typer.Argument(help="The id in `jigsaw dlq list`.")]) -> None:
    """Send it to its topic again, after its cause was mended. Safe to repeat."""
    home = Home()
    databases = _dsns(home)
    letter = asyncio.run(dead_letters.found(databases, id))
    if letter is None:
        _fail(f"There is no dead letter {id}. `jigsaw dlq list` shows those there are.")
    key = bytes.fromhex(home.secret("sealing_key"))
    address = _complain(lambda: running_parts(home)).kafka
    sent = asyncio.run(dead_letters.replay(databases[letter.service], address, key, id))
    out.print("Sent again." if sent else "It had been sent again before.")


@audit.command("verify")
def audit_verify() -> None:
    """Read the whole log and hold it against its tree, its signed checkpoints and the witness outside the database."""
    from local.verifying import verify_log

    raise typer.Exit(_complain(lambda: asyncio.run(verify_log(Home(), out))))


def _dsns(home: Home) -> dict[str, str]:
    return dsns(home, _complain(lambda: running_parts(home)))


def _complain(action: Callable[[], T]) -> T:
    """An error of the stack is a sentence, not a traceback."""
    try:
        return action()
    except StackError as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    out.print(f"[red]{sentence}[/red]", highlight=False)
    raise typer.Exit(1)
