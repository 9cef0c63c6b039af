"""A report on a terminal. No table is wider than the terminal, and piped output stays whole.

A table that is too wide first wraps its columns of sentences. If that isn't enough, it is cut into
groups of columns, and each group repeats the columns that name a row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from rich import box
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text as Words

from gateparity.conformance.reports.blocks import (
    Cell,
    Code,
    Figure,
    Line,
    Section,
    Table,
    plain,
    shown,
)
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from gateparity.conformance.reports.blocks import Block, Report, Text

_STYLES: Final = {
    "": "",
    "pass": "green",
    "known": "yellow",
    "undecided": "magenta",
    "fail": "bold red",
    "skip": "dim",
    "error": "bold yellow",
}
_VERDICTS: Final = ("bold green", "bold red", "bold yellow")  # by exit code
_GAP: Final = 2  # spaces between two columns
_NARROWEST: Final = 24  # characters of a column that wraps
_WHOLE: Final = 10_000  # characters that a table may want where no terminal cuts it


def print_report(report: Report, console: Console) -> None:
    """Print a report, its verdict and what matters most both first and last."""
    blocks = shown(report.blocks)
    _print_lead(report, console)
    for block in blocks:
        _print_block(block, console)
    if blocks and report.verdict:
        console.print()
        for part in report.lead:
            _print_block(part, console)
        _print_verdict(report, console)


def _print_lead(report: Report, console: Console) -> None:
    if report.verdict:
        _print_verdict(report, console)
    for part in report.lead:
        _print_block(part, console)


def _print_verdict(report: Report, console: Console) -> None:
    words = Words(printable(report.verdict), _VERDICTS[report.exit_code])
    if report.counts:
        words.append(f": {printable(report.counts)}", "not bold default")
    _print_words(words, console)


def _print_block(block: Block, console: Console) -> None:
    if isinstance(block, Section):
        console.print()
        _print_words(Words(printable(block.title), "bold"), console)
        for inner in block.blocks:
            _print_block(inner, console)
    elif isinstance(block, Table):
        _print_table(block, console)
    elif isinstance(block, Line):
        words = Words("- " if block.item else "")
        for part in block.parts:
            words.append_text(_words(part))
        _print_words(words, console)
    elif isinstance(block, Code):
        prompt = "  $ " if block.language == "console" else ""
        for text in block.text.splitlines():
            console.print(Words(prompt + printable(text)), soft_wrap=True)
    elif isinstance(block, Figure) and block.words:
        _print_table(block.words, console)


def _print_words(words: Words, console: Console) -> None:
    """Print a sentence; a terminal gets it wrapped between words, and a pipe gets one line."""
    for text in _break(words, console.width) if console.is_terminal else [words]:
        text.rstrip()
        console.print(text, soft_wrap=True)


def _break(words: Words, width: int) -> Iterable[Words]:
    """Break a text between words; one that is longer than a line, an address, stays whole."""
    breaks, start = [], 0
    for word in re.finditer(r"\S+", words.plain):
        if word.end() - start > width and word.start() > start:
            start = word.start()
            breaks.append(start)
    return words.divide(breaks)


def _words(part: Text) -> Words:
    if isinstance(part, str):
        return Words(printable(part))
    return Words(printable(part.text), _STYLES[part.tone])


def _print_table(table: Table, console: Console) -> None:
    if table.title:
        _print_words(Words(printable(table.title), "italic"), console)
    room = console.width if console.is_terminal else _WHOLE
    for columns, widths in _fit(table, room):
        _print_columns(table, columns, widths, console)


def _print_columns(
    table: Table, columns: Sequence[int], widths: Sequence[int], console: Console
) -> None:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for k, width in zip(columns, widths, strict=True):
        side: Literal["left", "right"] = "right" if _is_number(table, k) else "left"
        grid.add_column(Words(printable(table.head[k])), justify=side, width=width, overflow="fold")
    for row in table.rows:
        grid.add_row(*(_cell(row[k]) for k in columns))
    wide = console.options.update(width=_WHOLE)
    grid.width = console.measure(grid, options=wide).maximum
    console.print(grid, soft_wrap=True)


def _cell(part: Text) -> Words:
    """Return a cell's words; line breaks inside it stay."""
    lines = plain(part).split("\n")
    style = _STYLES[part.tone] if isinstance(part, Cell) else ""
    return Words("\n").join(Words(printable(line), style) for line in lines)


def _fit(table: Table, room: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield groups of columns with their widths, each at most `room` wide in all."""
    widths = _wrap([_width(table, k) for k in range(len(table.head))], room, table.numbers)
    if _total(widths) <= room:
        yield list(range(len(widths))), widths
        return
    keys = list(range(table.keys))
    for k in keys:
        widths[k] = min(widths[k], room // 2 // table.keys)
    space = room - _total([widths[k] for k in keys]) - _GAP
    group: list[int] = []
    for k in range(table.keys, len(widths)):
        widths[k] = min(widths[k], space)
        if _total([widths[j] for j in (*group, k)]) > space:
            yield [*keys, *group], [widths[j] for j in (*keys, *group)]
            group = []
        group.append(k)
    yield [*keys, *group], [widths[j] for j in (*keys, *group)]


def _wrap(widths: list[int], room: int, numbers: int) -> list[int]:
    """Make the widest columns of text narrower, until all fit or none is left that can wrap."""
    texts = range(len(widths) - numbers)
    while _total(widths) > room:
        widest = max(texts, key=widths.__getitem__, default=-1)
        if widest < 0 or widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(0, len(widths) - 1)


def _width(table: Table, k: int) -> int:
    cells = [table.head[k], *(row[k] for row in table.rows)]
    return max(cell_len(printable(part)) for cell in cells for part in plain(cell).split("\n"))


def _is_number(table: Table, k: int) -> bool:
    return k >= len(table.head) - table.numbers
