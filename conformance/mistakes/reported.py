"""Mistakes in what is reported: the trace of the gates, and the weights that are read back.

Outputs and gradients are right.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.masks import is_live
from gateparity.conformance.mistakes.mistake import TRACE, WEIGHTS, alike
from gateparity.conformance.mistakes.weights import BIASES, KERNELS, at, on_weights
from gateparity.conformance.mistakes.wrappers import Wrapper, on_trace
from gateparity.network.batch import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Wrappable
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, CellWeights, Parameters

IFOG: Final = [0, 1, 3, 2]


def _on_arrays(names: tuple[str, ...], change: Callable[[Array], Array]) -> Wrapper:
    return on_trace(
        lambda trace, *_: dataclasses.replace(trace, **{n: change(vars(trace)[n]) for n in names})
    )


def _without_biases(trace: Trace, params: Parameters, _: Config) -> Trace:
    z = [_less(trace.z[k], cell) for k, cell in enumerate(params)]
    return dataclasses.replace(trace, z=np.stack(z))


def _less(z: Array, cell: CellWeights) -> Array:
    if cell.b_ih is None or cell.b_hh is None:
        return z
    bare: Array = z - (cell.b_ih + cell.b_hh)[:, None]
    return bare


def _in_processing_order(trace: Trace, _: Parameters, config: Config) -> Trace:
    def turn(array: Array) -> Array:
        reverse = [k % config.directions == 1 for k in range(config.cells)]
        return np.stack([np.flip(array[k], 0) if r else array[k] for k, r in enumerate(reverse)])

    return Trace(**{name: turn(array) for name, array in vars(trace).items()})


def _on_past_the_end(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Trace:
    mask = is_live(batch)
    full = vars(lstm.gates(config, params, dataclasses.replace(batch, lengths=None)))
    there = {"z": mask[:, None], "gates": mask[:, None], "c": mask, "h": mask}
    right = vars(lstm.gates(config, params, batch))
    return Trace(**{name: np.where(there[name], right[name], full[name]) for name in right})


_TRACE: Rows = {
    "trace packed i, f, o, g": (
        "gates were traced in the order i, f, o, g",
        _on_arrays(("z", "gates"), lambda array: array[:, :, IFOG]),
    ),
    "trace a step late": (
        "states were traced one step late, the last ones first",
        _on_arrays(("c", "h"), lambda array: np.roll(array, 1, 1)),
    ),
    "trace without biases": (
        "pre-activations were traced before the biases were added",
        on_trace(_without_biases),
    ),
    "trace before activations": (
        "gates were traced before their activations",
        on_trace(lambda trace, *_: dataclasses.replace(trace, gates=trace.z)),
    ),
    "trace before the output gate": (
        "h was traced before the output gate, as tanh(c)",
        on_trace(lambda trace, *_: dataclasses.replace(trace, h=np.tanh(trace.c))),
    ),
    "trace in processing order": (
        "the reverse direction was traced from its own first step",
        on_trace(_in_processing_order),
    ),
    "trace runs on": ("the trace went on past each end", Wrapper(gates=_on_past_the_end)),
}

_WEIGHTS: Rows = {
    "weights come back packed i, f, o, g": (
        "weights came back packed i, f, o, g",
        on_weights(KERNELS + BIASES, lambda array: array[IFOG]),
    ),
    "recurrent kernels come back transposed": (
        "the recurrent kernels came back transposed",
        on_weights(("w_hh",), lambda w: np.swapaxes(w, 1, 2)),
    ),
    "b_hh lost on the way back": ("b_hh came back as zeros", on_weights(("b_hh",), np.zeros_like)),
    "forget offset on the way back": (
        "the forget gate's bias came back with an offset of 1",
        on_weights(("b_ih",), lambda b: np.where(at("f"), b + 1, b)),
    ),
    "weights never loaded": (
        "the weights that came back had never been set",
        on_weights(KERNELS + BIASES, np.zeros_like),
    ),
}

TOLD_MISTAKES: Final = (
    *alike(
        "trace",
        "what is reported of pre-activations, gates and states",
        TRACE,
        _TRACE,
        path="forward",
    ),
    *alike("layout", "weights that are read back", WEIGHTS, _WEIGHTS, path="forward"),
)
