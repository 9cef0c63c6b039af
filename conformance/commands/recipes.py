"""`gateparity recipes`: what each framework does where a training script says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape
from rich.table import Table

from gateparity.backends.defaults import SIZE
from gateparity.backends.remote import BackendError, Worker
from gateparity.backends.spec import find_backends, parse_backends
from gateparity.conformance.commands.console import make_console, print_line, print_table
from gateparity.conformance.commands.options import Force, Json, Specs, TimeLimit
from gateparity.conformance.kinds import Kind
from gateparity.conformance.outputs import Outputs
from gateparity.conformance.run import TIME_LIMIT
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from gateparity.backends.spec import Backend

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity recipes                      all frameworks that are found

  gateparity recipes -b torch -b jax      what changes between two

  gateparity recipes --json recipes.json
"""


def recipes(
    backend: Specs = None,
    json: Json = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Put each framework's defaults beside each other: first weights, and constants.

    Read from the framework itself: its signatures, its optimisers, and the weights of a layer that
    it has just made. Lines on which not all agree are marked. Exit code 2: one could not be read.
    """
    outputs = Outputs({"--json": (json, Kind("JSON", "recipes"))}, force=force)
    rows = parse_backends(backend) if backend else find_backends()
    rows = [row for row in rows if row.shipped and row.framework != "numpy"]
    if not rows:
        raise InputError(
            "no framework was found that trains by itself: gateparity env create --all"
        )
    found, problems = {}, {}
    for name, row in {row.name: row for row in rows}.items():
        try:
            found[name] = _read(row, time_limit)
        except BackendError as error:
            problems[name] = str(error)
    console = make_console()
    print_table(console, _table(found))
    for name, reason in problems.items():
        print_line(escape(f"{name}: {printable(reason)}"), console)
    outputs.write_json("--json", {"schema": 1, "defaults": found})
    raise typer.Exit(2 if problems else 0)


def _read(row: Backend, limit: float) -> dict[str, str]:
    if row.python is None:
        raise BackendError(row.missing)
    with Worker(row.python, limit, row.path) as worker:
        found: dict[str, str] = worker.call(
            "apply", f"gateparity.backends.{row.framework}_training:defaults"
        )
    return found


def _table(found: dict[str, dict[str, str]]) -> Table:
    table = Table(title=f"What a framework does by itself; LSTM({SIZE}, {SIZE})")
    table.add_column("default")
    for name in found:
        table.add_column(escape(name))
    for line in dict.fromkeys(key for words in found.values() for key in words):
        said = [words.get(line, "") for words in found.values()]
        mark = "" if len(set(said)) == 1 else " *"
        table.add_row(line + mark, *map(escape, said))
    return table
