"""What goes into an LSTM and what comes out: batches, outputs, traces and gradients."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native


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


def state_shape(config: Config, batch: Batch) -> tuple[int, ...]:
    """Return the shape of `h_0`, `c_0`, `h_n` and `c_n`: `(cells, B, hidden)`."""
    return (config.cells, batch.x.shape[1], config.hidden_size)


def initial_states(config: Config, batch: Batch) -> tuple[Array, Array]:
    """Return `h_0` and `c_0`, with zeros where they are not given."""
    shape = state_shape(config, batch)
    zeros = np.zeros(shape, config.dtype)
    h_0 = zeros if batch.h_0 is None else batch.h_0
    c_0 = zeros if batch.c_0 is None else batch.c_0
    return h_0, c_0
