"""A layout as a picture: the arrays of a small LSTM, each element marked with its gate.

The code here knows no layout. Parameters whose values are their gate's number are packed, and the
packed arrays show where each gate lies.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.reports.layouts import (
    HOLDS,
    bias_words,
    offset_words,
    order_words,
    origin_of,
)
from gateparity.layouts import FLAX, KERAS, LAYOUTS, MXNET, MXNET2, NNX_OPTIMIZED, TORCH
from gateparity.network.config import GATES, Config
from gateparity.network.parameters import build_parameters
from gateparity.packing.array_spec import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.runs.result import Run
    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout
    from gateparity.packing.native_array import NativeArray

_SMALL: Final = Config(input_size=3, hidden_size=2, dtype="float64")
_FAR: Final = 100.0  # between the numbers of two gates: no forget offset reaches as far
_SHIPPED: Final = {
    ("torch", "layer"): TORCH,
    ("tensorflow", "layer"): KERAS,
    ("jax", "layer"): FLAX,
    ("jax", "nnx"): NNX_OPTIMIZED,
    ("mxnet", "layer"): MXNET,
}


@dataclasses.dataclass(frozen=True)
class Drawing:
    """One native array: its name, its contents, its pattern, and the gate of every element."""

    name: str
    holds: str
    pattern: str
    shape: str
    gates: tuple[str, ...]  # a string of letters for each row


@dataclasses.dataclass(frozen=True)
class Diagram:
    """A layout, the backends that have it, and its arrays."""

    name: str
    title: str
    backends: tuple[str, ...]
    order: str
    biases: str
    offset: str
    arrays: tuple[Drawing, ...]


def draw_layouts(run: Run) -> list[Diagram]:
    """Return a diagram of each layout in a run, with the labels of the backends that have it."""
    users: dict[Layout, list[str]] = {}
    for backend in run.backends:
        if layout := _layout_of(run, backend.label):
            known = LAYOUTS.get(layout.name, layout)  # which has its origin too
            users.setdefault(known if known == layout else layout, []).append(backend.label)
    return [draw_layout(layout, tuple(labels)) for layout, labels in users.items()]


def draw_layout(layout: Layout, backends: tuple[str, ...] = ()) -> Diagram:
    """Return a diagram that shows each gate's elements, for one layer in one direction."""
    return Diagram(
        layout.name,
        origin_of(layout).title,
        backends,
        order_words(layout),
        bias_words(layout),
        offset_words(layout),
        tuple(_draw(block, array) for block, array in _packed(layout)),
    )


def _layout_of(run: Run, label: str) -> Layout | None:
    """Return the layout that a backend reported.

    A backend that was read from a file gets the layout of gateparity's own adapter for it.
    """
    if label in run.layouts:
        return run.layouts[label]
    backend = next(backend for backend in run.backends if backend.label == label)
    if (backend.framework, backend.variant) == ("mxnet", "layer"):
        return MXNET2 if run.versions.get(label, "").startswith("2.") else MXNET
    if backend.variant == "scratch" and backend.shipped:
        return LAYOUTS["d2l"]
    return _SHIPPED.get((backend.framework, backend.variant))


def _packed(layout: Layout) -> Iterator[tuple[NativeArray, Array]]:
    """Yield every native array, or part of the vector, packed from gate numbers."""
    numbers = np.arange(1, len(_SMALL.cell.gates) + 1) * _FAR
    params = build_parameters(
        _SMALL,
        lambda _, shape: np.broadcast_to(
            numbers.reshape(-1, *[1] * (len(shape) - 1)), shape
        ).copy(),
    )
    native = layout.pack(params, _SMALL)
    blocks = layout.in_vector(_SMALL) if layout.vector else list(layout.native_arrays(_SMALL))
    if layout.vector:
        ends = np.cumsum([math.prod(block.shape) for block in blocks])
        parts = np.split(native[layout.vector], ends[:-1])
        native = {b.name: p.reshape(b.shape) for b, p in zip(blocks, parts, strict=True)}
    for block in blocks:
        yield block, native[block.name]


def _draw(block: NativeArray, array: Array) -> Drawing:
    contents = next(name for name, contents in CONTENTS.items() if contents == block.contents)
    summed = len(block.contents.fields) if block.contents.join == "sum" else 1
    numbers = np.rint(array / (_FAR * summed)).astype(int) - 1
    flat = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim > 1 else numbers.reshape(1, -1)
    letters = tuple("".join(GATES[g] for g in line) for line in flat)
    shape = " x ".join(map(str, array.shape))
    return Drawing(block.name, HOLDS[contents], block.pattern, shape, letters)
