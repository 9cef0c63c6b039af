"""NumPy: training by hand, the reference for the other frameworks' training.

It runs at any float dtype, and on arrays whose operations round at random.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gateparity.errors import assert_never
from gateparity.network.batch import Batch, Outputs, initial_states, map_states
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

    from gateparity.network.batch import Gradients, States
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.protocol.training import Examples, Recipe


class Differentiable(Protocol):
    """An LSTM that runs forward and then backward through the tapes it kept."""

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Run the LSTM over a batch."""

    def run(self, config: Config, params: Native, batch: Batch) -> tuple[Outputs, list[Any]]:
        """Run it and keep the tapes."""

    def pull(
        self, config: Config, params: Native, batch: Batch, tapes: list[Any], cotangent: Outputs
    ) -> Gradients:
        """Return the gradients from the tapes of a run."""


def train(
    scratch: Differentiable,
    config: Config,
    state: TrainingState,
    batches: Sequence[Examples],
    recipe: Recipe,
    *,
    biases: int = 1,
    prepare: Callable[[Any], Any] = lambda number: number,
) -> Training:
    """Take one gradient step for each batch, and return the losses, the norms and the next state.

    Each bias stands for `biases` equal ones, which are all counted in the norm and all trained.
    `prepare` converts a constant to the kind of array that is used.
    """
    params, slots, losses, norms = in_order(state.params), dict(state.slots), [], []
    states = state.states
    for step, batch in enumerate(batches, state.step + 1):
        if not recipe.carry:
            states = None
        given = Batch(prepare(_inputs(config, recipe, batch.x)), states)
        loss, gradients, states = differentiate(
            scratch, config, params, given, batch.target, recipe
        )
        weights = {name: biases if is_bias(name) else 1 for name in params}
        norm, scale = _clip(gradients, weights, recipe.clip, config.dtype)
        for name, gradient in gradients.items():
            change = _optimise(name, gradient * scale, slots, step, recipe, config, prepare)
            params[name] = params[name] - change * weights[name]
        losses.append(loss)
        norms.append(norm)
    kept = states if recipe.carry and states else {}
    after = TrainingState(params, slots, state.step + len(batches), **kept)
    return Training(np.stack(losses), np.stack(norms), after)


def predict(
    scratch: Differentiable,
    config: Config,
    state: TrainingState,
    x: Array,
    recipe: Recipe,
    prepare: Callable[[Any], Any] = lambda number: number,
) -> Prediction:
    """Return the model's output for inputs, starting from the states in `state`."""
    batch = Batch(prepare(_inputs(config, recipe, x)), state.states)
    outputs = scratch.forward(config, lstm_params(state.params), batch)
    Y = _features(config, recipe, outputs)
    Z = Y @ state.params["W_hq"] + state.params["b_q"]
    return Prediction(Z, outputs.states["h"], outputs.states["c"])


def differentiate(
    scratch: Differentiable,
    config: Config,
    params: dict[str, Array],
    batch: Batch,
    target: Array,
    recipe: Recipe,
) -> tuple[Array, dict[str, Array], States]:
    """Return the loss of one batch, its gradients by name, and the final states."""
    states = zip(config.cell.states, initial_states(config, batch), strict=True)
    batch = Batch(batch.x, dict(states))
    outputs, tapes = scratch.run(config, lstm_params(params), batch)
    Y = _features(config, recipe, outputs)
    Z = Y @ params["W_hq"] + params["b_q"]
    loss, dZ = _loss(recipe)(Z, target)
    rows = dZ.reshape(-1, dZ.shape[-1])
    head = Y.reshape(-1, Y.shape[-1]).T @ rows, np.ones(len(rows), config.dtype) @ rows
    cotangents = _cotangent(config, recipe, outputs, dZ @ params["W_hq"].T)
    found = scratch.pull(config, lstm_params(params), batch, tapes, cotangents).params
    return loss, {**found, **dict(zip(HEAD, head, strict=True))}, outputs.states


def is_bias(name: str) -> bool:
    """Return whether a name in d2l's layout is that of an LSTM bias."""
    return ".b_" in name


def _optimise(
    name: str,
    g: Array,
    slots: dict[str, Array],
    step: int,
    recipe: Recipe,
    config: Config,
    prepare: Callable[[Any], Any],
) -> Array:
    """Return the change of one array, and update the optimiser's slots for it."""
    if recipe.optimizer == "sgd":
        return recipe.rate * g
    if recipe.optimizer == "momentum":
        m = slots[f"{name} momentum"] = recipe.momentum * slots.get(f"{name} momentum", 0 * g) + g
        return recipe.rate * m
    if recipe.optimizer == "adam":
        return _adam(name, g, slots, step, recipe, config, prepare)
    assert_never(recipe.optimizer)


