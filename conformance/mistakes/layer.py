"""Mistakes with stacked layers: whose weights are used, and how much of the stack runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.adapter import Outputs, Trace
from gateparity.conformance.mistakes.bend import Bend
from gateparity.conformance.mistakes.direction import from_cell, in_upper_layers
from gateparity.conformance.mistakes.final import last_layer
from gateparity.conformance.mistakes.initial import first_layer, map_states, sum_of_layers
from gateparity.conformance.mistakes.mistake import TWO_LAYERS, alike
from gateparity.conformance.mistakes.weight import BIASES
from gateparity.parameters import fields

if TYPE_CHECKING:
    from gateparity.adapter import Batch
    from gateparity.config import Config
    from gateparity.conformance.mistakes.bend import Bendable, Found
    from gateparity.parameters import Parameters


def _one_layer(batch: Batch, config: Config) -> tuple[Config, Batch]:
    one = dataclasses.replace(config, layers=1)
    return one, map_states(batch, lambda states: states[: config.directions])


def _first_forward(lstm: Bendable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    one, first = _one_layer(batch, config)
    found = lstm.forward(one, params[: config.directions], first)
    return Outputs(found.y, last_layer(found.h_n, config), last_layer(found.c_n, config))


def _first_gates(lstm: Bendable, config: Config, params: Parameters, batch: Batch) -> Trace:
    one, first = _one_layer(batch, config)
    found = lstm.gates(one, params[: config.directions], first)
    return Trace(**{name: first_layer(array, config) for name, array in vars(found).items()})


def _first_gradients(
    lstm: Bendable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
) -> Found:
    one, first = _one_layer(batch, config)
    h_n, c_n = (sum_of_layers(s, config)[0] for s in (cotangent.h_n, cotangent.c_n))
    heads = Outputs(cotangent.y, h_n, c_n)
    d_params, d = lstm.gradients(one, params[: config.directions], first, heads)
    unused = [
        dataclasses.replace(cell, **{n: np.zeros_like(a) for n, a in fields(cell).items()})
        for cell in params[config.directions :]
    ]
    spread = map_states(d, lambda s: np.concatenate([s, *[np.zeros_like(s)] * (config.layers - 1)]))
    return (*d_params, *unused), spread


def _mirrored(k: int, config: Config) -> int:
    layer, direction = divmod(k, config.directions)
    return (config.layers - 1 - layer) * config.directions + direction


LAYER_MISTAKES: Final = alike(
    "layers",
    "every number of several layers",
    TWO_LAYERS,
    (
        "recurrent kernels of the layers reversed",
        "the recurrent kernels of the layers stood from the top one down",
        from_cell(("w_hh",), _mirrored),
    ),
    (
        "recurrent kernels of the first layer",
        "every layer had the first one's recurrent kernels",
        from_cell(("w_hh",), lambda k, config: k % config.directions),
    ),
    (
        "no biases above the first layer",
        "the first layer alone had biases",
        in_upper_layers(BIASES, lambda b, _: np.zeros_like(b)),
    ),
    (
        "first layer alone",
        "the first layer's results were those of all",
        Bend(_first_forward, _first_gates, _first_gradients),
    ),
)
