"""``python -m services.linkage.commands``: linkage's models, for an operator; on one machine, ``jigsaw linkage``.

The database is told by the environment (``JIGSAW_DATABASE``), as for the service itself.
"""

import asyncio
import gc
import getpass
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID
from rich.table import Table

from services.linkage.engines.duck import DuckDB
from services.linkage.engines.spark import LOCAL, Spark
from services.linkage.index.engine import Engine, EngineError
from services.linkage.matching.model import Model
from services.linkage.models.differences import REPORT, Differences
from services.linkage.models.registry import Registered, Registry
from services.linkage.models.relinking import ModelError, Progress, Relinking
from services.linkage.models.training import MOST, TooFew, trained
from services.linkage.settings import LinkageSettings
from services.linkage.store import LinkageStore
from shared.db import Database, of_one_moment
from shared.errors import Unavailable

app = typer.Typer(no_args_is_help=True, help="Linkage's models: train one, see what it would change, switch, go back.")
out, aside = Console(), Console(stderr=True)
T = TypeVar("T")

FOLLOW_SECONDS = 10
Memory = Annotated[str, typer.Option(help="What the set-based engine may hold; the rest is in temporary files.")]
MEMORY = "1GB"
EngineName = Literal["duckdb", "spark"]
Choice = Annotated[EngineName, typer.Option(help="Who finds and weighs the pairs: this machine, or Spark's machines.")]
Master = Annotated[str, typer.Option(help="Where Spark is: spark://…, yarn, k8s://…; local\\[n] is n processors here.")]
MODEL_FILE = Path("model.json")
JSON = Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")]


@app.command()
def train(
    file: Annotated[Path, typer.Option("--out", dir_okay=False, help="Where it goes; - prints it.")] = MODEL_FILE,
    name: Annotated[str, typer.Option(help="What you call it; a digest of its content is added.")] = "person",
    most: Annotated[int, typer.Option(help="Learn from a random sample of so many records.")] = MOST,
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random.")] = 1,
) -> None:
    """Learn a model from the people in the index: no labels, no threshold tuned on a truth. The stream goes on.

    The file names no rare value, so it may leave the database. Next: [bold]shadow FILE[/bold].
    """

    async def learn(database: Database, progress: Progress) -> Model:
        async with database.transaction() as connection:
            store = LinkageStore(connection)
            await of_one_moment(connection)
            release, now = LinkageSettings().release, datetime.now(UTC)
            return await trained(
                store, name, now, release, most=most, seed=seed, read=progress.read, say=progress.say
            )  # fmt: skip

    model = run(learn)
    if str(file) == "-":
        typer.echo(model.dump())
        return
    file.write_text(model.dump() + "\n")
    out.print(f"{model.version} is in {file}. What it would change: shadow {file}", highlight=False)


@app.command()
def shadow(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A model that `train` wrote.")],
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C: the report follows the stream.")] = False,
    memory: Memory = MEMORY,
    json: JSON = False,
) -> None:
    """Link everything anew beside the running index and report which entities would change. Nothing changes.

    Stewards read a sample of it, with names, at /linkage/review/models. Next: [bold]switch VERSION[/bold].
    """
    try:
        model = Model.load(file.read_text())
    except ValueError as error:
        fail(f"{file}: {error}")

    async def look(database: Database, progress: Progress) -> Differences:
        relinking = Relinking(database, _me(), progress)
        number, built, found = await relinking.shadow(model)
        while follow:
            out.print(_differences(model.version, found))
            await asyncio.sleep(FOLLOW_SECONDS)
            found = await relinking.report(number, built)
        return found

    found = run(look, memory)
    if json:
        _json(REPORT.dump_json(found))
    else:
        out.print(_differences(model.version, found))
        out.print(
            f"A sample with names: /linkage/review/models. To make it hold: switch {model.version}", highlight=False
        )


