"""`gateparity env`: each framework, and each version of it, in an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import filesize
from rich.markup import escape

from gateparity.backends.catalogue import ENVIRONMENTS, FRAMEWORKS
from gateparity.backends.environments.creation import (
    create_environment,
    remove_environment,
    repair_environment,
)
from gateparity.backends.environments.environments import (
    environment,
    environments_folder,
    list_environments,
    recall_request,
)
from gateparity.backends.environments.requests import parse_requests
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.commands.completion import complete_environment, complete_made
from gateparity.conformance.commands.group import Group
from gateparity.conformance.commands.options import Force, Report
from gateparity.conformance.reports.console import make_console, print_line
from gateparity.conformance.reports.environments import (
    describe_versions,
    environments_json,
    environments_report,
)
from gateparity.conformance.reports.files import ReportFiles
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from rich.console import Console

    from gateparity.backends.environments.environments import Environment

app = typer.Typer(
    cls=Group,
    help="Make, list, repair and remove environments: each framework in one of its own.",
    no_args_is_help=True,
)

_CREATE = """
[bold]Examples[/]

  gateparity env create --all                       all five at their pins

  gateparity env create torch jax                   two of them

  gateparity env create onnx                        ONNX Runtime

  gateparity env create jax==0.9.2                  another version, jax@0.9.2

  gateparity env create jax==0.9.2 flax==0.12.0     with a Flax of yours

  gateparity env create mxnet --python 3.13         becomes mxnet@py3.13

  gateparity env create "jax<0.10" --name old       jax@old

  GATEPARITY_ENVS=/big/disk gateparity env create --all
"""
_REPAIR = """
[bold]Examples[/]

  gateparity env repair              all that there are

  gateparity env repair jax@0.9.2
"""
_REMOVE = """
[bold]Examples[/]

  gateparity env remove jax@0.9.2

  gateparity env remove --all
"""
_LIST = """
[bold]Examples[/]

  gateparity env list                     a table

  gateparity env list --json envs.json    the same for programs
"""
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="As `env list` has it.", autocompletion=complete_made),
]


@app.command(epilog=_CREATE)
def create(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FRAMEWORK...",
            help=f"{', '.join(ENVIRONMENTS)}, or a version of one, jax==0.9.2, and requirements "
            "that go with it.",
            autocompletion=complete_environment,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Call it FRAMEWORK@NAME.")
    ] = "",
    python: Annotated[
        str, typer.Option("--python", metavar="VERSION|PATH", help="The Python to make it with.")
    ] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="The five frameworks.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Make a ready one anew.")] = False,
) -> None:
    """Install frameworks with pip, each in an environment of its own.

    At gateparity's pins, or at the version that you name. pip's own configuration holds
    (PIP_INDEX_URL and the rest). One that is ready is left alone.
    """
    if bool(words) == every:
        raise InputError("name frameworks, or say --all: gateparity env create --all")
    console = make_console()
    for request in parse_requests(words or list(FRAMEWORKS), name=name, python=python):
        ready = not force and environment(request).state == "ready"
        with console.status(f"{request.name}: starting") as status:
            create_environment(request, lambda line: status.update(_short(line)), force=force)
        _say(console, environment(request), "is ready" if ready else "installed")


_CLEAN = """
[bold]Examples[/]

  gateparity env clean-cache        compile and draw anew
"""


@app.command(epilog=_REPAIR)
def repair(names: Names = None) -> None:
    """Make environments anew that aren't whole, as they were asked for.

    Each is asked what it holds: packages that are gone or were changed, a Python that was removed,
    pins of an earlier gateparity, a creation that was stopped.
    """
    console = make_console()
    for each in _existing(names):
        with console.status(f"{each}: looking") as status:
            mended = repair_environment(each, lambda line: status.update(_short(line)))
        found = environment(recall_request(each))
        _say(console, found, "made anew" if mended else "is whole")


@app.command(epilog=_REMOVE)
def remove(
    names: Names = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every environment.")] = False,
) -> None:
    """Remove environments from the disk."""
    if bool(names) == every:
        raise InputError("name environments, or say --all: `gateparity env list` has them")
    console = make_console()
    sizes = {one.name: one.size() for one in list_environments()}
    for each in _existing(names):
        remove_environment(each, lambda line: print_line(_short(line), console))
        print_line(f"{each} removed: {sizes[each] / 1e6:.0f} MB", console)


@app.command(name="clean-cache", epilog=_CLEAN)
def clean_cache() -> None:
    """Remove what `check` keeps from run to run: compiled programs, and rounding budgets."""
    print_line(f"removed: {filesize.decimal(default_store().clean())}", make_console())


@app.command(name="list", epilog=_LIST)
def list_command(
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the list as JSON.")
    ] = None,
    report: Report = None,
    *,
    force: Force = False,
) -> None:
    """List every environment: its state, Python, size, versions and folder."""
    files = ReportFiles("environments", json, report, force=force)
    found = [(one, one.size()) for one in list_environments()]
    data = {"schema": 1, "environments": environments_json(found)}
    files.publish(environments_report(found, environments_folder()), data)


def _existing(names: list[str] | None) -> list[str]:
    """Return the named environments, or all that exist. Raise `InputError` for a missing one."""
    there = [one.name for one in list_environments() if one.state != "absent"]
    for name in names or []:
        if name not in there:
            hint = suggest(name, there)
            raise InputError(f"there is no environment {name!r}{hint}: gateparity env list")
    return names or there


def _say(console: Console, found: Environment, words: str) -> None:
    print_line(f"{found.name} {words}: {describe_versions(found)} (Python {found.python})", console)


def _short(line: str) -> str:
    return escape(line.strip()[:100])