def _adam(
    name: str,
    g: Array,
    slots: dict[str, Array],
    step: int,
    recipe: Recipe,
    config: Config,
    prepare: Callable[[Any], Any],
) -> Array:
    """Return the change of one array by Algorithm 1 of Kingma and Ba, and update its moments."""
    beta_1, beta_2 = (np.asarray(b, config.dtype) for b in (recipe.beta_1, recipe.beta_2))
    m, v = (slots.get(f"{name} {moment}", 0 * g) for moment in ("m", "v"))
    m = slots[f"{name} m"] = beta_1 * m + (1 - beta_1) * g
    v = slots[f"{name} v"] = beta_2 * v + (1 - beta_2) * (g * g)
    m_hat = m / (1 - prepare(beta_1) ** step)
    v_hat = v / (1 - prepare(beta_2) ** step)
    change: Array = recipe.rate * m_hat / (np.sqrt(v_hat) + recipe.epsilon)
    return change


def _clip(
    gradients: dict[str, Array], weights: dict[str, int], clip: float | None, dtype: str
) -> tuple[Array, Any]:
    """Return the norm over all arrays, and the factor that clips them."""
    flat = {name: g.reshape(-1) for name, g in gradients.items()}
    squares = [(g @ g) * weights[name] for name, g in flat.items()]
    norm = np.sqrt(sum(squares[1:], start=squares[0]))
    if clip is None:
        return norm, 1
    return norm, np.minimum(np.asarray(1, dtype), clip / norm)


def _loss(recipe: Recipe) -> Callable[[Array, Array], tuple[Array, Array]]:
    if recipe.loss == "cross_entropy":
        return _cross_entropy
    if recipe.loss == "squared_error":
        return _squared_error
    assert_never(recipe.loss)


def _cross_entropy(Z: Array, codes: Array) -> tuple[Array, Array]:
    """Return the mean cross-entropy over all steps and sequences, and its gradient."""
    rows, target = Z.reshape(-1, Z.shape[-1]), codes.reshape(-1)
    n, size = rows.shape
    highest = functools.reduce(np.maximum, np.split(rows, size, -1))
    shifted = rows - highest
    powers = np.exp(shifted)
    totals = powers @ np.ones((size, 1), Z.dtype)
    losses = np.log(totals)[:, 0] - shifted[np.arange(n), target]
    dZ = (powers / totals - one_hot(target, size, str(Z.dtype))) / n
    return _mean(losses), dZ.reshape(Z.shape)


def _squared_error(Z: Array, target: Array) -> tuple[Array, Array]:
    """Return the mean squared error over all predictions, and its gradient."""
    error = Z - target.astype(Z.dtype)
    flat = error.reshape(-1)
    return _mean(flat * flat), error * 2 / error.size


def _mean(array: Array) -> Array:
    """Return the mean as a product with ones, since a sum rounds differently from its budget."""
    mean: Array = (np.ones(array.shape[0], array.dtype) @ array) / array.shape[0]
    return mean


def _inputs(config: Config, recipe: Recipe, x: Array) -> Array:
    if recipe.has_symbols:
        return one_hot(x, config.input_size, config.dtype)
    return x.astype(config.dtype)


def _features(config: Config, recipe: Recipe, outputs: Outputs) -> Array:
    """Return the inputs of the output layer: every step's Y, or the top layer's last H."""
    if recipe.has_symbols:
        return outputs.y
    return np.concatenate([outputs.states["h"][k] for k in _top(config)], -1)


def _cotangent(config: Config, recipe: Recipe, outputs: Outputs, dY: Array) -> Outputs:
    """Return the cotangent of all outputs, given the gradient of the output layer's inputs."""
    cotangents = map_states(outputs, np.zeros_like)
    if recipe.has_symbols:
        return dataclasses.replace(cotangents, y=dY)
    for k, part in zip(_top(config), np.split(dY, config.directions, -1), strict=True):
        cotangents.states["h"][k] = part
    return dataclasses.replace(cotangents, y=np.zeros_like(outputs.y))


def _top(config: Config) -> range:
    """Return the indices of the top layer's cells."""
    return range(config.cells)[-config.directions :]