@app.command()
def report(json: JSON = False) -> None:
    """What the shadow would change, as it was reported last; and all models there ever were."""

    async def read(database: Database, _: Progress) -> list[Registered]:
        async with database.transaction() as connection:
            return await Registry(connection).all()

    models = run(read)
    found = next((one for one in models if one.state == "shadow" and one.report), None)
    if json:
        _json(orjson.dumps(found.report if found else None))
        return
    table = Table("model", "state", "since", "by")
    for one in models:
        table.add_row(one.version, one.state, one.at.isoformat(" ", "seconds"), one.by)
    out.print(table)
    for one in models:
        if one.given_up:
            out.print(f"The switch to {one.version} was given up: {one.given_up}", highlight=False)
    if found:
        out.print(_differences(found.version, REPORT.validate_python(found.report)))


@app.command()
def switch(
    version: Annotated[str, typer.Argument(help="The shadow's version, as `report` names it.")], memory: Memory = MEMORY
) -> None:
    """Make the shadow the active model: relinks in the background, then changes over in one transaction.

    The stream goes on. Ids survive, what stewards decided holds, and whatever is killed, nothing is half done: run it
    again.
    """
    run(lambda database, progress: Relinking(database, _me(), progress).switch(version), memory)
    out.print(f"{version} is the active model. To go back: rollback", highlight=False)


@app.command()
def rollback(memory: Memory = MEMORY) -> None:
    """Switch back to the model that was active before this one."""
    version = run(lambda database, progress: Relinking(database, _me(), progress).rollback(), memory)
    out.print(f"{version} is the active model again.", highlight=False)


def _differences(version: str, found: Differences) -> Table:
    table = Table(show_header=False, title_justify="left", title=f"If {version} were active")
    table.add_row("people's records", f"{found.records:,}")
    table.add_row("entities now", f"{found.entities:,}")
    table.add_row("entities then", f"{found.would_be:,}")
    table.add_row("entities joined with others", f"{found.joined:,}")
    table.add_row("entities parted", f"{found.parted:,}")
    table.add_row("pairs of records gained", f"{found.gained:,}")
    table.add_row("pairs of records lost", f"{found.lost:,}")
    for change in found.sample[:10]:
        table.add_row(change.fate, " ".join(map(str, dict.fromkeys(change.entities))))
    return table


def run(
    action: Callable[[Database, Progress], Awaitable[T]], memory: str = MEMORY, engine: EngineName = "duckdb",
    master: str = LOCAL,
) -> T:  # fmt: skip
    """The action with the service's own database, its progress on the terminal. What went wrong is a sentence."""

    async def connected(progress: Progress) -> T:
        database = Database(LinkageSettings().database.get_secret_value())
        await database.open()
        try:
            return await action(database, progress)
        finally:
            await database.close()

    gc.disable()  # millions of objects that live to the end and are in no cycle: looking through them costs minutes
    try:
        with _bars(memory, engine, master) as progress:
            return asyncio.run(connected(progress))
    except ValidationError as error:
        fail(f"{error.error_count()} settings are missing: start the stack (`jigsaw up`), or set JIGSAW_DATABASE …")
    except (EngineError, ModelError, TooFew, Unavailable) as error:
        fail(str(error))


@contextmanager
def _bars(memory: str, engine: EngineName, master: str) -> Iterator[Progress]:
    """What is going on, on the terminal."""
    with Bars(console=aside, transient=True) as bars:
        reading = bars.add_task("Records read", total=None)
        comparing = bars.add_task("Compared", total=None)
        stages: dict[str, TaskID] = {}

        def compared(done: int, of: int) -> None:
            bars.update(comparing, completed=done, total=of)

        def stage(name: str, done: int, of: int) -> None:
            if name not in stages:
                stages[name] = bars.add_task(name, total=of)
            bars.update(stages[name], completed=done)

        by: Engine = Spark(master, memory, compared) if engine == "spark" else DuckDB(memory, compared)
        yield Progress(
            lambda sentence: bars.console.print(sentence, highlight=False),
            lambda more: bars.update(reading, advance=more),
            stage, by,
        )  # fmt: skip


def _json(text: bytes) -> None:
    typer.echo(text.decode())


def _me() -> str:
    return f"operator:{getpass.getuser()}"


def fail(sentence: str) -> NoReturn:
    """Say it, and leave with code 1."""
    aside.print(f"[red]{sentence}[/red]", highlight=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
