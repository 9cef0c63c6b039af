"""The same weights in each framework, drawn from gateparity's own layouts.

Every number of an LSTM is its gate here, and the layout packs those. So the colours show where a
framework keeps each gate, and nothing is drawn from memory.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from _extensions.drawings.shapes import GATES, box, legend, svg, text
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN: Final = ("torch", "keras", "flax", "mxnet", "tf1", "onnx", "chainer")
_CONFIG: Final = Config(3, 2, 1, 1, dtype="float32")
_UNIT, _GAP, _LEFT, _TOP = 12, 14, 168, 46
_LABELS: Final = {
    "w_ih": "W_{ih}",
    "w_hh": "W_{hh}",
    "w": "[W_{ih}, W_{hh}]",
    "b_ih": "b_{ih}",
    "b_hh": "b_{hh}",
    "b": "b_{ih} + b_{hh}",
    "b_pair": "[b_{ih}, b_{hh}]",
}


def draw() -> str:
    """Return the drawing: a row for each layout, its arrays side by side."""
    kinds = ((f"gate-{gate}", f"{gate}, {word}") for gate, word in GATES.items())
    parts, y = [legend(_LEFT, 18, kinds, 130)], float(_TOP)
    for name in SHOWN:
        row, height = _row(name, y)
        parts += row
        y += height + 38
    title = "Where each framework keeps the four gates of one LSTM of 3 inputs and 2 units"
    return svg(720, y - 14, title, parts)


def packed(name: str) -> dict[str, Any]:
    """Return a layout's arrays by name; each number is the gate that it belongs to, from 0."""
    layout = dataclasses.replace(LAYOUTS[name], forget_offset=0.0)
    one_bias = any(tensor.contents == "b" for tensor in layout.tensors)  # the sum of the two

    def gates(field: str, shape: tuple[int, ...]) -> Any:
        numbers = np.arange(4.0).reshape(4, *[1] * (len(shape) - 1))
        return np.broadcast_to(numbers * (field != "b_hh" or not one_bias), shape).astype("float32")

    return layout.pack(build_parameters(_CONFIG, gates), _CONFIG)


def _row(name: str, y: float) -> tuple[list[str], float]:
    """Return a layout's row and its height: the arrays of each kind under the kind's label."""
    layout = LAYOUTS[name]
    title = layout.origin.title.partition(" ")[0].rpartition(".")[2] if layout.origin else ""
    parts, x, height = [], float(_LEFT), 0
    for contents, arrays in _kinds(name):
        parts.append(text(x, y, _LABELS[contents], "small", "start"))
        for array in arrays:
            parts += _cells(x, y + 8, array)
            height = max(height, len(array) * _UNIT)
            x += array.shape[1] * _UNIT + (4 if len(arrays) > 1 else 0)
        x += _GAP
    middle = y + 8 + height / 2
    parts += [
        text(8, middle - 2, name, "", "start"),
        text(8, middle + 14, title, "code", "start"),
    ]
    return parts, height


def _kinds(name: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield the arrays of each kind of contents, as rows and columns."""
    layout, arrays = LAYOUTS[name], packed(name)
    for tensor in layout.tensors:
        alone = dataclasses.replace(layout, tensors=(tensor,))
        names = [array.name for array in alone.native_arrays(_CONFIG)]
        flat = [np.squeeze(arrays[n]) for n in names]
        yield tensor.contents, [a if a.ndim > 1 else a[None, :] for a in flat]


def _cells(x: float, y: float, array: Any) -> list[str]:
    letters = list(GATES)
    return [
        box(x + k * _UNIT, y + j * _UNIT, _UNIT, _UNIT, f"cell gate-{letters[int(gate)]}")
        for (j, k), gate in np.ndenumerate(array)
    ]
