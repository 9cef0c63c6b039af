"""Where output goes: colours and the terminal's width on a terminal, whole tables elsewhere."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape

_WIDTH: Final = 160  # of what goes to a file or a pipe, so that nothing is cut


def make_console() -> Console:
    """Standard output. A table that is wider than the terminal is wrapped by it, never cut."""
    console = Console(soft_wrap=True)
    return Console(soft_wrap=True, width=max(_WIDTH, console.width))


def print_error(message: str) -> None:
    """One line on standard error."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[bold red]gateparity:[/] {escape(message)}", highlight=False)
