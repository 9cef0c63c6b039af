"""NumPy's adapter: the equations written out, and each part can be exchanged for a wrong one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gateparity.backends.base.stack import (
    build_trace,
    cell_name,
    cell_params,
    is_reverse,
    run_layers,
)
from gateparity.backends.numpy.equations import backward, backward_cell, cell, sequence
from gateparity.layouts import D2L
from gateparity.network.batch import Batch, Gradients, Outputs, Trace, initial_states

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.base.primitives import Device
    from gateparity.backends.numpy.equations import Step, Tape
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.protocol.training import Examples, Prediction, Recipe, Training, TrainingState


@dataclasses.dataclass(frozen=True)
class Scratch:
    """The equations written out. Each of the four functions can be replaced by a wrong one."""

    name = "numpy:scratch"
    version = np.__version__
    layout = D2L
    unsupported: ClassVar[dict[str, str]] = {}
    device: ClassVar[Device] = "cpu"
    settings: ClassVar[dict[str, str]] = {"device": device}  # the manifest has its BLAS

    cell: Callable[..., Step] = cell
    backward_cell: Callable[..., tuple[Array, Array, Array]] = backward_cell
    sequence: Callable[..., tuple[Array, Array, Array, Tape]] = sequence
    backward: Callable[..., tuple[Array, Array, Array, dict[str, Array]]] = backward

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Return the outputs of all steps and layers, without recording the steps."""
        return self.run(config, params, batch, with_trace=False)[0]

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Return every pre-activation, gate and state."""
        return self.trace(config, params, batch, self.run(config, params, batch)[1])

    def trace(self, config: Config, params: Native, batch: Batch, tapes: list[Tape]) -> Trace:
        """Return every pre-activation, gate and state of a run that left these tapes."""
        cells = [cell_params(params, f"l{cell_name(config, k)}.") for k in range(config.cells)]
        traces = [tape.trace(w) for tape, w in zip(tapes, cells, strict=True)]
        return build_trace(config, batch, traces)

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Return the gradients by backpropagation through time."""
        _, tapes = self.run(config, params, batch)
        return self.pull(config, params, batch, tapes, cotangent)

    def pull(
        self, config: Config, params: Native, batch: Batch, tapes: list[Tape], cotangent: Outputs
    ) -> Gradients:
        """Backpropagate a cotangent through the tapes of a run, from the top layer down."""
        mask, dY = _mask(batch), cotangent.y
        d_params: dict[str, Array] = {}
        dH_n, dC_n = cotangent.states["h"], cotangent.states["c"]
        dH_0, dC_0 = np.empty_like(dH_n), np.empty_like(dC_n)
        for layer in reversed(range(config.layers)):
            cells = range(layer * config.directions, (layer + 1) * config.directions)
            dXs = []
            for k, dY_k in zip(cells, np.split(dY, config.directions, -1), strict=True):
                w, tape = cell_params(params, f"l{cell_name(config, k)}."), tapes[k]
                dX, dH_0[k], dC_0[k], dw = self.backward(
                    tape,
                    w,
                    mask,
                    dY_k,
                    dH_n[k],
                    dC_n[k],
                    reverse=is_reverse(config, k),
                    backward_cell=self.backward_cell,
                )
                d_params |= {
                    f"l{cell_name(config, k)}.{name}": dw[name] for name in w if name in dw
                }
                dXs.append(dX)
            dY = sum(dXs[1:], start=dXs[0])
        return Gradients(d_params, Batch(dY, {"h": dH_0, "c": dC_0}))

    def train(
        self, config: Config, state: TrainingState, batches: Sequence[Examples], recipe: Recipe
    ) -> Training:
        """Train by hand-written gradients and optimisers."""
        from gateparity.backends.numpy.training import train

        return train(self, config, state, batches, recipe)

    def predict(self, config: Config, state: TrainingState, x: Array, recipe: Recipe) -> Prediction:
        """Return the output layer's numbers and the last states of a model in training."""
        from gateparity.backends.numpy.training import predict

        return predict(self, config, state, x, recipe)

    def run(
        self, config: Config, params: Native, batch: Batch, *, with_trace: bool = True
    ) -> tuple[Outputs, list[Tape]]:
        """Return outputs and tapes; with `with_trace=False` the tapes lack their steps."""
        h_0, c_0 = initial_states(config, batch)
        mask = _mask(batch)

        def run_cell(k: int, X: Array) -> tuple[Array, Array, Array, Tape]:
            w, reverse = cell_params(params, f"l{cell_name(config, k)}."), is_reverse(config, k)
            return self.sequence(
                X, h_0[k], c_0[k], w, mask, reverse=reverse, cell=self.cell, with_trace=with_trace
            )

        Y, H_n, C_n, tapes = run_layers(config, batch.x, run_cell, np.concatenate)
        return Outputs(Y, {"h": np.stack(H_n), "c": np.stack(C_n)}), tapes


def _mask(batch: Batch) -> Array | None:
    """Return a mask `(T, B, 1)`, true before each sequence's end; None if all are full."""
    if batch.lengths is None:
        return None
    return (np.arange(len(batch.x))[:, None] < batch.lengths)[..., None]
