"""Medians and spreads of times that were taken in turns, and the exponent of their growth."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.parameters import Array


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median, and the quartiles: half of all rounds lie from `low` to `high`."""

    median: float
    low: float
    high: float


def spread(values: Array) -> Spread:
    """Of one number for each round. Raises `ValueError` for what no clock can have told."""
    values = np.asarray(values, float)
    if values.ndim != 1 or not values.size or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("times are no positive numbers, one for each round")
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return Spread(float(median), float(low), float(high))


def ratio(times: Array, baseline: Array) -> Spread:
    """Of each round's time to its neighbour's: what slows the machine down slows both."""
    return spread(np.asarray(times, float) / np.asarray(baseline, float))


def exponent(factors: Sequence[float], times: Sequence[float]) -> float:
    """`k` of the time `a * factor ** k` that fits best, by least squares of the logarithms."""
    slope, _ = np.polyfit(np.log(factors), np.log(times), 1)
    return float(slope)
