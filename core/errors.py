"""The one error that a user's input can cause, told apart from a defect of the program."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class InputError(ValueError):
    """Bad input, in one line: what, found, expected, where. The command exits with code 2."""


def printable(text: str) -> str:
    """What a file or a backend says may hold line breaks and the codes that colour a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def suggest(name: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` for the known name that is closest, or nothing."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
