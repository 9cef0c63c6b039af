"""Named arrays compared bit for bit, so that 0 and -0 differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.parameters import Array


def other_bits(one: Mapping[str, Array], other: Mapping[str, Array]) -> tuple[str, ...]:
    """Return the names of arrays that only one mapping has, or that differ in a bit."""
    names = [*one, *(name for name in other if name not in one)]
    return tuple(name for name in names if _bits(one.get(name)) != _bits(other.get(name)))


def _bits(array: Array | None) -> object:
    return None if array is None else (array.dtype.str, array.shape, array.tobytes())


def difference(found: Array, truth: Array) -> Array:
    """Return found minus truth.

    It is 0 where both are the same infinity or NaN, and NaN where only one of them is.
    """
    wide = np.result_type(found, truth)
    found, truth = found.astype(wide, copy=False), truth.astype(wide, copy=False)
    # Infinity and NaN can be right results. They equal only themselves, and inf - inf would be NaN.
    same = (found == truth) | (np.isnan(found) & np.isnan(truth))
    finite = np.isfinite(found) & np.isfinite(truth)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.where(finite, found - truth, np.nan)
        return np.where(same, 0, error).astype(np.float64)


def in_sigmas(error: Array, sigma: Array) -> Array:
    """Return |error| in standard deviations.

    It is 0 for an exact result, and infinite for any other where sigma is 0 or the error is NaN.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # A sigma of 0 means that rounding has no effect here. Then 0 / 0 must be 0, and anything
        # else infinite.
        ratio = np.where(error == 0, 0, np.abs(error) / sigma)
    return np.where(np.isnan(error), np.inf, ratio)
