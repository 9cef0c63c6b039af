"""The kind of a recurrent layer whose gates are stacked, from the shapes of its first weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.contents import FoundLayer, found_lstm
from gateparity.backends.checkpoints.dtypes import FLOATS
from gateparity.network.cells import LSTM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.backends.checkpoints.contents import StoredArray
    from gateparity.packing.layout import Layout

GATES: Final = {"LSTM": len(LSTM.gates), "GRU": 3, "RNN": 1}


def found_recurrent(
    path: str,
    layout: Layout,
    arrays: Mapping[str, StoredArray],
    weights: tuple[str, str],
    layers: int = 1,
    directions: int = 1,
    oddities: Sequence[str] = (),
) -> FoundLayer:
    """Return the layer that arrays are; `weights` name `(gates * hidden, input)` and the recurrent.

    Shapes that don't decide its kind count as an LSTM, and the layout then says what is wrong.
    """
    w_ih, w_hh = (arrays[name].shape if name in arrays else () for name in weights)
    rows, units = w_hh if len(w_hh) == 2 else (0, 0)
    kind = next((kind for kind, gates in GATES.items() if rows == gates * units), "LSTM")
    sizes: dict[str, Any] = {
        "input_size": w_ih[-1] if w_ih else 0,
        "hidden_size": w_ih[0] // GATES[kind] if w_ih else 0,
        "layers": layers,
        "directions": directions,
        "biases": any("bias" in name for name in arrays),
    }
    if kind != "LSTM":
        return FoundLayer(path, kind, arrays=arrays, oddities=tuple(oddities), **sizes)
    found = found_lstm(path, layout, arrays, oddities, _refusal(arrays))
    return dataclasses.replace(found, **sizes) if found.refusal else found


def _refusal(arrays: Mapping[str, StoredArray]) -> str:
    """Return why arrays can't be an LSTM's numbers, whatever their shapes."""
    odd = (f"{name} is {a.dtype}" for name, a in arrays.items() if a.dtype not in FLOATS)
    return next((f"{words}, expected floats" for words in odd), "")
