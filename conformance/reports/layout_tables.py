"""Layouts as terminal tables: all in one, one in full, or two with the code that converts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from gateparity.conformance.reports.console import print_line, print_table
from gateparity.conformance.reports.layouts import (
    DIFFERENT,
    array_words,
    bias_words,
    checked_words,
    differences,
    examples,
    facts,
    limit_words,
    losses,
    offset_words,
    order_words,
    origin_of,
    size_words,
)
from gateparity.conversion.lines import describe_structure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from gateparity.network.config import Config
    from gateparity.packing.layout import Layout


def print_layouts(layouts: Iterable[Layout], console: Console) -> None:
    """Print a table with a row for each layout."""
    table = Table(show_lines=True)
    headings = ("layout", "gate order", "arrays", "biases", "forget\noffset", "states", "holds")
    for heading in (*headings, "checked against"):
        table.add_column(heading, no_wrap=True)
    for layout in layouts:
        arrays = "\n".join(array_words(layout, tensor) for tensor in layout.tensors)
        if layout.vector:
            arrays = f"{layout.vector}: one vector of\n{arrays}"
        title = escape(origin_of(layout).title)
        table.add_row(
            f"[bold]{escape(layout.name)}[/]",
            order_words(layout).replace(", int", "\nint"),
            f"[bold]{title}[/]\n{escape(arrays)}",
            bias_words(layout).replace(", ", "\n"),
            offset_words(layout),
            origin_of(layout).states,
            size_words(layout).replace(", ", "\n"),
            _checked(layout),
        )
    print_table(console, table)
    print_line("gateparity layout NAME: one in full; NAME NAME: what converts them", console)


def print_layout(layout: Layout, config: Config, console: Console) -> None:
    """Print one layout's facts, its limits, and every array of a small LSTM."""
    origin = origin_of(layout)
    print_line(f"[bold]{escape(layout.name)}[/]  {escape(origin.source)}", console)
    table = Table(show_header=False)
    for fact, words in facts(layout).items():
        table.add_row(fact, _checked(layout) if fact == "checked against" else escape(words))
    print_table(console, table)
    if origin.unverified:
        print_line(f"Unverified: {escape(origin.unverified)}", console)
    for limit in limit_words(layout):
        print_line(f"Not held: {escape(limit)}", console)
    sizes = f"input {config.input_size}, hidden {config.hidden_size}"
    where = f", end to end in {layout.vector}" if layout.vector else ""
    title = f"{describe_structure(config)}, {sizes}{where}"
    table = Table("array", "holds", "pattern", "shape", title=escape(title))
    for array in examples(layout, config):
        table.add_row(escape(array.name), escape(array.holds), array.pattern, str(array.shape))
    print_table(console, table)


def print_pair(source: Layout, target: Layout, code: str, console: Console) -> None:
    """Print two layouts, their differences, what a conversion loses, and the code."""
    different = differences(source, target)
    table = Table("", escape(source.name), escape(target.name), "")
    ours, theirs = facts(source), facts(target)
    for fact in ours:
        mark = DIFFERENT if fact in different else ""
        style = "bold yellow" if mark else ""
        table.add_row(fact, escape(ours[fact]), escape(theirs[fact]), mark, style=style)
    print_table(console, table)
    for loss in losses(source, target):
        print_line(f"- {escape(loss)}", console)
    print_line(escape(f"\n{code}"), console)


def _checked(layout: Layout) -> str:
    words = escape(checked_words(layout))
    version, _, state = words.rpartition(", ")
    return f"{version}\n[{'green' if state == 'verified' else 'yellow'}]{state}[/]"
