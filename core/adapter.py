"""The protocol between the suite and a framework: pure functions, NumPy arrays in and out.

Time-major throughout, and no state between calls. `Outputs` doubles as the cotangent, and a
gradient has the type of the thing that it is the gradient of.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from gateparity.errors import suggest
from gateparity.parameters import check_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.config import Config
    from gateparity.layout import Layout
    from gateparity.parameters import Array

    Native = Mapping[str, Array]  # a framework's own arrays under its own names


FEATURES: Final = (  # the keys of `unsupported`: what checks and cases need, and training
    "gates",
    "gradients",
    "lengths",
    "lengths_float64",
    "zero_length",
    "empty_sequence",
    "empty_batch",
    "float16",
    "float64",
    "train",
)


class Unsupported(Exception):
    """What an adapter raises for what its framework can't do, with one sentence: the reason."""


class Impure(AssertionError):
    """A call wrote to what it was given, or depends on more than that: which, and where."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Inputs of one call.

    `x (T, B, input)`; `h_0` and `c_0 (layers * directions, B, hidden)`, layer-major, forward
    before reverse, or None for zeros; `lengths (B,)` integers from 0 to T in any order, or None
    where every sequence has T steps.
    """

    x: Array
    h_0: Array | None = None
    c_0: Array | None = None
    lengths: Array | None = None


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Results of one call, or a cotangent for them.

    `y (T, B, directions * hidden)`, zero past each length; `h_n` and `c_n` like `h_0`: the states
    after the last valid step (in the reverse direction that is step 0).
    """

    y: Array
    h_n: Array
    c_n: Array


@dataclasses.dataclass(frozen=True)
class Trace:
    """What happens inside, in time order for both directions, zero past each length.

    `z` (pre-activations) and `gates (cell, T, gate, B, hidden)`, gates in the order i, f, g, o;
    the states after each step, `c` and `h (cell, T, B, hidden)`. The cell axis is that of `h_n`.
    """

    z: Array
    gates: Array
    c: Array
    h: Array


@dataclasses.dataclass(frozen=True)
class Gradients:
    """Gradients of `sum(cotangent * outputs)`: of the native parameters, of x, h_0 and c_0."""

    params: Native
    batch: Batch


class Adapter(Protocol):
    """One framework's LSTM. Only `layout` and `forward` are compulsory for one of your own.

    One more method, `weights(config, params)`, is asked for where it is there: it puts arrays into
    the framework's own weights and reads those back, by the names that they have there.

    An adapter of one's own may have the attributes `settings`, `arithmetic` and `engine`: what its
    answers depend on, how it rounds, and which shipped framework computes it (docs/adapters.md).
    """

    @property
    def name(self) -> str:
        """What the adapter is called, `framework:variant`."""
        ...

    @property
    def version(self) -> str:
        """The framework's version."""
        ...

    @property
    def layout(self) -> Layout:
        """How the framework lays out the parameters that it is given."""
        ...

    @property
    def unsupported(self) -> Mapping[str, str]:
        """What it can't do, some of `FEATURES`, each with the reason."""
        ...

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Run the LSTM over a batch."""
        ...

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Run it and tell every pre-activation, gate and state of every step."""
        ...

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Differentiate it by the framework's own means."""
        ...


def find_unsupported(adapter: Any) -> dict[str, str]:
    """What an adapter declares unsupported, and the optional methods that it lacks."""
    lacking = [name for name in ("gates", "gradients") if getattr(adapter, name, None) is None]
    missing = {name: describe_missing(adapter, name) for name in lacking}
    return missing | dict(getattr(adapter, "unsupported", {}))


def describe_missing(adapter: Any, method: str) -> str:
    """Why a method is unsupported where there is none."""
    return f"{type(adapter).__name__} has no method {method}"


def state_shape(config: Config, batch: Batch) -> tuple[int, ...]:
    """The shape of `h_0`, `c_0`, `h_n` and `c_n`."""
    return (config.cells, batch.x.shape[1], config.hidden_size)


def check_batch(batch: Batch, config: Config) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a batch."""
    if not isinstance(batch.x, np.ndarray) or batch.x.ndim != 3:
        raise ValueError(f"x is {_describe(batch.x)}, expected an array (T, B, input)")
    steps, size, _ = batch.x.shape
    check_array("x", batch.x, (steps, size, config.input_size), config.dtype)
    for name in ("h_0", "c_0"):
        state = getattr(batch, name)
        if state is not None:
            check_array(name, state, state_shape(config, batch), config.dtype)
    if batch.lengths is not None:
        _check_lengths(batch.lengths, steps, size)


def check_outputs(outputs: Outputs, config: Config, batch: Batch) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of an answer."""
    steps, size, _ = batch.x.shape
    check_array("y", outputs.y, (steps, size, config.output_size), config.dtype)
    check_array("h_n", outputs.h_n, state_shape(config, batch), config.dtype)
    check_array("c_n", outputs.c_n, state_shape(config, batch), config.dtype)


def check_trace(trace: Trace, config: Config, batch: Batch) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a trace."""
    steps, size, _ = batch.x.shape
    state = (config.cells, steps, size, config.hidden_size)
    gates = (config.cells, steps, 4, size, config.hidden_size)
    for name, shape in (("z", gates), ("gates", gates), ("c", state), ("h", state)):
        check_array(name, getattr(trace, name), shape, config.dtype)


def check_gradients(gradients: Gradients, config: Config, params: Native, batch: Batch) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a gradient."""
    if set(gradients.params) != set(params):
        raise ValueError(f"gradients name {sorted(gradients.params)}, expected {sorted(params)}")
    for name, array in params.items():
        check_array(f"d_{name}", gradients.params[name], array.shape, config.dtype)
    check_array("d_x", gradients.batch.x, batch.x.shape, config.dtype)
    for name in ("h_0", "c_0"):
        state = getattr(gradients.batch, name)
        check_array(f"d_{name}", state, state_shape(config, batch), config.dtype)


def initial_states(config: Config, batch: Batch) -> tuple[Array, Array]:
    """`h_0` and `c_0`, zeros where they are not given."""
    shape = state_shape(config, batch)
    zeros = np.zeros(shape, config.dtype)
    h_0 = zeros if batch.h_0 is None else batch.h_0
    c_0 = zeros if batch.c_0 is None else batch.c_0
    return h_0, c_0


def check_unsupported(unsupported: Mapping[str, str]) -> None:
    """Raise `ValueError` or `TypeError` at the first key that is unknown or has no reason."""
    for key, reason in unsupported.items():
        if key not in FEATURES:
            hint = suggest(str(key), FEATURES)
            raise ValueError(
                f"unsupported has the key {key!r}{hint}: expected one of {', '.join(FEATURES)}"
            )
        if not isinstance(reason, str):
            raise TypeError(f"unsupported[{key!r}] is {_describe(reason)}, expected a sentence")


def _check_lengths(lengths: Any, steps: int, size: int) -> None:
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths is {_describe(lengths)}, expected an array of integers")
    if lengths.shape != (size,):
        raise ValueError(f"lengths has shape {lengths.shape}, expected {(size,)}")
    if size and (lengths.min() < 0 or lengths.max() > steps):
        raise ValueError(
            f"lengths run from {lengths.min()} to {lengths.max()}, expected 0 to {steps}"
        )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return type(value).__name__
