"""`gateparity diff`: whether two files hold the same network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from gateparity.conformance.commands.options import Force, Json, Markdown, Report, Seed
from gateparity.conformance.networks.difference import diff
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.networks import difference_json, difference_report
from gateparity.errors import InputError

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity diff model.pt model.keras            are they the same network?

  gateparity diff a.h5 b.onnx --map encoder=lstm  layers matched by hand

  gateparity diff a.pt b.pt --run --report d.html  their outputs too

Layers are matched by their paths, else by their sizes and numbers.
`gateparity inspect FILE` lists the paths.
"""

First = Annotated[Path, typer.Argument(metavar="A", help="A file with a network's weights.")]
Second = Annotated[Path, typer.Argument(metavar="B", help="Another one, of any format.")]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="PATH=PATH", help="A layer of A, and which of B it is."),
]
Run = Annotated[
    bool, typer.Option("--run", help="Compare outputs on the same random inputs as well.")
]


def diff_command(
    a: First,
    b: Second,
    map: Maps = None,  # noqa: A002  the option's name
    seed: Seed = 0,
    json: Json = None,
    markdown: Markdown = None,
    report: Report = None,
    *,
    run: Run = False,
    force: Force = False,
) -> None:
    """Say whether two files hold the same network, and how their layers differ.

    Exit code 0: the same, though perhaps packed otherwise; 1: different; 2: trouble.
    """
    files = ReportFiles("difference", json, report, markdown, inputs=[a, b], force=force)
    found = diff(a, b, by_hand=dict(map_paths(one) for one in map or ()), run=run, seed=seed)
    files.publish(difference_report(found), difference_json(found))
    raise typer.Exit(found.exit_code)


def map_paths(text: str) -> tuple[str, str]:
    """Return the two paths of `--map`. Raise `InputError` without an equals sign."""
    one, equals, other = text.partition("=")
    if not equals:
        raise InputError(f"--map is {text!r}, expected PATH=PATH: a layer of A, and which of B")
    return one, other
