"""PyTorch's recurrent layers, by the names of a state_dict: `weight_ih_l0`, or `weight_ih`.

Equinox's LSTMCell has a cell's names, with a single bias. Ports to NumPy say `w_ih` for a cell's.
Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.kinds import found_recurrent
from gateparity.layouts.jax import EQUINOX
from gateparity.layouts.torch import TORCH, TORCH_CELL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray

    Group = dict[str, StoredArray]  # the arrays of one layer, by PyTorch's names

OWN: Final = re.compile(
    r"(?P<path>(?:.*\.)?)(?P<name>(?:weight|bias)_(?:ih|hh|hr)(?P<end>_l[0-9]{1,4}(?:_reverse)?)?)",
    re.DOTALL,
)
PORT: Final = re.compile(r"(?P<path>(?:.*[._/])?)(?P<kind>w|b)_(?P<side>ih|hh)", re.DOTALL)
PORTED: Final = {"w": "weight", "b": "bias"}


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
    layout = TORCH if first != "weight_ih" else EQUINOX if "bias" in group else TORCH_CELL
    projection = group.get("weight_hr_l0")
    return found_recurrent(
        path.rstrip("._/"),
        layout,
        group,
        (first, first.replace("ih", "hh")),
        len({name.split("_")[2] for name in group if name.count("_") > 1}) or 1,
        2 if any(name.endswith("_reverse") for name in group) else 1,
        [f"projection to {projection.shape[0]}"] if projection and projection.shape else [],
    )
