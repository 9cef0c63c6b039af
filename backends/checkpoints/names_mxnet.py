"""MXNet's recurrent layers, by the names of gluon's parameters: `l0_i2h_weight`, or `i2h_weight`.

`save_parameters` of MXNet 1 names the cells of a layer, `_unfused.0.l_cell.i2h_weight`.
Source: https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/rnn/index.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.kinds import found_recurrent
from gateparity.layouts.mxnet import MXNET, MXNET_CELL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray
    from gateparity.packing.layout import Layout

OWN: Final = re.compile(
    r"(?:arg:|aux:)?(?P<path>(?:.*?[._])??)"
    r"(?:(?P<side>[lr])(?P<layer>[0-9]{1,4})_"
    r"|_unfused\.(?P<number>[0-9]{1,4})\.(?:(?P<cell>[lr])_cell\.)?)?"
    r"(?P<what>(?:i2h|h2h|h2r)_(?:weight|bias))",
    re.DOTALL,
)


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have gluon's names."""
    layers: dict[str, dict[tuple[str, int, str], StoredArray]] = {}
    cells: dict[str, dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        own = OWN.fullmatch(whole)
        number = own and (own["layer"] or own["number"])
        if own and number:
            key = (own["side"] or own["cell"] or "l", int(number), own["what"])
            layers.setdefault(own["path"], {})[key] = array
        elif own:
            cells.setdefault(own["path"], {})[own["what"]] = array
    named = {path: _name(group) for path, group in layers.items()}
    return [
        *(_layer(path, group) for path, group in named.items() if "l0_i2h_weight" in group),
        *(
            _found(path, MXNET_CELL, "", group)
            for path, group in cells.items()
            if "i2h_weight" in group
        ),
    ]


def _name(group: Mapping[tuple[str, int, str], StoredArray]) -> dict[str, StoredArray]:
    """Return the arrays by the names of the layout; a dropout between two layers has a number."""
    numbers = sorted({number for _, number, _ in group})
    return {
        f"{side}{numbers.index(number)}_{what}": array
        for (side, number, what), array in group.items()
    }


def _layer(path: str, group: Mapping[str, StoredArray]) -> FoundLayer:
    layers = len({name.partition("_")[0][1:] for name in group})
    both = any(name.startswith("r") for name in group)
    return _found(path, MXNET, "l0_", group, layers, 2 if both else 1)


def _found(
    path: str,
    layout: Layout,
    first: str,
    group: Mapping[str, StoredArray],
    layers: int = 1,
    directions: int = 1,
) -> FoundLayer:
    weights = (f"{first}i2h_weight", f"{first}h2h_weight")
    projection = group.get(f"{first}h2r_weight")
    odd = [f"projection to {projection.shape[0]}"] if projection and projection.shape else []
    return found_recurrent(path.rstrip("._"), layout, group, weights, layers, directions, odd)
