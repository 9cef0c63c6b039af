"""Layouts as reports: all of them, one in full, or two with the code that converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.blocks import Cell, Code, Figure, Report, Section, Table, line
from gateparity.conformance.reports.html.layout import draw_layout
from gateparity.conformance.reports.layouts import (
    ARRAYS,
    HOLDS,
    bias_words,
    differences,
    examples,
    facts,
    losses,
    name_words,
    offset_words,
    order_words,
    origin_of,
    patterns,
)
from gateparity.conversion.lines import describe_structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.reports.blocks import Block, Line, Text
    from gateparity.network.config import Config
    from gateparity.packing.layout import Layout

_PICTURED: Final = "One layer, one direction, input 3, hidden 2."
_COMMANDS: Final = {
    "To list all layouts:": "gateparity layout",
    "To see one layout in full, with the shapes of a small LSTM:": "gateparity layout torch",
    "To see two layouts side by side, and the code that converts the first into the second:": (
        "gateparity layout torch keras"
    ),
    "To write that code as a Python module:": (
        "gateparity layout torch onnx --bidirectional --code torch_to_onnx.py"
    ),
}
_PATTERN: Final = {
    "gate": "the four gates, in the layout's order",
    "input": "the inputs",
    "hidden": "the hidden units",
    "unit": "the hidden units of the step before",
    "feature": "the inputs, and then the hidden units of the step before",
    "side": "the input's bias, and then the recurrent bias",
    "(gate hidden) input": "4 * hidden rows, one gate after the other",
    "input (gate hidden)": "the transpose of that array",
    "input (gate hidden), each gate as hidden input": (
        "the numbers of each gate, row by row, are those of an array with the axes hidden, input"
    ),
    "(hidden gate) input": "4 * hidden rows, the four gates of one unit side by side",
}
_NAMES: Final = {
    "{layer}": "the number of the layer, from 0",
    "{_layer}": "the same after an underscore, and nothing for the first layer",
    "{direction}": "forward or reverse, in the layout's spelling",
    "{cell}": "the number of the layer and direction, counted together",
    "{i,f,g,o}": "one array for each gate, in the layout's spelling of i, f, g and o",
}
_COLUMNS: Final = {
    "biases": (
        "1 or 2 for each gate. The word always means that an LSTM without biases has arrays of "
        "zeros."
    ),
    "forget offset": (
        "The number that the framework adds to the forget gate's pre-activation at run time. "
        "gateparity subtracts it from the bias."
    ),
    "checked": (
        "The word verified means that a test of gateparity runs the layout in the framework itself "
        "and judges the result by its rounding. All other layouts give the reason."
    ),
}


def layouts_report(layouts: Sequence[Layout]) -> Report:
    """Return the table of all layouts, short enough for a terminal."""
    return Report(
        "Layouts",
        [
            _overview(layouts),
            line("gateparity layout NAME shows one in full; NAME NAME shows what converts them."),
        ],
    )


def layouts_page(layouts: Sequence[Layout]) -> Report:
    """Return the page of all layouts, docs/layouts.md: its terms, the table, and each in full."""
    each = [
        Section(
            layout.name,
            [*_properties(layout), *_arrays(layout), Figure("layout", draw_layout(layout))],
            layout.name,
            folded=True,
        )
        for layout in layouts
    ]
    return Report(
        "Layouts",
        [
            *_introduction(),
            Section("All layouts", [_overview(layouts)], "all"),
            Section("Each layout", each, "each"),
        ],
    )


def layout_report(layout: Layout, config: Config, named: Layout | None = None) -> Report:
    """Return one layout in full, with every array of an LSTM of this config.

    `named` is the same layout with the names of files, for those arrays. Raise `NotRepresentable`
    if the layout can't hold such an LSTM.
    """
    rows: list[list[Text]] = [
        [Cell(array.name, code=True), array.holds, Cell(str(array.shape), code=True)]
        for array in examples(named or layout, config)
    ]
    sizes = f"input {config.input_size}, hidden {config.hidden_size}"
    where = f", end to end in {layout.vector}" if layout.vector else ""
    title = f"{describe_structure(config).capitalize()}, {sizes}{where}"
    picture = Figure("layout", draw_layout(layout))
    return Report(
        f"Layout {layout.name}",
        [
            *_properties(layout),
            Section("Arrays", list(_arrays(layout))),
            Section(title, [Table(("array", "holds", "shape"), rows)]),
            Section("Where each gate lies", [line(_PICTURED), picture], extra=True),
        ],
    )


def pair_report(source: Layout, target: Layout, code: str) -> Report:
    """Return two layouts side by side, what a conversion loses, and the code that converts."""
    changed = differences(source, target)
    ours, theirs = patterns(source), patterns(target)
    rows: list[list[Text]] = [
        [fact, ours[fact], theirs[fact], Cell("differs", "known") if fact in changed else ""]
        for fact in ours
    ]
    found = f"differ in: {', '.join(changed)}" if changed else "are equal"
    return Report(
        f"{target.name} from {source.name}",
        [
            *(line(loss, item=True) for loss in losses(source, target)),
            Section("Side by side", [Table(("", source.name, target.name, ""), rows)]),
            Section(f"Code that converts {source.name} into {target.name}", [Code(code, "python")]),
        ],
        lead=[line(f"Names aside, {source.name} and {target.name} {found}.")],
    )


def _introduction() -> Iterator[Block]:
    yield line(
        "This page shows how frameworks and formats name, order, transpose and fuse the arrays of "
        "an LSTM. The command ",
        Cell("gateparity layout --markdown docs/layouts.md", code=True),
        " writes it from the data that gateparity itself packs by.",
    )
    for words, command in _COMMANDS.items():
        yield line(words)
        yield Code(command)
    yield line(
        "The gates are i (input), f (forget), g (cell candidate) and o (output). "
        "A pattern describes the axes of an array, as in einops: https://einops.rocks"
    )
    yield _terms("in a pattern", _PATTERN)
    yield _terms("in a name", _NAMES)
    yield Table(("column", "meaning"), list(_COLUMNS.items()))


def _terms(head: str, terms: dict[str, str]) -> Table:
    return Table(
        (head, "meaning"), [[Cell(term, code=True), words] for term, words in terms.items()]
    )


def _overview(layouts: Sequence[Layout]) -> Table:
    rows: list[list[Text]] = [
        [
            Cell(layout.name, link=layout.name),
            order_words(layout),
            bias_words(layout),
            offset_words(layout),
            Cell("unverified", "known") if origin_of(layout).unverified else "verified",
        ]
        for layout in layouts
    ]
    return Table(("layout", "gate order", "biases", "forget offset", "checked"), rows)


def _properties(layout: Layout) -> Iterator[Block]:
    origin = origin_of(layout)
    found = [[name, words] for name, words in facts(layout).items() if name not in ARRAYS]
    yield Table(("property", "value"), found)
    if origin.unverified:
        yield line(f"Unverified: {origin.unverified}.")
    if origin.source:
        yield line("Documentation: ", origin.source)


def _arrays(layout: Layout) -> Iterator[Block]:
    """Yield a layout's arrays by name, and sentences on what is worth knowing beside them."""
    rows: list[list[Text]] = [
        [Cell(name_words(layout, t), code=True), HOLDS[t.contents], Cell(t.words, code=True)]
        for t in layout.tensors
    ]
    yield Table(("array", "holds", "pattern"), rows)
    yield from _notes(layout)
    for files in layout.files:
        names = zip(files.one, files.both, strict=True)
        called = Cell(f"{layout.name}:{files.key}", code=True)
        yield line(called, ": names in ", files.where, ".")
        yield Table(
            ("in one direction", "in both directions"),
            [[Cell(one, code=True), Cell(both, code=True)] for one, both in names],
        )


def _notes(layout: Layout) -> Iterator[Line]:
    """Yield sentences about a layout's vector, its names, and what it can't hold."""
    if layout.vector:
        vector = Cell(layout.vector, code=True)
        yield line(
            *("All arrays lie in one vector, ", vector, ": the kernels of all cells, layer by "),
            "layer and forward before reverse, and then the biases.",
        )
    if any("{direction}" in tensor.name for tensor in layout.tensors):
        forward, reverse = (
            Cell(words, code=True) if words else "nothing" for words in layout.directions
        )
        name = Cell("{direction}", code=True)
        yield line(name, " is ", forward, " for forward and ", reverse, " for reverse.")
    for part, reason in layout.refused:
        yield line("Not converted: ", Cell(part, code=True), f": {reason}.")
    for limit in origin_of(layout).limits:
        yield line(f"Not converted: {limit}.")
