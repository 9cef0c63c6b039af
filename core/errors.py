"""The errors: of a user's input, of an adapter, and of a choice that no branch handles."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable


class InputError(ValueError):
    """Bad input, in one line: what, found, expected, where. The command exits with code 2."""


def printable(text: str) -> str:
    """Return the text with line breaks and control codes escaped.

    A text of a file or a backend may hold codes that change the terminal.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def explain_import(error: ImportError) -> InputError:
    """Return the error for input that needs a package which can't be imported: which, and why."""
    module = (error.name or "").partition(".")[0]
    package = {"google": "protobuf"}.get(module, module)
    advice = f": pip install {package}" if package else ""
    words = printable(str(error))[:200]
    return InputError(f"needs {package or 'a package'}, which can't be imported ({words}){advice}")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)` for the closest known name, or an empty text."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def refuse_unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `InputError` for the first of the names that isn't known."""
    known = list(known)
    for name in names:
        if name not in known:
            hint = suggest(name, known)
            raise InputError(f"unknown {kind} {name!r}{hint}: expected one of {', '.join(known)}")


class Unsupported(Exception):
    """Raised by an adapter for what its framework can't do; the message is one sentence."""


class Impure(AssertionError):
    """A call wrote to its arguments, or depends on more than them; the message says which."""


def assert_never(choice: NoReturn) -> NoReturn:
    """Raise `AssertionError` at the end of branches that handle every value of a `Literal`.

    If one is added to the `Literal`, mypy reports each call that it would reach. `typing` has this
    function from Python 3.11 on; workers run on 3.9 too, which lacks it, and `match`.
    """
    raise AssertionError(f"{choice!r} is a choice that no branch handles")
