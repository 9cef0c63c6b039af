"""The protocol between the suite and a framework: pure functions, NumPy arrays in and out.

Arrays are time-major, and no state is kept between calls. `Outputs` is also the type of a
cotangent, and a gradient has the type of what it is the gradient of.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from gateparity.errors import suggest
from gateparity.parameters import check_array

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateparity.config import Config
    from gateparity.layout import Layout
    from gateparity.parameters import Array

    Native = Mapping[str, Array]  # a framework's own arrays under its own names


STATES: Final = ("initial_states", "final_states")
FEATURES: Final = (  # the keys of `unsupported`: what checks and cases need, and training
    "gates",
    "gradients",
    "initial_states",
    "final_states",
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
    """Raised by an adapter for what its framework can't do; the message is one sentence."""


class Impure(AssertionError):
    """A call wrote to its arguments, or depends on more than them; the message says which."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Inputs of one call.

    `x (T, B, input)`. `h_0` and `c_0 (layers * directions, B, hidden)` are layer-major, forward
    before reverse, or None for zeros. `lengths (B,)` are integers from 0 to T in any order, or None
    if every sequence has T steps.
    """

    x: Array
    h_0: Array | None = None
    c_0: Array | None = None
    lengths: Array | None = None


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Results of one call, or a cotangent for them.

    `y (T, B, directions * hidden)`, zero past each length; `h_n` and `c_n` like `h_0`: the states
    after the last valid step (in the reverse direction that is step 0). An adapter that declares
    `final_states` unsupported leaves them out, `Outputs(y)`, or gives None.
    """

    y: Array
    h_n: Array = dataclasses.field(default_factory=lambda: np.empty((0, 0, 0)))
    c_n: Array = dataclasses.field(default_factory=lambda: np.empty((0, 0, 0)))


@dataclasses.dataclass(frozen=True)
class Trace:
    """The values inside the LSTM, in time order for both directions, zero past each length.

    `z` (pre-activations) and `gates (cell, T, gate, B, hidden)` have gates in the order i, f, g, o.
    `c` and `h (cell, T, B, hidden)` are the states after each step. The cell axis is that of `h_n`.
    """

    z: Array
    gates: Array
    c: Array
    h: Array


@dataclasses.dataclass(frozen=True)
class Gradients:
    """Gradients of `sum(cotangent * outputs)`: of the native parameters, of x, h_0 and c_0.

    An adapter that declares `initial_states` unsupported has those of x alone, `Batch(d_x)`.
    """

    params: Native
    batch: Batch


class Adapter(Protocol):
    """One framework's LSTM. In your own adapter only `layout` and `forward` are required.

    A further method, `weights(config, params)`, is optional. It loads arrays into the framework's
    own weights and returns what those hold, by the names that they have there.

    Three attributes are optional too: `settings`, `arithmetic` and `engine` say what results depend
    on, how the adapter rounds, and which shipped framework computes it (docs/adapters.md).
    """

    @property
    def name(self) -> str:
        """Return the adapter's name, `framework:variant`."""
        ...

    @property
    def version(self) -> str:
        """Return the framework's version."""
        ...

    @property
    def layout(self) -> Layout:
        """Return the layout of the parameters that the methods take."""
        ...

    @property
    def unsupported(self) -> Mapping[str, str]:
        """Return what the adapter can't do: keys from `FEATURES`, each with the reason."""
        ...

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Run the LSTM over a batch, and return its outputs."""
        ...

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Run the LSTM, and return every pre-activation, gate and state of every step."""
        ...

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Return the gradients by the framework's own differentiation."""
        ...


def find_unsupported(adapter: Any) -> dict[str, str]:
    """Return what an adapter declares unsupported, and the optional methods that it lacks."""
    lacking = [name for name in ("gates", "gradients") if getattr(adapter, name, None) is None]
    missing = {name: describe_missing(adapter, name) for name in lacking}
    return missing | dict(getattr(adapter, "unsupported", {}))


def describe_missing(adapter: Any, method: str) -> str:
    """Return the reason why a missing method is unsupported."""
    return f"{type(adapter).__name__} has no method {method}"


def state_shape(config: Config, batch: Batch) -> tuple[int, ...]:
    """Return the shape of `h_0`, `c_0`, `h_n` and `c_n`: `(cells, B, hidden)`."""
    return (config.cells, batch.x.shape[1], config.hidden_size)


def drop_final_states(outputs: Outputs, batch: Batch) -> Outputs:
    """Return the outputs with states of no cells, which joins and permutations leave alone."""
    none = np.empty((0, batch.x.shape[1], 0), outputs.y.dtype)
    return Outputs(outputs.y, none, none)


def weigh_y_alone(cotangent: Outputs) -> Outputs:
    """Return the cotangent of an LSTM whose final states reach nobody: zeros for both of them."""
    zeros = (np.zeros_like(state) for state in (cotangent.h_n, cotangent.c_n))
    return Outputs(cotangent.y, *zeros)


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


def check_outputs(
    outputs: Outputs, config: Config, batch: Batch, lacks: Collection[str] = ()
) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of an answer.

    `lacks` are those of `STATES` that aren't supported, and so aren't looked at.
    """
    steps, size, _ = batch.x.shape
    check_array("y", outputs.y, (steps, size, config.output_size), config.dtype)
    if "final_states" in lacks:
        return
    check_array("h_n", outputs.h_n, state_shape(config, batch), config.dtype)
    check_array("c_n", outputs.c_n, state_shape(config, batch), config.dtype)


def check_trace(trace: Trace, config: Config, batch: Batch) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a trace."""
    steps, size, _ = batch.x.shape
    state = (config.cells, steps, size, config.hidden_size)
    gates = (config.cells, steps, 4, size, config.hidden_size)
    for name, shape in (("z", gates), ("gates", gates), ("c", state), ("h", state)):
        check_array(name, getattr(trace, name), shape, config.dtype)


def check_gradients(
    gradients: Gradients,
    config: Config,
    params: Native,
    batch: Batch,
    lacks: Collection[str] = (),
) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a gradient.

    `lacks` are those of `STATES` that aren't supported, and so aren't looked at.
    """
    if set(gradients.params) != set(params):
        raise ValueError(f"gradients name {sorted(gradients.params)}, expected {sorted(params)}")
    for name, array in params.items():
        check_array(f"d_{name}", gradients.params[name], array.shape, config.dtype)
    check_array("d_x", gradients.batch.x, batch.x.shape, config.dtype)
    for name in () if "initial_states" in lacks else ("h_0", "c_0"):
        state = getattr(gradients.batch, name)
        check_array(f"d_{name}", state, state_shape(config, batch), config.dtype)


def initial_states(config: Config, batch: Batch) -> tuple[Array, Array]:
    """Return `h_0` and `c_0`, with zeros where they are not given."""
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
