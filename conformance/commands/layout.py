"""`gateparity layout`: how frameworks lay out an LSTM, and the code that converts two."""

from __future__ import annotations

import dataclasses
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

  gateparity layout torch onnx --layers 2 --layer 1 --code layer_1.py

  gateparity layout torch keras:weights         with the names in a .keras

  gateparity layout --markdown layouts.md --json layouts.json
"""
_INPUT, _HIDDEN = 5, 4  # sizes of the small LSTM
_SCHEMA: Final = 1

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME] [NAME]",
        help="A layout, or what is converted and into what. NAME:FILES chooses the names that are "
        "in some of its framework's files.",
        autocompletion=complete_layout,
    ),
]
Layers = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Layers of the example.")]
Layer = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="K",
        help="Layer K of the stack alone, from 0: for a layout that holds one layer.",
    ),
]
Bidirectional = Annotated[bool, typer.Option("--bidirectional", help="With the reverse direction.")]
NoBiases = Annotated[bool, typer.Option("--no-biases", help="An LSTM without biases.")]
Code = Annotated[
    Path | None,
    typer.Option("--code", metavar="FILE", help="Write the converting code as a Python module."),
]


def layout_command(
    names: Names = None,
    layers: Layers = 1,
    layer: Layer = None,
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
    structured = layers > 1 or layer is not None or bidirectional or no_biases
    _check_options(names or [], code, layers, layer, structured=structured)
    config = Config(_INPUT, _HIDDEN, layers, 2 if bidirectional else 1, biases=not no_biases)
    layouts = [_find(name, config) for name in names or []]
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
    try:
        _show(layouts, config, layer, files)
    except NotRepresentable as refusal:
        raise InputError(str(refusal)) from None


def _show_all(files: ReportFiles) -> None:
    """Print the table of all layouts, and write them in full."""
    every = list(LAYOUTS.values())
    print_report(layouts_report(every), make_console())
    data = {"schema": _SCHEMA, "layouts": [layout_json(layout) for layout in every]}
    files.write(layouts_page(every), data)


def _show(named: Sequence[Layout], config: Config, layer: int | None, files: ReportFiles) -> None:
    """Print one layout in full, or two with the code that converts, and write the same."""
    layouts = [LAYOUTS[layout.name] for layout in named]
    shown = [
        layout_json(layout) | {"arrays": _shapes(names, config, layer)}
        for layout, names in zip(layouts, named, strict=True)
    ]
    data: dict[str, Any] = {"schema": _SCHEMA, "config": vars(config), "layouts": shown}
    if len(layouts) == 1:
        files.publish(layout_report(layouts[0], config, named[0]), data)
        return
    source, target = layouts
    code = write_conversion(named[0], named[1], config, layer)
    data["differences"] = differences(source, target)
    data["lost"] = list(losses(source, target))
    data["code"] = code
    files.write_text("--code", code)
    files.publish(pair_report(source, target, code), data)


def _shapes(layout: Layout, config: Config, layer: int | None) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array by name, of one layer alone if there is a number."""
    if layer is None:
        return layout.shapes(config)
    if layout.many_layers:
        return {a.name: a.shape for a in layout.native_arrays(config) if a.layer == layer}
    size = config.layer_input_size(layer)
    return layout.shapes(dataclasses.replace(config, input_size=size, layers=1))


def _check_options(
    names: Sequence[str], code: Path | None, layers: int, layer: int | None, *, structured: bool
) -> None:
    if len(names) > 2:
        raise InputError(f"found {len(names)} layouts, expected at most two")
    if code and len(names) != 2:
        raise InputError("--code goes with two layouts: what is converted, and into what")
    if not names and structured:
        raise InputError("--layers, --bidirectional and --no-biases go with one layout or two")
    if layer is not None and (len(names) != 2 or layer >= layers):
        raise InputError(
            f"--layer {layer} goes with two layouts and with --layers of at least {layer + 1}"
        )


def _find(name: str, config: Config) -> Layout:
    """Return a layout with the names in its framework's files."""
    name, _, key = name.partition(":")
    if name not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise InputError(f"no layout {name!r}{suggest(name, LAYOUTS)}, expected one of {known}")
    try:
        return LAYOUTS[name].named(config, key)
    except ValueError as error:
        raise InputError(str(error)) from None
