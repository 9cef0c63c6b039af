"""The form of a recording's file, which writing and reading agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.storage.tensors import Limits

if TYPE_CHECKING:
    from gateparity.conformance.result import Result

SCHEMA: Final = 1  # another one wherever a check's arrays come to mean something else
LIMITS: Final = Limits(2**32, 2**24)
PARTS: Final = ("arrays", "against")  # of a result: what it holds of a row's answers


def array_name(result: Result, part: str, name: str) -> str:
    """What an array of a result is called in the file."""
    return f"{part}.{result.row.label}.{'.'.join(result.key)}.{name}"
