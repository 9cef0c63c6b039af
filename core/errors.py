"""The one error that a user's input can cause, as distinct from a defect of the program."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class InputError(ValueError):
    """Bad input, in one line: what, found, expected, where. The command exits with code 2."""


def printable(text: str) -> str:
    """Return the text with line breaks and control codes escaped.

    A text of a file or a backend may hold codes that change the terminal.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)` for the closest known name, or an empty text."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


class Unsupported(Exception):
    """Raised by an adapter for what its framework can't do; the message is one sentence."""


class Impure(AssertionError):
    """A call wrote to its arguments, or depends on more than them; the message says which."""
