"""Medians and quartiles of times that were taken in turns, and the exponent of their growth."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.network.parameters import Array


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median with its quartiles: half of all rounds lie from `low` to `high`."""

    median: float
    low: float
    high: float


def spread(values: Array) -> Spread:
    """Return the median and quartiles of one number per round.

    Raise `ValueError` for an empty array and for numbers that aren't positive and finite.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not values.size or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("times are no positive numbers, one for each round")
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return Spread(float(median), float(low), float(high))


def ratio(times: Array, baseline: Array) -> Spread:
    """Return the spread of each round's ratio of two times.

    Neighbours in time are divided, since load on the machine slows both.
    """
    return spread(np.asarray(times, float) / np.asarray(baseline, float))


def exponent(factors: Sequence[float], times: Sequence[float]) -> float:
    """Return the `k` of the best `a * factor ** k`, by least squares of logarithms."""
    slope, _ = np.polyfit(np.log(factors), np.log(times), 1)
    return float(slope)
