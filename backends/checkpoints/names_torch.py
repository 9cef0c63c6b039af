"""PyTorch's recurrent layers, by the names of a state_dict: `weight_ih_l0`, or `weight_ih`.

Equinox's LSTMCell has a cell's names, with a single bias. Ports to NumPy say `w_ih` for a cell's.
Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray, found_lstm
from gateparity.backends.checkpoints.dtypes import FLOATS
from gateparity.layouts import EQUINOX, TORCH, TORCH_CELL
from gateparity.network.cells import LSTM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Group = dict[str, StoredArray]  # the arrays of one layer, by PyTorch's names

OWN: Final = re.compile(
    r"(?P<path>(?:.*\.)?)(?P<name>(?:weight|bias)_(?:ih|hh|hr)(?P<end>_l[0-9]{1,4}(?:_reverse)?)?)",
    re.DOTALL,
)
PORT: Final = re.compile(r"(?P<path>(?:.*[._/])?)(?P<kind>w|b)_(?P<side>ih|hh)", re.DOTALL)
PORTED: Final = {"w": "weight", "b": "bias"}
KINDS: Final = {len(LSTM.gates): "LSTM", 3: "GRU", 1: "RNN"}  # by the gates stacked in weight_hh
GATES: Final = {kind: gates for gates, kind in KINDS.items()}


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have PyTorch's names, and their ports'."""
    groups: dict[tuple[str, str], Group] = {}
    for whole, array in arrays.items():
        for path, first, name in _named(whole, array):
            groups.setdefault((path, first), {})[name] = array
    found = {key: group for key, group in groups.items() if key[1] in group}
    for (path, first), group in found.items():
        bias = arrays.get(f"{path}bias")
        if bias and first == "weight_ih" and not {"bias_ih", "bias_hh"} & group.keys():
            group["bias"] = bias  # Equinox's
    return [_layer(path, first, group) for (path, first), group in found.items()]


def _named(whole: str, array: StoredArray) -> Iterator[tuple[str, str, str]]:
    """Yield the path of an array's layer, the name of the layer's first array, and its own name."""
    if own := OWN.fullmatch(whole):
        yield own["path"], "weight_ih_l0" if own["end"] else "weight_ih", own["name"]
    elif (own := PORT.fullmatch(whole)) and len(array.shape) <= 2:  # canonical ones have 3 axes
        yield own["path"], "weight_ih", f"{PORTED[own['kind']]}_{own['side']}"


def _layer(path: str, first: str, group: Group) -> FoundLayer:
    path = path.rstrip("._/")
    layout = TORCH if first != "weight_ih" else EQUINOX if "bias" in group else TORCH_CELL
    kind, sizes = _sizes(group, first)
    if kind != "LSTM":
        return FoundLayer(path, kind, arrays=group, **sizes)
    found = found_lstm(path, layout, group, _oddities(group), _refusal(group))
    return dataclasses.replace(found, **sizes) if found.refusal else found


def _sizes(group: Group, first: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of network, from its gate count, and its sizes by the fields of a layer.

    Arrays that don't decide it count as an LSTM, and the layout then says what is wrong.
    """
    w_ih, w_hh = group[first].shape, group.get(first.replace("ih", "hh"), group[first]).shape
    rows, units = w_hh if len(w_hh) == 2 else (0, 0)
    kind = next((kind for gates, kind in KINDS.items() if rows == gates * units), "LSTM")
    return kind, {
        "input_size": w_ih[-1] if w_ih else 0,
        "hidden_size": w_ih[0] // GATES[kind] if w_ih else 0,
        "layers": len({name.split("_")[2] for name in group if name.count("_") > 1}) or 1,
        "directions": 2 if any(name.endswith("_reverse") for name in group) else 1,
        "biases": any(name.startswith("bias") for name in group),
    }


def _oddities(group: Group) -> list[str]:
    return [
        f"projection to {a.shape[0]}" for n, a in group.items() if n == "weight_hr_l0" and a.shape
    ]


def _refusal(group: Group) -> str:
    """Return why arrays can't be an LSTM's numbers, whatever their shapes."""
    odd = (f"{name} is {a.dtype}" for name, a in group.items() if a.dtype not in FLOATS)
    return next((f"{words}, expected floats" for words in odd), "")
