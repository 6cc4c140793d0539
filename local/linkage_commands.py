"""``jigsaw linkage``: linkage's own commands with this machine's stack, and the first load of partners' files."""

import os

import typer

from local.home import Home
from local.stack import environment, running_parts
from services.linkage import commands

linkage = typer.Typer(no_args_is_help=True, help="Who is who: models trained, looked at and switched; the first load.")
linkage.add_typer(commands.app)


@linkage.callback()
def with_the_stack() -> None:
    """Who is who: models trained, looked at and switched; the first load."""
    home = Home()
    os.environ |= environment(home, running_parts(home), "linkage")
