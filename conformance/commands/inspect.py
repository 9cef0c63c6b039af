"""`gateparity inspect`: the recurrent layers in files of weights, whatever made them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateparity.backends.checkpoints.asking import worker_asker
from gateparity.backends.checkpoints.origin import with_origin
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.conformance.commands.options import Force, Json, Report
from gateparity.conformance.reports.console import print_error
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.inspect import inspect_json, inspect_report
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.contents import Contents

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity inspect model.pt                 every recurrent layer in a file

  gateparity inspect *.onnx *.safetensors     of several

  gateparity inspect model.h5 --json model.json --report model.html

A path that it prints goes with `gateparity check --weights model.pt --prefix PATH`.
"""

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Files with trained weights, of any framework."),
]


def inspect_command(
    files: Files, json: Json = None, report: Report = None, *, force: Force = False
) -> None:
    """Show every recurrent layer in files of weights: kind, sizes, layout, likely origin.

    What a file is, its content decides, not its name. Nothing in a file is run, and arrays are read
    only where they are small. Exit code 0, or 2 if a file can't be read.
    """
    outputs = ReportFiles("inspection", json, report, inputs=files, force=force)
    found: dict[Path, Contents] = {}
    for path in files:
        try:
            found[path] = _inspect(path)
        except InputError as error:
            print_error(str(error))
    if found:
        outputs.publish(inspect_report(found), inspect_json(found))
    if len(found) < len(set(files)):
        raise typer.Exit(2)


def _inspect(path: Path) -> Contents:
    """Return what a file holds, with the origin of each layer."""
    with open_contents(path, worker_asker()) as contents:
        try:
            layers = tuple(map(with_origin, contents.layers))
        except ValueError as error:
            raise InputError(printable(f"{path}: {error}")) from error
        return dataclasses.replace(contents, layers=layers)
