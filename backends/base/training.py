"""Training in any framework: the loop, and the model that all of them train, written once.

Frameworks differ in a learner and five operations. A learner holds the weights in the framework's
own way, and takes one step at a time with the framework's own autodiff and optimiser.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gateparity.errors import assert_never
from gateparity.network.batch import Batch
from gateparity.protocol.biases import frozen_names
from gateparity.protocol.training import (
    HEAD,
    Prediction,
    Training,
    TrainingState,
    in_order,
    lstm_params,
    one_hot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.base.primitives import Primitives
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.packing.layout import Layout
    from gateparity.protocol.training import Examples, Recipe


@dataclasses.dataclass(frozen=True)
class Operations:
    """The operations that the model needs of a framework besides the LSTM.

    `one_hot(codes, size, dtype)`; `linear(X, W, b)` on the last axis; `concat(arrays)` on the last
    axis; the means `cross_entropy(Z, codes)` and `squared_error(Z, target)`.
    """

    one_hot: Callable[..., Any]
    linear: Callable[..., Any]
    concat: Callable[..., Any]
    cross_entropy: Callable[..., Any]
    squared_error: Callable[..., Any]


class Learner(Protocol):
    """A model in training, made with `(run, config, recipe, state, frozen)`.

    `run` is the function that runs the LSTM, `state` the state to begin from, and `frozen` the
    names of the arrays that are not trained.
    """

    def step(self, x: Array, target: Array, H: Any, C: Any) -> tuple[Any, Any, Any, Any]:
        """Take one gradient step; return the loss, the norm before clipping, and both states."""

    def read(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weights and the optimiser's state as NumPy arrays by name."""

    @property
    def compiled(self) -> int:
        """Return how many programs were compiled since the process began."""


def evaluate(
    ops: Operations,
    run: Callable[..., Any],
    config: Config,
    recipe: Recipe,
    params: Any,
    x: Any,
    target: Any,
    H: Any,
    C: Any,
) -> tuple[Any, Any, Any]:
    """Run one-hot encoding, LSTM and output layer; return the loss and the final H and C."""
    X = ops.one_hot(x, config.input_size, config.dtype) if recipe.has_symbols else x
    outputs = run(config, lstm_params(params), X, H, C, None)
    Z = _output(ops, config, recipe, params, outputs)
    return _loss(ops, recipe)(Z, target), outputs[1], outputs[2]


def train(
    run: Callable[..., Any],
    layout: Layout,
    primitives: Primitives,
    config: Config,
    state: TrainingState,
    batches: Sequence[Examples],
    recipe: Recipe,
) -> Training:
    """Take one gradient step for each batch; return losses, norms and the next state."""
    frozen = frozen_names(layout, config, recipe.biases)
    state = dataclasses.replace(state, params=in_order(state.params))
    trainer, convert = primitives.trainer(), primitives.from_numpy
    learner: Learner = trainer.Learner(run, config, recipe, state, frozen)
    before, measured = learner.compiled, []
    H, C = (None if s is None else convert(s) for s in (state.h, state.c))
    for batch in batches:
        if not recipe.carry or H is None:
            H = C = convert(_zeros(config, batch.x.shape[1]))
        loss, norm, H, C = learner.step(batch.x, batch.target, H, C)
        measured.append((loss, norm))
    losses, norms = (np.array([float(m[k]) for m in measured], config.dtype) for k in (0, 1))
    back = primitives.to_numpy
    kept = (back(H), back(C)) if recipe.carry else (None, None)
    after = TrainingState(*learner.read(), state.step + len(batches), *kept)
    return Training(losses, norms, after, learner.compiled - before)


def predict(
    run: Callable[[Config, Native, Batch], Any],
    primitives: Primitives,
    config: Config,
    state: TrainingState,
    x: Array,
    recipe: Recipe,
) -> Prediction:
    """Return the model's output for inputs, starting from the states in `state`."""
    ops, convert = primitives.trainer().OPERATIONS, primitives.from_numpy
    X = one_hot(x, config.input_size, config.dtype) if recipe.has_symbols else x
    outputs = run(config, lstm_params(state.params), Batch(X, state.states))
    params = {name: convert(state.params[name]) for name in HEAD}
    Z = _output(ops, config, recipe, params, outputs)
    return Prediction(*map(primitives.to_numpy, (Z, outputs[1], outputs[2])))


def _output(ops: Operations, config: Config, recipe: Recipe, params: Any, outputs: Any) -> Any:
    """Apply the output layer to every step's Y, or to the top layer's last H."""
    Y, H_n, *_ = outputs
    if not recipe.has_symbols:
        Y = ops.concat([H_n[k] for k in range(config.cells)[-config.directions :]])
    return ops.linear(Y, params["W_hq"], params["b_q"])


def _loss(ops: Operations, recipe: Recipe) -> Callable[..., Any]:
    if recipe.loss == "cross_entropy":
        return ops.cross_entropy
    if recipe.loss == "squared_error":
        return ops.squared_error
    assert_never(recipe.loss)


def _zeros(config: Config, size: int) -> Array:
    return np.zeros((config.cells, size, config.hidden_size), config.dtype)
