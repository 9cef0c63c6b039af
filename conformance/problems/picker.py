"""Draws from a seed alone, the same on every machine."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Picker:
    """Draws from a seed and a name. NumPy may change how it draws integers, but not `random`."""

    def __init__(self, seed: int, name: str) -> None:
        self._generator = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def __call__(self, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[int(self._generator.random() * len(values))]

    def low(self, values: Sequence[T]) -> T:
        """Return one of the values, the first ones more often."""
        return values[int(self._generator.random() ** 2 * len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return the values in another order."""
        return [values[k] for k in np.argsort(self._generator.random(len(values)), kind="stable")]
