"""Usage errors in one line that ends with the help command to read next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import TyperException


def usage_line(error: TyperException) -> str:
    """Return what is wrong with the command line, and what to type; empty after help."""
    words = error.format_message().strip().rstrip(".")
    if not words:
        return ""
    if hasattr(error, "possibilities"):
        near = f" (did you mean {error.possibilities[0]}?)" if error.possibilities else ""
        words = f"no such option {getattr(error, 'option_name', '')}{near}"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else " ".join(["gateparity", *sys.argv[1:2]])
    return f"{words[0].lower()}{words[1:]}: see `{path} --help`"
