"""`gateparity layout`: how frameworks lay out an LSTM, and the code that converts two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateparity.conformance.commands.completion import complete_layout
from gateparity.conformance.commands.options import Force
from gateparity.conformance.reports.console import make_console
from gateparity.conformance.reports.layout_pages import layout_page, layouts_page, pair_page
from gateparity.conformance.reports.layout_tables import print_layout, print_layouts, print_pair
from gateparity.conformance.reports.layouts import differences, layout_json, losses
from gateparity.conformance.storage.kinds import Kind
from gateparity.conformance.storage.outputs import Outputs
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
Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write what is shown as Markdown."),
]
Data = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write what is shown as JSON.")
]


def layout_command(
    names: Names = None,
    layers: Layers = 1,
    code: Code = None,
    markdown: Markdown = None,
    json: Data = None,
    *,
    bidirectional: Bidirectional = False,
    no_biases: NoBiases = False,
    force: Force = False,
) -> None:
    """Say how frameworks name, order, transpose and fuse the arrays of an LSTM.

    Of two layouts, in that order, it writes the code that converts the first into the second. The
    code needs NumPy and einops, and nothing of gateparity.
    """
    layouts = [_find(name) for name in names or []]
    if len(layouts) > 2:
        raise InputError(f"found {len(layouts)} layouts, expected at most two")
    if code and len(layouts) != 2:
        raise InputError("--code goes with two layouts: what is converted, and into what")
    if not layouts and (layers > 1 or bidirectional or no_biases):
        raise InputError("--layers, --bidirectional and --no-biases go with one layout or two")
    files = {
        "--code": (code, Kind("Python", "conversion")),
        "--markdown": (markdown, Kind("Markdown", "layout")),
        "--json": (json, Kind("JSON", "layout")),
    }
    outputs = Outputs(files, force=force)
    config = Config(_INPUT, _HIDDEN, layers, 2 if bidirectional else 1, biases=not no_biases)
    try:
        module, page, data = _show(layouts, config)
    except NotRepresentable as refusal:
        raise InputError(str(refusal)) from None
    outputs.write_text("--code", module)
    outputs.write_text("--markdown", page)
    outputs.write_json("--json", data)


def _show(layouts: Sequence[Layout], config: Config) -> tuple[str, str, dict[str, Any]]:
    """Print layouts for a person; return the same as code, as Markdown and as JSON data."""
    console = make_console()
    if not layouts:
        print_layouts(LAYOUTS.values(), console)
        every = [layout_json(layout) for layout in LAYOUTS.values()]
        return "", layouts_page(list(LAYOUTS.values())), {"schema": _SCHEMA, "layouts": every}
    shown = [layout_json(layout) | {"arrays": layout.shapes(config)} for layout in layouts]
    data: dict[str, Any] = {"schema": _SCHEMA, "config": vars(config), "layouts": shown}
    if len(layouts) == 1:
        print_layout(layouts[0], config, console)
        return "", layout_page(layouts[0], config), data
    source, target = layouts
    code = write_conversion(source, target, config)
    print_pair(source, target, code, console)
    data["differences"] = differences(source, target)
    data["lost"] = list(losses(source, target))
    data["code"] = code
    return code, pair_page(source, target, code), data


def _find(name: str) -> Layout:
    if name not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise InputError(f"no layout {name!r}{suggest(name, LAYOUTS)}, expected one of {known}")
    return LAYOUTS[name]
