"""``jigsaw linkage``: linkage's own commands with this machine's stack, and the first load of partners' files."""

import os
from contextlib import suppress

import typer

from local.home import Home, StackError
from local.loading import load
from local.stack import environment, running_parts
from services.linkage import commands

linkage = typer.Typer(no_args_is_help=True)
linkage.add_typer(commands.app)
linkage.command()(load)


@linkage.callback()
def with_the_stack() -> None:
    """Who is who: models learned, looked at and switched; the first load."""
    with suppress(StackError):  # then the environment must say where the database is, and a command says if it does not
        home = Home()
        os.environ |= environment(home, running_parts(home), "linkage")
