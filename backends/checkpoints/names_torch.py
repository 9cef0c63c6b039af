"""PyTorch's recurrent layers, by the names of a state_dict: `weight_ih_l0`, or `weight_ih`.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray, found_lstm
from gateparity.backends.checkpoints.dtypes import FLOATS
from gateparity.layouts.torch import TORCH, TORCH_CELL
from gateparity.network.cells import LSTM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.packing.layout import Layout

OWN: Final = re.compile(
    r"(?P<path>(?:.*\.)?)"
    r"(?P<name>(?:weight|bias)_(?:ih|hh|hr)(?P<layer>_l(?P<number>[0-9]{1,4})(?:_reverse)?)?)",
    re.DOTALL,
)
KINDS: Final = {len(LSTM.gates): "LSTM", 3: "GRU", 1: "RNN"}  # by the gates stacked in weight_hh


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have PyTorch's names, a cell that shares a path before its layer."""
    groups: dict[tuple[str, bool], dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        if own := OWN.fullmatch(whole):
            group = groups.setdefault((own["path"], own["layer"] is None), {})
            group[own["name"]] = array
    return [
        _layer(path.removesuffix("."), TORCH_CELL if cell else TORCH, group)
        for (path, cell), group in groups.items()
        if ("weight_ih" if cell else "weight_ih_l0") in group
    ]


def _layer(path: str, layout: Layout, group: Mapping[str, StoredArray]) -> FoundLayer:
    kind = _kind(group, layout)
    if kind == "LSTM":
        return found_lstm(path, layout, group, refusal=_refusal(group))
    first, hidden = (group[name].shape[-1] for name in _weights(layout))
    numbers = {own["number"] for own in map(OWN.fullmatch, group) if own}
    directions = 2 if any(name.endswith("_reverse") for name in group) else 1
    return FoundLayer(
        path,
        kind,
        first,
        hidden,
        arrays=group,
        layers=len(numbers),
        directions=directions,
        biases=any("bias" in name for name in group),
    )


def _weights(layout: Layout) -> tuple[str, str]:
    end = "_l0" if layout is TORCH else ""
    return f"weight_ih{end}", f"weight_hh{end}"


def _kind(group: Mapping[str, StoredArray], layout: Layout) -> str:
    """Return the kind of network, from its gate count.

    Arrays that don't decide it count as an LSTM, and the layout then says what is wrong.
    """
    shapes = [group[name].shape for name in _weights(layout) if name in group]
    if len(shapes) != 2 or any(len(shape) != 2 for shape in shapes):
        return "LSTM"
    rows, units = shapes[1]
    return next((kind for gates, kind in KINDS.items() if rows == gates * units), "LSTM")


def _refusal(group: Mapping[str, StoredArray]) -> str:
    """Return why arrays can't be an LSTM's numbers, whatever their shapes."""
    odd = (f"{name} is {a.dtype}" for name, a in group.items() if a.dtype not in FLOATS)
    return next((f"{words}, expected floats" for words in odd), "")
