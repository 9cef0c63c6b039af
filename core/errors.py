"""The one error that a user's input can cause, told apart from a defect of the program."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, in one line: what, found, expected, where. The command exits with code 2."""
