"""Activations that frameworks have used instead of sigmoid and tanh, each with its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.equations import Activation

if TYPE_CHECKING:
    from gateparity.parameters import Array


def _clip(z: Array, bound: float) -> Array:
    return np.minimum(np.maximum(z, -bound), bound)


def _where(condition: Array, z: Array, value: float) -> Array:
    """Return `value` where the condition holds, else 0, in the same kind of array as `z`."""
    return np.where(condition, np.zeros_like(z) + value, np.zeros_like(z))


def _line(slope: float) -> Activation:
    """Return a hard sigmoid: a line of this slope through 1/2, clipped to [0, 1]."""
    return Activation(
        lambda z: np.minimum(np.maximum(z * slope + 0.5, 0), 1),
        lambda z, _: _where(np.abs(z) < 0.5 / slope, z, slope),
    )


def clipped(bound: float) -> Activation:
    """Return the identity, clipped to [-bound, bound]."""
    return Activation(lambda z: _clip(z, bound), lambda z, _: _where(np.abs(z) < bound, z, 1))


def _fraction(z: Array) -> Array:
    z = _clip(z, 3)
    value: Array = z * (27 + z * z) / (27 + 9 * z * z)
    return value


def _fraction_slope(z: Array, value: Array) -> Array:
    u = _clip(z, 3)
    slope = (27 + 3 * u * u - 18 * u * value) / (27 + 9 * u * u)
    return np.where(np.abs(z) < 3, slope, np.zeros_like(z))


HARD_SIGMOID_2: Final = _line(0.2)
HARD_SIGMOID_3: Final = _line(1 / 6)
HARD_TANH: Final = clipped(1)
FRACTION: Final = Activation(_fraction, _fraction_slope)
SOFTSIGN: Final = Activation(
    lambda z: z / (1 + np.abs(z)), lambda z, _: 1 / ((1 + np.abs(z)) * (1 + np.abs(z)))
)
HALF_SOFTSIGN: Final = Activation(
    lambda z: 0.5 + 0.5 * SOFTSIGN.value(z), lambda z, v: 0.5 * SOFTSIGN.slope(z, v)
)
RELU: Final = Activation(lambda z: np.maximum(z, 0), lambda z, _: _where(z > 0, z, 1))
OPEN: Final = Activation(lambda z: np.zeros_like(z) + 1, lambda z, _: np.zeros_like(z))
