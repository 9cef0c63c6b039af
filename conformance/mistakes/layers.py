"""Mistakes with stacked layers: whose weights are used, and how much of the stack runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.directions import from_cell, in_upper_layers
from gateparity.conformance.mistakes.final_states import last_layer
from gateparity.conformance.mistakes.initial_states import first_layer
from gateparity.conformance.mistakes.mistake import TWO_LAYERS, alike
from gateparity.conformance.mistakes.transpose import pull_back
from gateparity.conformance.mistakes.weights import BIASES
from gateparity.conformance.mistakes.wrappers import Wrapper
from gateparity.network.batch import Batch, Trace, map_arrays, map_states

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Found, Wrappable
    from gateparity.network.batch import Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters


def _one_layer(config: Config) -> Config:
    return dataclasses.replace(config, layers=1)


def _first(config: Config, params: Parameters, batch: Batch) -> tuple[Parameters, Batch]:
    """Keep what the first layer takes."""
    return params[: config.directions], map_states(batch, lambda s: s[: config.directions])


def _repeated(found: Outputs, config: Config) -> Outputs:
    """Give every layer the final states of the first."""
    return map_states(found, lambda state: last_layer(state, config))


def _first_forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    found = lstm.forward(_one_layer(config), *_first(config, params, batch))
    return _repeated(found, config)


def _first_gates(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Trace:
    found = lstm.gates(_one_layer(config), *_first(config, params, batch))
    return map_arrays(lambda array: first_layer(array, config), found)


def _first_gradients(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
) -> Found:
    one = map_states(cotangent, lambda state: state[: config.directions])
    cotangents = pull_back(lambda found: _repeated(found, config), cotangent, like=one)
    d_first = lstm.gradients(_one_layer(config), *_first(config, params, batch), cotangents)
    given = params, Batch(batch.x, cotangent.states)  # states have that shape, given or not
    return pull_back(lambda all_layers: _first(config, *all_layers), d_first, like=given)


def _mirrored(k: int, config: Config) -> int:
    layer, direction = divmod(k, config.directions)
    return (config.layers - 1 - layer) * config.directions + direction


_LAYERS: Rows = {
    "recurrent kernels of the layers reversed": (
        "the recurrent kernels of the layers stood from the top one down",
        from_cell(("w_hh",), _mirrored),
    ),
    "recurrent kernels of the first layer": (
        "every layer had the first one's recurrent kernels",
        from_cell(("w_hh",), lambda k, config: k % config.directions),
    ),
    "no biases above the first layer": (
        "the first layer alone had biases",
        in_upper_layers(BIASES, lambda b, _: np.zeros_like(b)),
    ),
    "first layer alone": (
        "the first layer's results were those of all",
        Wrapper(_first_forward, _first_gates, _first_gradients),
    ),
}

LAYER_MISTAKES: Final = alike("layers", "every number of several layers", TWO_LAYERS, _LAYERS)
