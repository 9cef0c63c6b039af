"""`gateparity layout`: how frameworks lay out an LSTM, and the code that converts two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateparity.conformance.commands.completion import complete_layout
from gateparity.conformance.commands.options import Force, Json, Markdown, Report
from gateparity.conformance.reports.console import make_console
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.layout_report import (
    layout_report,
    layouts_page,
    layouts_report,
    pair_report,
)
from gateparity.conformance.reports.layouts import differences, layout_json, losses
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.storage.kinds import Kind
from gateparity.conversion.writer import write_conversion
from gateparity.errors import InputError, suggest
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.packing.layout import Layout, NotRepresentable

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity layout                     every layout, in one table

  gateparity layout torch               one in full, with shapes

  gateparity layout torch keras         two, and the code that converts

  gateparity layout torch onnx --bidirectional --code torch_to_onnx.py

  gateparity layout --markdown layouts.md --json layouts.json
"""
_INPUT, _HIDDEN = 5, 4  # sizes of the small LSTM
_SCHEMA: Final = 1

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME] [NAME]",
        help="A layout, or what is converted and into what.",
        autocompletion=complete_layout,
    ),
]
Layers = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Layers of the example.")]
Bidirectional = Annotated[bool, typer.Option("--bidirectional", help="With the reverse direction.")]
NoBiases = Annotated[bool, typer.Option("--no-biases", help="An LSTM without biases.")]
Code = Annotated[
    Path | None,
    typer.Option("--code", metavar="FILE", help="Write the converting code as a Python module."),
]


def layout_command(
    names: Names = None,
    layers: Layers = 1,
    code: Code = None,
    markdown: Markdown = None,
    report: Report = None,
    json: Json = None,
    *,
    bidirectional: Bidirectional = False,
    no_biases: NoBiases = False,
    force: Force = False,
) -> None:
    """Show how frameworks name, order, transpose and fuse the arrays of an LSTM.

    Given two layouts, it also writes the code that converts the first into the second. The code
    needs NumPy and einops, and nothing of gateparity.
    """
    layouts = [_find(name) for name in names or []]
    if len(layouts) > 2:
        raise InputError(f"found {len(layouts)} layouts, expected at most two")
    if code and len(layouts) != 2:
        raise InputError("--code goes with two layouts: what is converted, and into what")
    if not layouts and (layers > 1 or bidirectional or no_biases):
        raise InputError("--layers, --bidirectional and --no-biases go with one layout or two")
    files = ReportFiles(
        "layout",
        json=json,
        reports=report,
        markdown=markdown,
        others=[("--code", code, Kind("Python", "conversion"))],
        force=force,
    )
    if not layouts:
        _show_all(files)
        return
    config = Config(_INPUT, _HIDDEN, layers, 2 if bidirectional else 1, biases=not no_biases)
    try:
        _show(layouts, config, files)
    except NotRepresentable as refusal:
        raise InputError(str(refusal)) from None


def _show_all(files: ReportFiles) -> None:
    """Print the table of all layouts, and write them in full."""
    every = list(LAYOUTS.values())
    print_report(layouts_report(every), make_console())
    data = {"schema": _SCHEMA, "layouts": [layout_json(layout) for layout in every]}
    files.write(layouts_page(every), data)


def _show(layouts: Sequence[Layout], config: Config, files: ReportFiles) -> None:
    """Print one layout in full, or two with the code that converts, and write the same."""
    shown = [layout_json(layout) | {"arrays": layout.shapes(config)} for layout in layouts]
    data: dict[str, Any] = {"schema": _SCHEMA, "config": vars(config), "layouts": shown}
    if len(layouts) == 1:
        files.publish(layout_report(layouts[0], config), data)
        return
    source, target = layouts
    code = write_conversion(source, target, config)
    data["differences"] = differences(source, target)
    data["lost"] = list(losses(source, target))
    data["code"] = code
    files.write_text("--code", code)
    files.publish(pair_report(source, target, code), data)


def _find(name: str) -> Layout:
    if name not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise InputError(f"no layout {name!r}{suggest(name, LAYOUTS)}, expected one of {known}")
    return LAYOUTS[name]
