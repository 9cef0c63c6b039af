"""Mistakes with the initial states: which cell and which sequence starts from which."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.mistake import (
    COMPUTES,
    TWO_CELLS,
    TWO_LAYERS,
    TWO_OF_BOTH,
    alike,
)
from gateparity.conformance.mistakes.wrappers import on_batch
from gateparity.network.batch import map_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Wrapper
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array

    Turn = Callable[[Array, Config], Array]


def on_states(turn: Turn) -> Wrapper:
    """Return a wrapper that changes h_0 and c_0 in the same way, if the batch has them."""
    return on_batch(lambda batch, config: map_states(batch, lambda s: turn(s, config)))


def rolled(step: int) -> Turn:
    """Return a function that gives each sequence its neighbour's values, `step` places away."""
    return lambda array, _: np.roll(array, step, 1)


def regrouped(array: Array, _: object = None) -> Array:
    """Reinterpret the memory as if the second axis came first, as a wrong reshape does."""
    first, second, *rest = array.shape
    return np.swapaxes(array.reshape(second, first, *rest), 0, 1)


def ungrouped(array: Array, _: object = None) -> Array:
    """Undo `regrouped`: return the array that it was given."""
    return np.swapaxes(array, 0, 1).reshape(array.shape)


def by_direction(states: Array, config: Config) -> Array:
    """Order the states with all forward ones first, then all reverse ones."""
    grouped = states.reshape(config.layers, config.directions, *states.shape[1:])
    return np.swapaxes(grouped, 0, 1).reshape(states.shape)


def by_layer(states: Array, config: Config) -> Array:
    """Undo `by_direction`."""
    grouped = states.reshape(config.directions, config.layers, *states.shape[1:])
    return np.swapaxes(grouped, 0, 1).reshape(states.shape)


def top_down(states: Array, config: Config) -> Array:
    """Order the states with the top layer first."""
    grouped = states.reshape(config.layers, config.directions, *states.shape[1:])
    return np.flip(grouped, 0).reshape(states.shape)


def first_layer(states: Array, config: Config) -> Array:
    """Return the first layer's states, repeated for each layer."""
    return np.concatenate([states[: config.directions]] * config.layers)


def _without(*names: str) -> Wrapper:
    """Return a wrapper that drops these initial states, so that the LSTM starts from zeros."""

    def change(batch: Batch, _: Config) -> Batch:
        states = (batch.states or {}).items()
        return dataclasses.replace(batch, states={n: s for n, s in states if n not in names})

    return on_batch(change)


def _exchanged(batch: Batch, *_: object) -> Batch:
    given, others = batch.states or {}, {"h": "c", "c": "h"}
    states = {name: given[other] for name, other in others.items() if other in given}
    return dataclasses.replace(batch, states=states)


_FAMILY: Final = "initial states"

_ALL: Rows = {
    "h_0 ignored": ("h_0 was zero", _without("h")),
    "c_0 ignored": ("c_0 was zero", _without("c")),
    "h_0 and c_0 ignored": ("both initial states were zero", _without("h", "c")),
    "h_0 and c_0 exchanged": ("h_0 and c_0 had changed places", on_batch(_exchanged)),
    "initial states of the next sequence": (
        "each sequence began from the initial states of the one before it in the batch",
        on_states(rolled(1)),
    ),
    "initial states of the first sequence": (
        "every sequence began from the initial states of the first",
        on_states(lambda states, _: states[:, np.zeros(states.shape[1], int)]),
    ),
}

_CELLS: Rows = {
    "initial states batch-major": (
        "h_0 and c_0 were read as (batch, cells, hidden)",
        on_states(regrouped),
    ),
}

_BOTH: Rows = {
    "initial states by direction": (
        "h_0 and c_0 had all forward states before all reverse ones",
        on_states(by_layer),
    ),
}

_LAYERS: Rows = {
    "initial states of the first layer": (
        "every layer began from the first one's initial states",
        on_states(first_layer),
    ),
    "initial states from the top": ("h_0 and c_0 had the top layer first", on_states(top_down)),
}

INITIAL_MISTAKES: Final = (
    *alike(
        _FAMILY,
        "every number after an initial state that isn't zero: all checks that compute",
        COMPUTES,
        _ALL,
    ),
    *alike(
        _FAMILY,
        "every number of several layers or directions after an initial state",
        TWO_CELLS,
        _CELLS,
    ),
    *alike(
        _FAMILY,
        "every number of several layers of two directions after an initial state",
        TWO_OF_BOTH,
        _BOTH,
    ),
    *alike(_FAMILY, "every number of several layers after an initial state", TWO_LAYERS, _LAYERS),
)
