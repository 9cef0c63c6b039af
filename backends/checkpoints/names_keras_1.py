"""Recurrent layers of Keras 1, by the names in its files: `lstm_1_W_i`, or `lstm_1_W`.

A layer has an array for each gate, or with `consume_less="gpu"` all gates side by side. Source:
`keras/layers/recurrent.py` of Keras 1.2.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import FoundLayer, found_lstm
from gateparity.layouts.keras import KERAS
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.checkpoints.contents import StoredArray

OWN: Final = re.compile(
    r"(?P<layer>(?:.*/)?\w+?_[0-9]+)_(?P<side>[WUb])(?:_(?P<gate>[ifcozrh]))?(?::0)?", re.DOTALL
)
GATES: Final = {frozenset("ifco"): "LSTM", frozenset("zrh"): "GRU"}
FUSED: Final = {4: "LSTM", 3: "GRU", 1: "RNN"}  # by the gates side by side in U
SIDES: Final = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
# One array a gate; the candidate is called c.
KERAS_1: Final = Layout(
    "keras_1",
    (
        ArraySpec("W_{gate}", "w_ih", "input hidden"),
        ArraySpec("U_{gate}", "w_hh", "unit hidden"),
        ArraySpec("b_{gate}", "b", "hidden"),
    ),
    gates=("i", "f", "c", "o"),
    always_biased=True,
)


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have Keras 1's names, each direction by itself."""
    groups: dict[tuple[str, bool], dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        if own := OWN.fullmatch(whole):
            end = f"_{own['gate']}" if own["gate"] else ""
            groups.setdefault((own["layer"], bool(end)), {})[own["side"] + end] = array
    found = [_layer(path, group, each=each) for (path, each), group in groups.items()]
    return [layer for layer in found if layer]


def _layer(path: str, group: dict[str, StoredArray], *, each: bool) -> FoundLayer | None:
    """Return the layer of some arrays, or None if they are another layer's."""
    path = path.rpartition("/")[2]
    kernels = [name for name in group if name.startswith("U")]
    if not kernels or any(len(group[name].shape) != 2 for name in kernels):
        return None
    units, columns = group[kernels[0]].shape
    if each:
        kind = GATES.get(frozenset(name[-1] for name in kernels), "")
        arrays, layout = group, KERAS_1
    else:
        kind = FUSED.get(columns // units, "") if units and columns % units == 0 else ""
        arrays = {f"lstm_0/lstm_cell/{SIDES[name]}": array for name, array in group.items()}
        layout = KERAS
    if kind == "LSTM":
        return found_lstm(path, layout, arrays)
    inputs = group.get(kernels[0].replace("U", "W"))
    if not kind or inputs is None or len(inputs.shape) != 2:
        return None
    return FoundLayer(path, kind, inputs.shape[0], units, arrays=group)
