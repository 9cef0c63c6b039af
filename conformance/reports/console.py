"""Output streams: colours and the terminal's width on a terminal, whole lines elsewhere."""

from __future__ import annotations

import contextlib

from rich.console import Console
from rich.markup import escape

from gateparity.errors import printable


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Print no more where nobody reads on, as in `| head -1`, and go on: rich would exit."""
        with contextlib.suppress(SystemExit):
            super().on_broken_pipe()


def make_console() -> Console:
    """Return a console for standard output that breaks no line by itself."""
    return _Console(soft_wrap=True, emoji=False)  # module:Class: is no emoji


def print_line(line: str, console: Console) -> None:
    """Print one line of rich markup without breaks, so that a command in it can be copied."""
    console.print(line, highlight=False, soft_wrap=True)


def print_note(message: str) -> None:
    """Print one line on standard error for what is worth knowing and stops nothing."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[yellow]gateparity:[/] {escape(printable(message))}", highlight=False)


def print_error(message: str) -> None:
    """Print one line with the program's name to standard error."""
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[bold red]gateparity:[/] {escape(message)}", highlight=False)
