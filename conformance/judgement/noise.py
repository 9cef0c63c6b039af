"""The noise of roundings: random numbers that depend on nothing but a value and a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

# Constants of splitmix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators,
# OOPSLA 2014.
_30, _27, _12 = (np.uint64(k) for k in (30, 27, 12))
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TWO: Final = np.float64(2).view(np.uint64)


def make_noise(exact: Array, seeds: Array) -> Array:
    """Return a number for each value and seed, uniform in [-1, 1), by splitmix64's finaliser."""
    # The bits of the number itself are hashed, so equal numbers in one draw get equal noise, and
    # the same number in another draw gets other noise.
    bits = np.ascontiguousarray(exact).view(np.uint64) + seeds
    bits ^= bits >> _30
    bits *= _MIX[0]
    bits ^= bits >> _27
    bits *= _MIX[1]
    bits >>= _12  # the mantissa of a number in [2, 4)
    bits |= _TWO
    noise = bits.view(np.float64)
    noise -= 3
    return noise
