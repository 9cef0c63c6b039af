"""How many draws a verdict needs: by the number of elements, and the chance of a false alarm.

A standard deviation that is estimated from few draws may be much too small, and among many elements
some are. Student's t distribution says how often. docs/rounding.md derives the numbers.
"""

from __future__ import annotations

import functools
import math
from typing import Final

ALLOWED: Final = 8.0  # standard deviations: a verdict's limit
FALSE_ALARM: Final = 1e-6  # chance in one comparison; a large run makes 10,000 of them
PRIOR: Final = 8  # draws that the mean of an array counts for


@functools.cache
def count_draws(elements: int) -> int:
    """Return the fewest draws with which `ALLOWED` holds for so many elements."""
    low, high = PRIOR, 2**12
    while low < high:
        middle = (low + high) // 2
        if not _is_enough(elements, middle):
            low = middle + 1
        else:
            high = middle
    return low


@functools.cache
def find_limit(elements: int, draws: int) -> float:
    """Return the limit that a correct result exceeds by chance `FALSE_ALARM` at most.

    Its unit is an estimated standard deviation. Pooling makes the estimate less certain: the mean
    of an array may lower it by a factor of `sqrt(draws / (draws + PRIOR))`.
    """
    return _find_quantile(_chance(elements), draws) * _pull(draws)


def tail(t: float, freedom: int, enough: float = math.inf) -> float:
    """Return the chance that Student's t lies outside of `[-t, t]`.

    It is the incomplete beta function `I_x(freedom / 2, 1 / 2)` at `x = freedom / (freedom + t^2)`,
    by its power series (Abramowitz and Stegun, 26.5.4 and 26.7.1). All terms are positive, so tiny
    chances are as precise as large ones. The sum ends as soon as it exceeds `enough`: near t = 0
    it has millions of terms.
    """
    a, x = freedom / 2, freedom / (freedom + t * t)
    log_beta = math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)
    factor = math.exp(a * math.log(x) - log_beta)
    term, total, k = 1.0, 1 / a, 0
    while term > 1e-17 * total and factor * total <= enough:
        k += 1
        term *= (k - 0.5) / k * x
        total += term / (a + k)
    return factor * total


def _is_enough(elements: int, draws: int) -> bool:
    """Return whether so many draws keep the limit at `ALLOWED`: one tail, and no quantile."""
    chance = _chance(elements)
    return tail(ALLOWED / _pull(draws), draws, enough=chance) <= chance


def _chance(elements: int) -> float:
    return FALSE_ALARM / max(elements, 1)


def _pull(draws: int) -> float:
    return math.sqrt((draws + PRIOR) / draws)


def _find_quantile(chance: float, freedom: int) -> float:
    """Return the t that is exceeded by this chance, to ten digits, by bisection."""
    low, high = 1e-3, 1e6
    while high - low > 1e-10 * high:
        middle = math.sqrt(low * high)
        low, high = (
            (middle, high) if tail(middle, freedom, enough=chance) > chance else (low, middle)
        )
    return high
