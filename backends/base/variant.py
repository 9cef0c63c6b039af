"""An adapter made of one function that runs the LSTM, and a framework's primitives.

The variants of a framework differ in the function; frameworks differ in the function and a few
primitives. The rest of the adapter protocol is here, once.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.backends.base import training
from gateparity.backends.base.stack import build_trace
from gateparity.errors import Unsupported
from gateparity.network.batch import Batch, Gradients, Outputs, Trace, initial_states
from gateparity.network.dtypes import DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.base.primitives import Primitives
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.packing.layout import Layout
    from gateparity.protocol.training import Examples, Prediction, Recipe, Training, TrainingState


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to run the LSTM: `run(config, *inputs)` returns `y, h_n, c_n`.

    `trace` returns them too, and a fourth value: for each cell Z, gates, C and H, as `build_trace`
    takes them. It is a separate function, because recording can double the time of a forward pass.
    `hold(config, params)` loads the weights into the framework's own layer and returns the weights
    that the layer then has; by default it returns `params`.
    """

    name: str
    layout: Layout
    run: Callable[..., Any]
    primitives: Primitives
    unsupported: Mapping[str, str] = dataclasses.field(default_factory=dict)
    load_and_read_back: Callable[..., Any] = lambda _, params: params
    trace: Callable[..., Any] | None = None

    @property
    def version(self) -> str:
        """Return the framework's version."""
        return self.primitives.version

    @property
    def rounding_model(self) -> Mapping[str, float]:
        """Return the framework's declared rounding model."""
        return self.primitives.rounding_model

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the framework's current settings: device, threads, precision."""
        return {"device": self.primitives.device} | dict(self.primitives.settings())

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Return the outputs of all steps and layers."""
        y, *states = map(self.primitives.to_numpy, self.outputs(config, params, batch))
        return Outputs(y, dict(zip(config.cell.states, states, strict=True)))

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Return every pre-activation, gate and state. Raise `Unsupported` without a `trace`."""
        if self.trace is None:
            raise Unsupported(self.unsupported["gates"])
        *_, kept = self._call(self.trace, config, params, batch)
        cells = [[self.primitives.to_numpy(array) for array in cell] for cell in kept]
        return build_trace(config, batch, cells)

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Return the gradients by the framework's own autodiff."""
        convert, back = self.primitives.from_numpy, self.primitives.to_numpy
        states = (cotangent.states[name] for name in config.cell.states)
        cotangents = tuple(map(convert, (cotangent.y, *states)))
        inputs = self.inputs(config, params, batch)
        d_params, *found = self.primitives.vjp(self.run, config, inputs, cotangents)
        d_native = {name: back(array) for name, array in d_params.items()}
        dx, *d_states = map(back, found)
        return Gradients(d_native, Batch(dx, dict(zip(config.cell.states, d_states, strict=True))))

    def weights(self, config: Config, params: Native) -> Native:
        """Load the weights into the framework's own layer, and read them back by name."""
        convert, back = self.primitives.from_numpy, self.primitives.to_numpy
        weights = self.load_and_read_back(
            config, {name: convert(array) for name, array in params.items()}
        )
        return {name: back(array) for name, array in weights.items()}

    def train(
        self, config: Config, state: TrainingState, batches: Sequence[Examples], recipe: Recipe
    ) -> Training:
        """Train by the framework's own autodiff and optimiser."""
        if "train" in self.unsupported:
            raise Unsupported(self.unsupported["train"])
        return training.train(
            self.run, self.layout, self.primitives, config, state, batches, recipe
        )

    def predict(self, config: Config, state: TrainingState, x: Array, recipe: Recipe) -> Prediction:
        """Return the output layer's numbers and the last states of a model in training."""
        return training.predict(self.outputs, self.primitives, config, state, x, recipe)

    def uncompiled(self) -> Variant:
        """Return the same adapter, which runs operation by operation if its framework can."""
        primitives = self.primitives.uncompiled
        return dataclasses.replace(self, primitives=primitives) if primitives else self

    def outputs(self, config: Config, params: Native, batch: Batch) -> Any:
        """Return `y, h_n, c_n` as the framework's own arrays."""
        return self._call(self.run, config, params, batch)[: 1 + len(config.cell.states)]

    def inputs(self, config: Config, params: Native, batch: Batch) -> tuple[Any, ...]:
        """Return what `run` takes: `(params, x, h_0, c_0, lengths)`, states zero if not given."""
        feature = DTYPES[config.dtype].lengths_feature
        if batch.lengths is not None and feature in self.unsupported:
            raise Unsupported(self.unsupported[feature])
        convert = self.primitives.from_numpy
        states = map(convert, initial_states(config, batch))
        native = {name: convert(array) for name, array in params.items()}
        lengths = None if batch.lengths is None else convert(batch.lengths)
        return native, convert(batch.x), *states, lengths

    def _call(self, run: Callable[..., Any], config: Config, params: Native, batch: Batch) -> Any:
        return self.primitives.call(run, config, *self.inputs(config, params, batch))
