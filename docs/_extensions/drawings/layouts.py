"""The same weights in each framework, drawn from gateparity's own layouts.

Every number of an LSTM is its gate here, and the layout packs those. So the colours show where a
framework keeps each gate, and nothing is drawn from memory.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from _extensions.drawings.shapes import GATES, box, legend, svg, text
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

_SHOWN = ("torch", "keras", "tf1", "flax", "nnx_optimized", "mxnet", "onnx")
_CONFIG = Config(3, 2, 1, 1, dtype="float32")
_UNIT, _GAP, _LEFT = 10, 12, 132


def draw() -> str:
    """Return the drawing: a line for each layout, its arrays side by side."""
    parts, y = [legend(_LEFT, 20, ((f"gate-{g}", word) for g, word in GATES.items()), 120)], 44.0
    for name in _SHOWN:
        arrays = packed(name)
        height = max(_size(a)[0] for a in arrays.values())
        parts += [text(8, y + height / 2 + 5, name, "", "start")]
        x = float(_LEFT)
        for array in arrays.values():
            parts += _grid(x, y, array)
            x += _size(array)[1] + _GAP
        y += height + 22
    return svg(720, y, "Where each framework keeps the four gates of the same LSTM", parts)


def packed(name: str) -> dict[str, Any]:
    """Return a layout's arrays by name; each number is the gate that it belongs to, from 0."""
    layout = dataclasses.replace(LAYOUTS[name], forget_offset=0.0)
    one_bias = any(tensor.contents == "b" for tensor in layout.tensors)  # the sum of the two

    def gates(field: str, shape: tuple[int, ...]) -> Any:
        numbers = np.arange(4.0).reshape(4, *[1] * (len(shape) - 1))
        return np.broadcast_to(numbers * (field != "b_hh" or not one_bias), shape).astype("float32")

    return layout.pack(build_parameters(_CONFIG, gates), _CONFIG)


def _size(array: Any) -> tuple[int, int]:
    rows, columns = _flat(array).shape
    return rows * _UNIT, columns * _UNIT


def _flat(array: Any) -> Any:
    return array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array[None, :]


def _grid(x: float, y: float, array: Any) -> list[str]:
    letters = list(GATES)
    return [
        box(x + column * _UNIT, y + row * _UNIT, _UNIT, _UNIT, f"gate-{letters[int(gate)]}")
        for (row, column), gate in np.ndenumerate(_flat(array))
    ]
