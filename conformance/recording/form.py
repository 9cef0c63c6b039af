"""The form of a recording's file, shared by writing and reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.storage.tensors import Limits

if TYPE_CHECKING:
    from gateparity.conformance.result import Result

SCHEMA: Final = 1  # another one wherever a check's arrays come to mean something else
LIMITS: Final = Limits(2**32, 2**24)
PARTS: Final = ("arrays", "against")  # of a result: what it holds of a row's answers


def array_name(result: Result, part: str, name: str) -> str:
    """Return the name of one of a result's arrays in the file."""
    return f"{part}.{result.row.label}.{'.'.join(result.key)}.{name}"
