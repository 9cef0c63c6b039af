"""Training as data: the inputs that every framework gets alike, and the results of one call.

A call takes a whole state and returns the next one, so nothing is kept between calls. An
interrupted run can resume from the state of its last call, and gives the same bits.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from gateparity.errors import assert_never
from gateparity.network.parameters import check_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.network.batch import States
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native

# The code that chooses by one of them ends in `assert_never`: mypy lists it if one is added.
Loss = Literal["cross_entropy", "squared_error"]
Optimizer = Literal["sgd", "momentum", "adam"]
Biases = Literal["tied", "separate"]
HEAD: Final = ("W_hq", "b_q")  # the output layer, as in d2l: H W_hq + b_q


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The training method, with every constant explicit and exact in float32.

    `loss` is `cross_entropy`, the mean over all steps of all sequences of symbols that go in as
    one-hot, or `squared_error`, the mean over all predictions from the top layer's last states. If
    `clip` is given, a gradient is multiplied by `min(1, clip / norm)`, with the norm over all
    arrays. Adam is Algorithm 1 of Kingma and Ba (https://arxiv.org/abs/1412.6980), with epsilon
    beside the root of the corrected second moment. With `carry` the states after a batch, detached,
    begin the next. `biases`: `tied` trains one of two biases, `separate` both, as frameworks that
    have two do.

    The constructor raises `ValueError` that names the field, what was found and what was expected.
    """

    loss: Loss = "cross_entropy"
    optimizer: Optimizer = "sgd"
    rate: float = 1.0
    momentum: float = 0.875
    beta_1: float = 0.875
    beta_2: float = 1 - 2**-10
    epsilon: float = 2**-27
    clip: float | None = None
    carry: bool = False
    biases: Biases = "tied"

    def __post_init__(self) -> None:
        for name, choices in (("loss", Loss), ("optimizer", Optimizer), ("biases", Biases)):
            if (found := getattr(self, name)) not in (known := get_args(choices)):
                raise ValueError(f"{name} is {found!r}, expected one of {', '.join(known)}")
        for name in ("rate", "momentum", "beta_1", "beta_2", "epsilon", "clip"):
            if (found := getattr(self, name)) is not None:
                _require_exact(name, found)

    @property
    def has_symbols(self) -> bool:
        """Return whether the model predicts a symbol at every step, from symbols that go in.

        Otherwise it predicts numbers after the last step, from numbers that go in.
        """
        if self.loss == "cross_entropy":
            return True
        if self.loss == "squared_error":
            return False
        assert_never(self.loss)


@dataclasses.dataclass(frozen=True)
class Examples:
    """One batch of training data.

    For cross-entropy `x (T, B)` and `target (T, B)` are codes; for squared error `x (T, B, input)`
    and `target (B, output)` are numbers.
    """

    x: Array
    target: Array


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Everything that one call passes to the next.

    `params` are the LSTM's native arrays and the output layer's `W_hq (directions * hidden,
    output)` and `b_q (output,)`. `slots` are the optimiser's arrays, under names of its own. `step`
    counts gradient steps. `h` and `c (cells, B, hidden)` are the carried states, or None for zeros.
    """

    params: Native
    slots: Native = dataclasses.field(default_factory=dict)
    step: int = 0
    h: Array | None = None
    c: Array | None = None

    @property
    def states(self) -> States | None:
        """Return the carried states by name, as a `Batch` has them."""
        return None if self.h is None or self.c is None else {"h": self.h, "c": self.c}


@dataclasses.dataclass(frozen=True)
class Training:
    """The result of one call.

    `losses` and `norms (steps,)` have each step's loss and gradient norm before clipping; `state`
    is the state after the last step. `compiled` counts the programs that were compiled.
    """

    losses: Array
    norms: Array
    state: TrainingState
    compiled: int = 0


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The outputs of a model in training.

    `output` has the output layer's numbers, `(T, B, output)` for cross-entropy and `(B, output)`
    for squared error. The states are those after the last step, as in `Outputs`.
    """

    output: Array
    h_n: Array
    c_n: Array


def lstm_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the LSTM's own arrays, without the output layer's."""
    return {name: array for name, array in params.items() if name not in HEAD}


def in_order(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays sorted by name.

    Norms are summed and slots numbered in this order, whatever the order in a file is.
    """
    return dict(sorted(params.items()))


def one_hot(codes: Array, size: int, dtype: str) -> Array:
    """Return codes `(...)` as `(..., size)`, with 1 at the code and 0 elsewhere."""
    return np.eye(size, dtype=dtype)[codes]


def check_training(
    training: Training, config: Config, state: TrainingState, batches: Sequence[Examples]
) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of an answer."""
    for name in ("losses", "norms"):
        check_array(name, getattr(training, name), (len(batches),), config.dtype)
    found = training.state
    if set(found.params) != set(state.params):
        raise ValueError(f"trained arrays are {sorted(found.params)}, expected those given")
    for name, array in state.params.items():
        check_array(f"trained {name}", found.params[name], array.shape, config.dtype)
    if found.step != state.step + len(batches):
        expected = f"{state.step} and {len(batches)} more"
        raise ValueError(f"trained for {found.step} steps, expected {expected}")


def _require_exact(name: str, value: float) -> None:
    """Raise `ValueError` unless float32 holds a constant exactly.

    Two frameworks keep such constants in float64, and three in float32.
    """
    try:
        exact = math.isfinite(value) and struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        exact = False
    if not exact or value < 0:
        raise ValueError(f"{name} is {value!r}, expected a number of at least 0 that float32 holds")
