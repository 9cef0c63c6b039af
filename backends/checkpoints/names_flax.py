"""Flax's recurrent layers, by the names of its parameters: linen's, and nnx's.

A cell is a group of dense layers: one for each gate and side, `ii` to `ho`, or one for each side,
`dense_i` and `dense_h`. Source: `flax/linen/recurrent.py` and `flax/nnx/nn/recurrent.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import FoundLayer, found_lstm
from gateparity.layouts.jax import FLAX, NNX, NNX_OPTIMIZED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.backends.checkpoints.contents import StoredArray
    from gateparity.packing.layout import Layout

OWN: Final = re.compile(
    r"(?:(?P<group>.*)[/.])?(?P<dense>[ih][fghinorz]|if_|[ih]|dense_[ih])[/.](?P<kind>kernel|bias)"
    r"(?:[/.](?:raw_)?value)?",  # of an nnx.Variable
    re.DOTALL,
)
OPTIMIZER: Final = re.compile(r"(?:.*[/.])?opt_state[/.]", re.DOTALL)  # has the same names again
DIRECTION: Final = re.compile(
    r"(?:(?P<path>.*)[/.])?(?P<way>forward|backward)_rnn[/.]cell", re.DOTALL
)
CELL: Final = re.compile(r"(?P<path>.*)[/.]cell|cell", re.DOTALL)
# The dense layers of each kind of cell, and the two that have its sizes.
KINDS: Final = {
    frozenset(("ii", "if", "ig", "io", "hi", "hf", "hg", "ho")): ("LSTM", "ii", "hi"),
    frozenset(("ii", "if_", "ig", "io", "hi", "hf", "hg", "ho")): ("LSTM", "ii", "hi"),
    frozenset(("ir", "iz", "in", "hr", "hz", "hn")): ("GRU", "in", "hn"),
    frozenset(("if", "in", "hf", "hn")): ("MGU", "in", "hn"),
    frozenset(("ih", "hh")): ("ConvLSTM", "ih", "hh"),
    frozenset(("i", "h")): ("RNN", "i", "h"),
    frozenset(("dense_i", "dense_h")): ("", "dense_i", "dense_h"),
}
FUSED: Final = {4: "LSTM", 3: "GRU", 1: "RNN"}  # by the gates side by side in `dense_h`

Cell = dict[str, "StoredArray"]  # by name in the cell: "ii/kernel"


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have Flax's names, in the order of the arrays."""
    return list(_layers({group: cell for group, cell in _cells(arrays).items() if _kind(cell)[0]}))


def _cells(arrays: Mapping[str, StoredArray]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for whole, array in arrays.items():
        own = OWN.fullmatch(whole)
        if own and not OPTIMIZER.match(whole):
            cells.setdefault(own["group"] or "", {})[f"{own['dense']}/{own['kind']}"] = array
    return cells


def _kind(cell: Cell) -> tuple[str, int, int]:
    """Return a cell's kind, "" for none, and its sizes."""
    kernels = {name.partition("/")[0]: a.shape for name, a in cell.items() if "/kernel" in name}
    kind, of_input, of_hidden = KINDS.get(frozenset(kernels), ("", "", ""))
    if not of_hidden or min(len(kernels[name]) for name in (of_input, of_hidden)) < 2:
        return "", 0, 0
    units, columns = kernels[of_hidden][-2:]
    gates, rest = divmod(columns, units or 1)
    return kind or FUSED.get(0 if rest else gates, ""), kernels[of_input][-2], units


def _layers(cells: Mapping[str, Cell]) -> Iterator[FoundLayer]:
    """Yield the layers that cells are: the two directions of a Bidirectional are one."""
    for group, cell in cells.items():
        own = DIRECTION.fullmatch(group)
        if not own:
            alone = CELL.fullmatch(group)
            yield _layer((alone["path"] or "") if alone else group, [cell])
            continue
        start, end = own.span("way")
        both = [f"{group[:start]}{way}{group[end:]}" for way in ("forward", "backward")]
        if not set(both) <= cells.keys() or len({_shape(cells[one]) for one in both}) > 1:
            yield _layer(group.removesuffix("cell").rstrip("/."), [cell])
        elif own["way"] == "forward":
            yield _layer(own["path"] or "", [cells[one] for one in both])


def _shape(cell: Cell) -> object:
    return frozenset((name, array.shape) for name, array in cell.items())


def _layer(path: str, directions: list[Cell]) -> FoundLayer:
    kind, inputs, units = _kind(directions[0])
    if kind == "LSTM":
        layout = _layout(directions[0])
        return found_lstm(path, layout, _native(layout, directions))
    return FoundLayer(
        path,
        kind,
        inputs,
        units,
        arrays={f"{d}/{name}": a for d, cell in enumerate(directions) for name, a in cell.items()},
        directions=len(directions),
        biases=any("bias" in name for name in directions[0]),
    )


def _layout(cell: Cell) -> Layout:
    if "dense_h/kernel" in cell:
        return NNX_OPTIMIZED
    return NNX if "if_/kernel" in cell else FLAX


def _native(layout: Layout, directions: list[Cell]) -> dict[str, StoredArray]:
    """Return an LSTM's arrays by the names of its layout, which begin as one cell's do."""
    start = layout.tensors[0].name.partition("cell/")[0]
    return {
        start.format(layer=0, direction=layout.directions[d]) + f"cell/{name}": array
        for d, cell in enumerate(directions)
        for name, array in cell.items()
    }
