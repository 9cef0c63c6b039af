"""Output streams: colours and the terminal's width on a terminal, whole tables elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape

from gateparity.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST: Final = 10_000  # characters that a table may want


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Print no more where nobody reads on, as in `| head -1`, and go on: rich would exit."""
        with contextlib.suppress(SystemExit):
            super().on_broken_pipe()


def make_console() -> Console:
    """Return a console for standard output that never cuts a line; the terminal wraps it."""
    return _Console(soft_wrap=True, emoji=False)  # module:Class: is no emoji


def print_table(console: Console, table: Table) -> None:
    """Print a table at its full width, whatever the console's width is."""
    wide = console.options.update(width=_WIDEST)
    table.width = console.measure(table, options=wide).maximum
    console.print(table, soft_wrap=True)


def print_line(line: str, console: Console) -> None:
    """Print one line without breaks, so that a command in it can be copied."""
    console.print(line, highlight=False, soft_wrap=True)


def print_note(message: str) -> None:
    """Print one line on standard error for what is worth knowing and stops nothing."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[yellow]gateparity:[/] {escape(printable(message))}", highlight=False)


def print_error(message: str) -> None:
    """Print one line with the program's name to standard error."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[bold red]gateparity:[/] {escape(message)}", highlight=False)
