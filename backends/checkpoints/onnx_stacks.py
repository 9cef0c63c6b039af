"""Recurrent units of an ONNX model, joined: shared weights once, and layers that feed one another.

ONNX's operator is one layer. Exporters write an LSTM of several layers as several operators, with
Transpose, Reshape or Squeeze between them. A cell that is written out for each step of time, or in
both branches of If, occurs several times with the same weights.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.backends.checkpoints.contents import FoundLayer, found_lstm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.backends.checkpoints.onnx_unit import Unit
    from gateparity.packing.layout import Layout


def join(units: Iterable[Unit]) -> tuple[FoundLayer, ...]:
    """Return the layers that units form, each under a path of its own."""
    layers, seen = [], dict[str, int]()
    for stack in _stacks(_shared(units)):
        layer = _layer(stack)
        count = seen[layer.path] = seen.get(layer.path, 0) + 1
        path = f"{layer.path}_{count}" if count > 1 else layer.path
        layers.append(dataclasses.replace(layer, path=path))
    return tuple(layers)


def _shared(units: Iterable[Unit]) -> list[Unit]:
    """Return each unit once: those with the same weights are one, wherever they occur."""
    found: dict[object, Unit] = {}
    for unit in units:
        first = found.setdefault(unit.key, unit)
        if first is not unit:
            found[unit.key] = dataclasses.replace(
                first,
                reads=first.reads | unit.reads,
                writes=first.writes | unit.writes,
                oddities=tuple(dict.fromkeys(first.oddities + unit.oddities)),
            )
    return list(found.values())


def _stacks(units: Sequence[Unit]) -> list[list[Unit]]:
    """Return units in the order in which they feed one another, where that is only one way."""
    after = {
        k: [n for n, other in enumerate(units) if unit.feeds(other)] for k, unit in enumerate(units)
    }
    before = {n: k for k, following in after.items() if len(following) == 1 for n in following}
    first = [k for k in after if k not in before]
    stacks = []
    for k in [*first, *after]:  # those in a circle have no first one, and stay apart
        stack, n = [], k
        while n in after:
            following = after.pop(n)
            stack.append(units[n])
            n = following[0] if k in first and len(following) == 1 else -1
        if stack:
            stacks.append(stack)
    return stacks


def _layer(stack: Sequence[Unit]) -> FoundLayer:
    unit = stack[0]
    path = _path([each.path for each in stack])
    oddities = tuple(dict.fromkeys(word for each in stack for word in each.oddities))
    arrays = {
        f"{name}_{k}" if k else name: constant.array
        for k, each in enumerate(stack)
        for name, constant in each.arrays.items()
    }
    refusal = unit.refusal
    if unit.layout and arrays:
        layout = _stacked(unit.layout) if len(stack) > 1 else unit.layout
        found = found_lstm(path, layout, arrays, oddities, refusal)
        if found.hidden_size:
            return found
        refusal = found.refusal
    return FoundLayer(
        path,
        unit.kind,
        unit.input_size,
        unit.hidden_size,
        arrays=arrays,
        layers=len(stack),
        directions=unit.directions,
        biases="B" in unit.arrays,
        oddities=oddities,
        refusal=refusal,
    )


def _path(paths: Sequence[str]) -> str:
    """Return one path for layers: "decoder/lstm_1+lstm_2", the folder once."""
    first, *others = dict.fromkeys(paths)
    folder = first.rpartition("/")[0]
    return "+".join([first, *(each.removeprefix(f"{folder}/") for each in others)])


def _stacked(layout: Layout) -> Layout:
    """Return a layout whose names tell layers apart: W, W_1, W_2."""
    tensors = tuple(
        dataclasses.replace(each, name=each.name + "{_layer}") for each in layout.tensors
    )
    return dataclasses.replace(layout, tensors=tensors)
