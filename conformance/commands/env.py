"""`gateparity env`: each framework in an environment of its own."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.environments import (
    create_environment,
    environment,
    known_framework,
    list_environments,
)
from gateparity.conformance.commands.completion import complete_environment
from gateparity.conformance.commands.console import make_console, print_table
from gateparity.conformance.commands.group import Group
from gateparity.conformance.files import check_writable, write_text
from gateparity.errors import InputError

app = typer.Typer(
    cls=Group,
    help="Make and list environments: each framework in one of its own, at pinned versions.",
    no_args_is_help=True,
)

_EXAMPLES = """
[bold]Examples[/]

  gateparity env create --all          all five, side by side

  gateparity env create torch jax      two of them

  GATEPARITY_ENVS=/big/disk gateparity env create --all
"""


@app.command(epilog=_EXAMPLES)
def create(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help=", ".join(FRAMEWORKS),
            autocompletion=complete_environment,
        ),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every framework.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Make a ready one anew.")] = False,
) -> None:
    """Install frameworks with pip, at pinned versions, each in an environment of its own.

    pip's own configuration holds (PIP_INDEX_URL and the rest). One that is ready is left alone.
    """
    if bool(names) == every:
        raise InputError("name frameworks, or say --all: gateparity env create --all")
    console = make_console()
    for framework in [known_framework(name) for name in names or FRAMEWORKS]:
        ready = not force and environment(framework).state == "ready"
        with console.status(f"{framework.title}: starting") as status:
            create_environment(framework, lambda line: status.update(_short(line)), force=force)
        found = environment(framework)
        words = "is ready" if ready else "installed"
        versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
        console.print(f"{framework.title} {words}: {versions} (Python {found.python})")


_LIST_EXAMPLES = """
[bold]Examples[/]

  gateparity env list                     a table

  gateparity env list --json envs.json    the same for programs
"""


@app.command(name="list", epilog=_LIST_EXAMPLES)
def list_command(
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the list as JSON.")
    ] = None,
) -> None:
    """List every framework's environment: its state, versions and folder."""
    if json:
        check_writable(json)
    table = Table()
    for name in ("name", "state", "python", "versions", "folder"):
        table.add_column(name, no_wrap=True)
    found = list_environments()
    for one in found:
        versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
        state = f"{one.state}: {one.reason}" if one.reason else one.state
        table.add_row(one.name, state, one.python, versions, escape(str(one.folder)))
    print_table(make_console(), table)
    if json:
        rows = [
            {
                "name": one.name,
                "state": one.state,
                "reason": one.reason,
                "python": one.python,
                "versions": dict(one.versions),
                "folder": str(one.folder),
            }
            for one in found
        ]
        write_text(json, json_module.dumps({"schema": 1, "environments": rows}, indent=2) + "\n")


def _short(line: str) -> str:
    return escape(line.strip()[:100])
