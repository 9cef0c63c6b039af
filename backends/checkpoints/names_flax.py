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
    r"(?:(?P<path>.*)[/.])?(?P<before>\w*?)(?P<way>forward|backward|fwd|bwd|fw|bw)(?P<after>_?\w*)"
    r"(?:[/.]cell)?",
    re.DOTALL,
)
WAYS: Final = {"forward": "backward", "fwd": "bwd", "fw": "bw"}
RNN: Final = "rnn"  # the field of a Bidirectional is called `forward_rnn`
NUMBERED: Final = re.compile(
    r"(?P<module>(?:.*[/.])?)(?P<kind>\w*Cell)_(?P<number>\d{1,6})", re.DOTALL
)
JOINED: Final = "two directions by their shapes: what reads them takes both outputs side by side"
# Reads what a layer makes: all kernels but the recurrent ones of cells.
KERNEL: Final = re.compile(r"(?<![/.]h)(?<![/.]h[fghinorz])(?<!dense_h)[/.]kernel\b")
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
Pair = tuple[str, tuple[str, str]]  # a path, and the groups of both directions, forward first


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the layers that have Flax's names, in the order of the arrays."""
    cells = {group: cell for group, cell in _cells(arrays).items() if _kind(cell)[0]}
    return list(_layers(cells, arrays))


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


def _layers(cells: Mapping[str, Cell], arrays: Mapping[str, StoredArray]) -> Iterator[FoundLayer]:
    """Yield the layers that cells are: the two directions of a Bidirectional are one."""
    named = dict(_named_pairs(cells))
    numbered = dict(_numbered_pairs(cells, arrays))
    for path, both in [*named.items(), *numbered.items()]:
        odd = (JOINED,) if path in numbered else ()
        yield _layer(path, [cells[group] for group in both], odd)
    paired = {group for both in (*named.values(), *numbered.values()) for group in both}
    for group, cell in cells.items():
        if group not in paired:
            alone = CELL.fullmatch(group)
            yield _layer((alone["path"] or "") if alone else group, [cell])


def _named_pairs(cells: Mapping[str, Cell]) -> Iterator[Pair]:
    """Yield cells that only the words forward and backward in their names tell apart."""
    for group, cell in cells.items():
        own = DIRECTION.fullmatch(group)
        if not own or own["way"] not in WAYS:
            continue
        start, end = own.span("way")
        other = f"{group[:start]}{WAYS[own['way']]}{group[end:]}"
        if other in cells and _shape(cell) == _shape(cells[other]):
            rest = f"{own['before']}{own['after']}".strip("_")
            module = group[: own.start("before")]
            yield module[:-1] if rest in ("", RNN) else module + rest, (group, other)


def _numbered_pairs(cells: Mapping[str, Cell], arrays: Mapping[str, StoredArray]) -> Iterator[Pair]:
    """Yield cells of one module and class with numbers in a row that can only be two directions."""
    found = [own for own in map(NUMBERED.fullmatch, cells) if own]
    taken: set[str] = set()
    for own in sorted(found, key=lambda own: int(own["number"])):
        group, last = own[0], f"{own['kind']}_{int(own['number']) + 1}"
        both = group, own["module"] + last
        if taken.isdisjoint(both) and _are_joined(both, own["module"], cells, arrays):
            taken.update(both)
            yield f"{group}+{last}", both


def _are_joined(
    both: tuple[str, str],
    module: str,
    cells: Mapping[str, Cell],
    arrays: Mapping[str, StoredArray],
) -> bool:
    """Return whether the outputs of two cells are read side by side.

    They have the same sizes, and something in the module reads twice as many numbers as one of them
    makes. Where one of them could read the other, nothing else reads as many as one makes.
    """
    first, second = both
    if second not in cells or _shape(cells[first]) != _shape(cells[second]):
        return False
    _, inputs, units = _kind(cells[first])
    own = {id(array) for group in both for array in cells[group].values()}
    read = {
        array.shape[-2]
        for name, array in arrays.items()
        if name.startswith(module) and KERNEL.search(name) and len(array.shape) > 1
        if id(array) not in own
    }
    return 2 * units in read and (inputs != units or units not in read)


def _shape(cell: Cell) -> object:
    return frozenset((name, array.shape) for name, array in cell.items())


def _layer(path: str, directions: list[Cell], oddities: tuple[str, ...] = ()) -> FoundLayer:
    kind, inputs, units = _kind(directions[0])
    if kind == "LSTM":
        layout = _layout(directions[0])
        return found_lstm(path, layout, _native(layout, directions), oddities)
    return FoundLayer(
        path,
        kind,
        inputs,
        units,
        arrays={f"{d}/{name}": a for d, cell in enumerate(directions) for name, a in cell.items()},
        directions=len(directions),
        biases=any("bias" in name for name in directions[0]),
        oddities=oddities,
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
