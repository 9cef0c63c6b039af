"""Mistakes in the equations of a cell: offsets, activations, gates that are tied or left out.

All are consistent: backpropagation uses the derivative of what was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.mistakes.activations import (
    FRACTION,
    HALF_SOFTSIGN,
    HARD_SIGMOID_2,
    HARD_SIGMOID_3,
    HARD_TANH,
    OPEN,
    RELU,
    SOFTSIGN,
    clipped,
)
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
    from gateparity.conformance.mistakes.bend import Apply


def _offset(gate: str, before: float = 0, after: float = 0) -> Apply:
    return change_equations(lambda equations: equations.add(gate, before, after))


def _gates(activation: Activation) -> Apply:
    return with_equations(i=activation, f=activation, o=activation)


_ANY: Final = "every number: all checks that compute"

_OFFSETS: Final = alike(
    "forget offset",
    _ANY,
    COMPUTES,
    (
        "1 added to the forget gate before the sigmoid",
        "1 was added to the forget gate's pre-activation, biases or not",
        _offset("f", before=1),
    ),
    (
        "1 taken from the forget gate before the sigmoid",
        "an offset of 1 was taken out of the forget gate that had never been added",
        _offset("f", before=-1),
    ),
    (
        "1 added to the forget gate after the sigmoid",
        "1 was added to the forget gate itself",
        _offset("f", after=1),
    ),
    (
        "1 added to the input gate before the sigmoid",
        "the forget gate's offset of 1 was added to the input gate",
        _offset("i", before=1),
    ),
)

_ACTIVATIONS: Final = alike(
    "activations",
    _ANY,
    COMPUTES,
    (
        "hard sigmoid of Keras 2",
        "the gates were clip(0.2 z + 0.5, 0, 1), Keras 2's hard sigmoid",
        _gates(HARD_SIGMOID_2),
    ),
    (
        "hard sigmoid of Keras 3",
        "the gates were clip(z / 6 + 0.5, 0, 1), Keras 3's hard sigmoid",
        _gates(HARD_SIGMOID_3),
    ),
    (
        "fast sigmoid",
        "the gates were 0.5 + 0.5 z / (1 + |z|)",
        _gates(HALF_SOFTSIGN),
    ),
    (
        "sigmoid and tanh exchanged",
        "the gates took tanh and the candidate the sigmoid",
        with_equations(i=TANH, f=TANH, g=SIGMOID, o=TANH),
    ),
    ("candidate by sigmoid", "the candidate took the sigmoid", with_equations(g=SIGMOID)),
    ("candidate by relu", "the candidate took relu", with_equations(g=RELU)),
    ("candidate by softsign", "the candidate took softsign", with_equations(g=SOFTSIGN)),
    (
        "candidate by hard tanh",
        "the candidate took clip(z, -1, 1)",
        with_equations(g=HARD_TANH),
    ),
    ("candidate as it is", "the candidate took no activation", with_equations(g=IDENTITY)),
    ("output by sigmoid", "h was o sigmoid(c)", with_equations(out=SIGMOID)),
    ("output by relu", "h was o relu(c)", with_equations(out=RELU)),
    ("output by softsign", "h was o softsign(c)", with_equations(out=SOFTSIGN)),
    ("output by hard tanh", "h was o clip(c, -1, 1)", with_equations(out=HARD_TANH)),
    ("no output activation", "h was o c", with_equations(out=IDENTITY)),
    (
        "tanh by a fraction",
        "both tanh were z (27 + z^2) / (27 + 9 z^2), clipped at 3",
        with_equations(g=FRACTION, out=FRACTION),
    ),
)

_TIED: Final = alike(
    "tied gates",
    _ANY,
    COMPUTES,
    (
        "f = 1 - i",
        "the forget gate was 1 - i",
        with_equations(couple=lambda I, _: (I, 1 - I), uncouple=lambda dI, dF: (dI - dF, 0 * dF)),
    ),
    (
        "i = 1 - f",
        "the input gate was 1 - f",
        with_equations(couple=lambda _, F: (1 - F, F), uncouple=lambda dI, dF: (0 * dI, dF - dI)),
    ),
    ("no input gate", "the input gate stood open", with_equations(i=OPEN)),
    (
        "no forget gate",
        "the forget gate stood open, as in the LSTM of 1997",
        with_equations(f=OPEN),
    ),
    ("no output gate", "the output gate stood open", with_equations(o=OPEN)),
    (
        "cell state squashed",
        "the cell state was kept as its own tanh",
        with_equations(kept=TANH),
    ),
)

_CLIP: Final = alike(
    "tied gates",
    "numbers that depend on a larger cell state",
    LARGE,
    (
        "cell state clipped at 3",
        "the cell state was clipped to [-3, 3], TensorFlow's BlockLSTM's default",
        with_equations(kept=clipped(3)),
    ),
)

CELL_MISTAKES: Final = _OFFSETS + _ACTIVATIONS + _TIED + _CLIP
