"""What files of weights hold, as the report and the JSON of `gateparity inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gateparity.backends.checkpoints.contents import Contents, FoundLayer
    from gateparity.conformance.reports.blocks import Block, Line, Text

HEAD = (
    *("path", "kind", "input", "hidden", "layers", "directions", "biases", "dtype", "layout"),
    "parameters",
)


def inspect_report(files: Mapping[Path, Contents]) -> Report:
    """Return a section for each file: a table of its layers, and what else there is to say."""
    sections = [Section(printable(str(path)), list(_blocks(one))) for path, one in files.items()]
    return Report("Files of weights", sections)


def inspect_json(files: Mapping[Path, Contents]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "schema": 1,
        "files": [
            {
                "file": str(path),
                "format": contents.format,
                "arrays": len(contents.arrays),
                "layers": [_layer_json(layer) for layer in contents.layers],
                "notes": list(contents.notes),
            }
            for path, contents in files.items()
        ],
    }


def _blocks(contents: Contents) -> Iterator[Block]:
    count = len(contents.arrays)
    yield line(contents.format + (f", {count:,} array{'s' * (count > 1)}" if count else ""))
    yield Table(HEAD, [_row(layer) for layer in contents.layers], numbers=1)
    if not contents.layers:
        yield line("no recurrent layer is found in it")
    for layer in contents.layers:
        yield from _remarks(layer)
    for note in contents.notes:
        yield line(printable(note), item=True)


def _row(layer: FoundLayer) -> list[Text]:
    kind: Text = Cell(layer.kind, "known") if layer.refusal or not layer.layout else layer.kind
    return [
        _path(layer),
        kind,
        *map(str, (layer.input_size, layer.hidden_size, layer.layers, layer.directions)),
        "yes" if layer.biases else "no",
        printable(", ".join(layer.dtypes)),
        layer.layout.name if layer.layout else "",
        f"{layer.parameters:,}",
    ]


def _remarks(layer: FoundLayer) -> Iterator[Line]:
    oddities = "; ".join(layer.oddities)
    for words, text in (("", oddities), ("can't be held: ", layer.refusal), ("", layer.origin)):
        if text:
            yield line(Cell(_path(layer), code=True), f": {words}{printable(text)}", item=True)


def _path(layer: FoundLayer) -> str:
    return printable(layer.path) or "(top level)"


def _layer_json(layer: FoundLayer) -> dict[str, Any]:
    return {
        "path": layer.path,
        "kind": layer.kind,
        "input_size": layer.input_size,
        "hidden_size": layer.hidden_size,
        "layers": layer.layers,
        "directions": layer.directions,
        "biases": layer.biases,
        "dtypes": list(layer.dtypes),
        "layout": layer.layout.name if layer.layout else None,
        "parameters": layer.parameters,
        "oddities": list(layer.oddities),
        "refusal": layer.refusal,
        "origin": layer.origin,
    }
