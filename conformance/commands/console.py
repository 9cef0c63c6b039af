"""Where output goes: colours and the terminal's width on a terminal, whole tables elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape

from gateparity.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST: Final = 10_000  # characters that a table may want


def make_console() -> Console:
    """Standard output. A line that is wider than the terminal is wrapped by it, never cut."""
    return Console(soft_wrap=True, emoji=False)  # module:Class: is no emoji


def print_table(console: Console, table: Table) -> None:
    """A table as wide as it wants to be, whatever the console's width."""
    wide = console.options.update(width=_WIDEST)
    table.width = console.measure(table, options=wide).maximum
    console.print(table, soft_wrap=True)


def print_line(line: str, console: Console) -> None:
    """One line, so that a command in it can be copied; what is too narrow for it wraps it."""
    console.print(line, highlight=False, soft_wrap=True)


def print_note(message: str) -> None:
    """Print one line on standard error for what is worth knowing and stops nothing."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[yellow]gateparity:[/] {escape(printable(message))}", highlight=False)


def print_error(message: str) -> None:
    """One line on standard error."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[bold red]gateparity:[/] {escape(message)}", highlight=False)
