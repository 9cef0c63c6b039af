"""Mistakes in the equations of a cell: offsets, activations, gates that are tied or left out.

All are consistent: backpropagation uses the derivative of what was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.equations import (
    IDENTITY,
    SIGMOID,
    TANH,
    Activation,
    change_equations,
    with_equations,
)
from gateparity.conformance.mistakes.mistake import COMPUTES, LARGE, alike

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply
    from gateparity.network.parameters import Array


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


def _offset(gate: str, before: float = 0, after: float = 0) -> Apply:
    return change_equations(lambda equations: equations.add(gate, before, after))


def _gates(activation: Activation) -> Apply:
    return with_equations(i=activation, f=activation, o=activation)


_ANY: Final = "every number: all checks that compute"

_OFFSETS: Rows = {
    "1 added to the forget gate before the sigmoid": (
        "1 was added to the forget gate's pre-activation, biases or not",
        _offset("f", before=1),
    ),
    "1 taken from the forget gate before the sigmoid": (
        "an offset of 1 was taken out of the forget gate that had never been added",
        _offset("f", before=-1),
    ),
    "1 added to the forget gate after the sigmoid": (
        "1 was added to the forget gate itself",
        _offset("f", after=1),
    ),
    "1 added to the input gate before the sigmoid": (
        "the forget gate's offset of 1 was added to the input gate",
        _offset("i", before=1),
    ),
}

_ACTIVATIONS: Rows = {
    "hard sigmoid of Keras 2": (
        "the gates were clip(0.2 z + 0.5, 0, 1), Keras 2's hard sigmoid",
        _gates(HARD_SIGMOID_2),
    ),
    "hard sigmoid of Keras 3": (
        "the gates were clip(z / 6 + 0.5, 0, 1), Keras 3's hard sigmoid",
        _gates(HARD_SIGMOID_3),
    ),
    "fast sigmoid": ("the gates were 0.5 + 0.5 z / (1 + |z|)", _gates(HALF_SOFTSIGN)),
    "sigmoid and tanh exchanged": (
        "the gates took tanh and the candidate the sigmoid",
        with_equations(i=TANH, f=TANH, g=SIGMOID, o=TANH),
    ),
    "candidate by sigmoid": ("the candidate took the sigmoid", with_equations(g=SIGMOID)),
    "candidate by relu": ("the candidate took relu", with_equations(g=RELU)),
    "candidate by softsign": ("the candidate took softsign", with_equations(g=SOFTSIGN)),
    "candidate by hard tanh": ("the candidate took clip(z, -1, 1)", with_equations(g=HARD_TANH)),
    "candidate as it is": ("the candidate took no activation", with_equations(g=IDENTITY)),
    "output by sigmoid": ("h was o sigmoid(c)", with_equations(out=SIGMOID)),
    "output by relu": ("h was o relu(c)", with_equations(out=RELU)),
    "output by softsign": ("h was o softsign(c)", with_equations(out=SOFTSIGN)),
    "output by hard tanh": ("h was o clip(c, -1, 1)", with_equations(out=HARD_TANH)),
    "no output activation": ("h was o c", with_equations(out=IDENTITY)),
    "tanh by a fraction": (
        "both tanh were z (27 + z^2) / (27 + 9 z^2), clipped at 3",
        with_equations(g=FRACTION, out=FRACTION),
    ),
}

_TIED: Rows = {
    "f = 1 - i": (
        "the forget gate was 1 - i",
        with_equations(couple=lambda I, _: (I, 1 - I), uncouple=lambda dI, dF: (dI - dF, 0 * dF)),
    ),
    "i = 1 - f": (
        "the input gate was 1 - f",
        with_equations(couple=lambda _, F: (1 - F, F), uncouple=lambda dI, dF: (0 * dI, dF - dI)),
    ),
    "no input gate": ("the input gate stood open", with_equations(i=OPEN)),
    "no forget gate": (
        "the forget gate stood open, as in the LSTM of 1997",
        with_equations(f=OPEN),
    ),
    "no output gate": ("the output gate stood open", with_equations(o=OPEN)),
    "cell state squashed": ("the cell state was kept as its own tanh", with_equations(kept=TANH)),
}

_CLIP: Rows = {
    "cell state clipped at 3": (
        "the cell state was clipped to [-3, 3], TensorFlow's BlockLSTM's default",
        with_equations(kept=clipped(3)),
    ),
}

CELL_MISTAKES: Final = (
    *alike("forget offset", _ANY, COMPUTES, _OFFSETS),
    *alike("activations", _ANY, COMPUTES, _ACTIVATIONS),
    *alike("tied gates", _ANY, COMPUTES, _TIED),
    *alike("tied gates", "numbers that depend on a larger cell state", LARGE, _CLIP),
)
