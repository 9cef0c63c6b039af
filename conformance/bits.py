"""Named arrays compared bit for bit, so that 0 and -0 differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.parameters import Array


def other_bits(one: Mapping[str, Array], other: Mapping[str, Array]) -> tuple[str, ...]:
    """Return the names of arrays that only one mapping has, or that differ in a bit."""
    names = [*one, *(name for name in other if name not in one)]
    return tuple(name for name in names if _bits(one.get(name)) != _bits(other.get(name)))


def _bits(array: Array | None) -> object:
    return None if array is None else (array.dtype.str, array.shape, array.tobytes())
