"""Ports that are wrong in one way, in every framework: with wrong weights, or with a wrong call.

`WEIGHTS` changes weights, which any framework can hold. `CALLS` has for each framework classes that
compute something else with right weights, and `INEXPRESSIBLE` says why a framework has none.
"""

import dataclasses

import numpy as np

from gateparity.network.parameters import fields
from tests.live import wrong_functions, wrong_layers


def reordered(cell):
    order = ["ifgo".index(gate) for gate in "iofg"]
    return dataclasses.replace(cell, **{n: a[order] for n, a in fields(cell).items()})


def without_b_hh(cell):
    return dataclasses.replace(cell, b_hh=np.zeros_like(cell.b_hh))


def transposed(cell):
    return dataclasses.replace(cell, w_hh=np.ascontiguousarray(cell.w_hh.swapaxes(1, 2)))


WEIGHTS = {
    "gate order": (reordered, "the gates of layer 1 in the order i, o, f, g"),
    "recurrent bias": (without_b_hh, "the recurrent bias of layer 1 left out"),
    "W_hh transposed": (transposed, "W_hh of layer 1 transposed"),
}

EXCHANGED = "h_0 and c_0 exchanged"
NOT_REVERSED = "backward layer not reversed"
NOT_FLIPPED = "outputs not flipped back"
BATCH_FIRST = "batch-first confused"

SENTENCES = {
    EXCHANGED: "b behaves exactly as if h_0 and c_0 had changed places",
    NOT_REVERSED: "b behaves exactly as if the reverse direction ran from the first step to the",
    NOT_FLIPPED: "b behaves exactly as if the reverse direction's outputs began with its own first",
    BATCH_FIRST: r"b behaves exactly as if x and y were \(batch, time, features\): batch-first was",
}
# A cell is called step by step, so it takes one state for the other at every step.
_OF_CELLS = {EXCHANGED: "b behaves exactly as if h and c had changed places at every step"}
CELL_SENTENCES = dict.fromkeys(("torch cell", "keras cell", "nnx cell", "equinox"), _OF_CELLS)


CALLS = {
    "torch": {
        EXCHANGED: wrong_layers.torch_exchanged,
        NOT_REVERSED: wrong_layers.torch_not_reversed,
        NOT_FLIPPED: wrong_layers.torch_not_flipped,
        BATCH_FIRST: wrong_layers.torch_batch_first,
    },
    "torch cell": {EXCHANGED: wrong_layers.torch_cell_exchanged},
    "keras": {
        EXCHANGED: wrong_layers.keras_exchanged,
        NOT_REVERSED: wrong_layers.keras_not_reversed,
        NOT_FLIPPED: wrong_layers.keras_not_flipped,
        BATCH_FIRST: wrong_layers.keras_batch_first,
    },
    "keras cell": {EXCHANGED: wrong_layers.keras_cell_exchanged},
    "nnx": {
        EXCHANGED: wrong_functions.nnx_exchanged,
        NOT_REVERSED: wrong_functions.nnx_not_reversed,
        NOT_FLIPPED: wrong_functions.nnx_not_flipped,
        BATCH_FIRST: wrong_functions.nnx_batch_first,
    },
    "nnx cell": {EXCHANGED: wrong_functions.nnx_cell_exchanged},
    "linen": {
        EXCHANGED: wrong_functions.linen_exchanged,
        NOT_REVERSED: wrong_functions.linen_not_reversed,
        NOT_FLIPPED: wrong_functions.linen_not_flipped,
        BATCH_FIRST: wrong_functions.linen_batch_first,
    },
    "equinox": {EXCHANGED: wrong_functions.equinox_exchanged},
    "onnx": {
        EXCHANGED: wrong_functions.onnx_exchanged,
        NOT_REVERSED: wrong_functions.onnx_not_reversed,
        NOT_FLIPPED: wrong_functions.onnx_not_flipped,
        BATCH_FIRST: wrong_functions.onnx_batch_first,
    },
}

_CELL = {
    NOT_REVERSED: "a cell runs in one direction, and its caller chooses it",
    NOT_FLIPPED: "a cell returns the outputs of one step, which have no order",
    BATCH_FIRST: "a cell takes one step, which has no axis of time",
}
INEXPRESSIBLE = dict.fromkeys(("torch cell", "keras cell", "nnx cell", "equinox"), _CELL)
