"""Keras's recurrent layers, by the names in its files.

Three arrays make a cell: `kernel`, `recurrent_kernel` and `bias`, with `:0` in Keras 2, and
numbered under `vars` in a `.weights.h5`. The groups around them say which cells belong together.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray, found_lstm
from gateparity.backends.checkpoints.keras_config import KerasLayer
from gateparity.errors import printable
from gateparity.layouts.keras import KERAS, KERAS_CUDNN, TF_KERAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.packing.layout import Layout

NAMES: Final = ("kernel", "recurrent_kernel", "bias")
NAMED: Final = re.compile(
    r"(?:(?P<group>.*)[/.])?(?P<name>kernel|recurrent_kernel|bias)(?P<tag>:0)?", re.DOTALL
)
NUMBERED: Final = re.compile(r"(?P<group>.*)/vars/(?P<number>[012])", re.DOTALL)
PEEPHOLE: Final = re.compile(r"(?P<group>.*)[/.]\w+_peephole_weights(?::0)?", re.DOTALL)
CELL: Final = re.compile(r"cell|(?:lstm|gru|simple_rnn)_cell(?:_[0-9]+)?")  # inside its layer
STACK: Final = re.compile(r"stacked_rnn_cells(?:_[0-9]+)?|cells")  # around the cells of a stack
DIRECTION: Final = re.compile(r"(forward|backward)_\w+", re.DOTALL)
OPTIMIZER: Final = ("optimizer/", "optimizer_weights/")  # arrays with the shapes of weights
OLDER: Final = "_layer_checkpoint_dependencies"  # what Keras 2's `.keras` calls layers
KINDS: Final = {4: "LSTM", 3: "GRU", 1: "RNN"}  # by the gates side by side in a kernel
STACKED_ALONE: Final = "one direction of a Bidirectional whose directions are stacked apart"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a file says beside its arrays: layers of its config, and the names of its `vars`."""

    layers: tuple[KerasLayer, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def find(self, group: str) -> KerasLayer:
        """Return the layer of the config that a group belongs to, by path, else by name.

        Where the config has none, it is a layer without options.
        """
        parts = group.replace(OLDER, "layers").split("/")
        starts = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
        by_path = (self._by_key[start] for start in starts if start in self._by_key)
        by_name = (self._by_name[part] for part in reversed(parts) if part in self._by_name)
        return next(itertools.chain(by_path, by_name), KerasLayer("", "LSTM", {}, ""))

    @functools.cached_property
    def _by_key(self) -> dict[str, KerasLayer]:
        return {layer.key: layer for layer in self.layers}

    @functools.cached_property
    def _by_name(self) -> dict[str, KerasLayer]:
        return {layer.name: layer for layer in self.layers}


@dataclasses.dataclass(frozen=True)
class Cell:
    """The arrays of one cell, `kernel` first, and where they lie.

    `layer` are the groups around it down to its layer, and `own` those inside of that layer.
    """

    arrays: Mapping[str, StoredArray]
    group: str
    tag: str
    numbered: bool
    layer: tuple[str, ...]
    direction: str
    own: tuple[str, ...]

    @property
    def gates(self) -> int:
        """Return how many gates lie side by side in the kernels, 0 where that isn't clear."""
        kernel, recurrent = (self.arrays[name].shape for name in NAMES[:2])
        if len(kernel) != 2 or len(recurrent) != 2 or not recurrent[0]:
            return 0
        gates, rest = divmod(recurrent[1], recurrent[0])
        return 0 if rest or kernel[1] != recurrent[1] else gates

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the input size and the hidden size."""
        return self.arrays["kernel"].shape[0], self.arrays["recurrent_kernel"].shape[0]

    @property
    def layout(self) -> Layout:
        """Return how an LSTM's arrays are packed: cuDNN's have two biases in one."""
        if "bias" in self.arrays and self.arrays["bias"].shape == (8 * self.sizes[1],):
            return KERAS_CUDNN
        return TF_KERAS if self.tag else KERAS


def find(arrays: Mapping[str, StoredArray], facts: Facts | None = None) -> list[FoundLayer]:
    """Return the layers that have Keras's names, in the order of the arrays."""
    facts = facts or Facts()
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in _cells(arrays):
        if _is_cell(cell, facts):
            groups.setdefault(cell.layer, []).append(cell)
    peepholes = {own["group"] for own in map(PEEPHOLE.fullmatch, arrays) if own}
    found = [
        _layer(parts, facts, peepholes)
        for cells in groups.values()
        for parts in _parts(cells, facts)
    ]
    paths = [layer.path for layer, _ in found]
    return [
        layer if paths.count(layer.path) == 1 else dataclasses.replace(layer, path=group)
        for layer, group in found
    ]


def _cells(arrays: Mapping[str, StoredArray]) -> Iterator[Cell]:
    groups: dict[tuple[str, str, bool], dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        if whole.startswith(OPTIMIZER):
            continue
        if own := NUMBERED.fullmatch(whole):
            key, name = (own["group"], "", True), NAMES[int(own["number"])]
        elif own := NAMED.fullmatch(whole):
            key, name = (own["group"] or "", own["tag"] or "", False), own["name"]
        else:
            continue
        groups.setdefault(key, {})[name] = array
    for (group, tag, numbered), found in groups.items():
        if {"kernel", "recurrent_kernel"} <= found.keys():
            ordered: dict[str, StoredArray] = {name: found[name] for name in NAMES if name in found}
            yield Cell(ordered, group, tag, numbered, *_place(group))


def _place(group: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the groups down to a layer, "forward", "backward" or "", and the groups below."""
    parts, below = tuple(group.split("/")), 0
    if len(parts) > 2 and STACK.fullmatch(parts[-2]):
        below = 3 if parts[-3] == "cell" else 2
    elif len(parts) > 1 and CELL.fullmatch(parts[-1]):
        below = 1
    layer, own = parts[: len(parts) - below], parts[len(parts) - below :]
    if len(layer) > 1 and (turned := DIRECTION.fullmatch(layer[-1])):
        return layer[:-1], turned[1], (layer[-1], *own)
    return layer, "", own


def _is_cell(cell: Cell, facts: Facts) -> bool:
    """Return whether arrays are a cell's: those that are only numbered may be anything."""
    if not cell.numbered:
        return True
    name = facts.names.get(cell.group, cell.group.rpartition("/")[2])
    called = bool(cell.own) or "cell" in name
    return bool(cell.gates) and (called or (cell.gates in (3, 4) and "bias" in cell.arrays))


@dataclasses.dataclass(frozen=True)
class Part:
    """Cells that are one recurrent layer: a list of directions for each of its layers."""

    rows: Sequence[Sequence[Cell]]
    path: tuple[str, ...]
    oddity: str = ""


def _parts(cells: Sequence[Cell], facts: Facts) -> Iterator[Part]:
    """Yield the cells of one Keras layer, together where they are one LSTM."""
    if sorted(cell.direction for cell in cells) == ["backward", "forward"]:
        row = sorted(cells, key=lambda cell: cell.direction == "backward")
        yield Part([row], _shortened(cells[0]))
        return
    for direction in dict.fromkeys(cell.direction for cell in cells):
        way = [one for one in cells if one.direction == direction]
        path = _shortened(way[0]) + way[0].own[: bool(direction)]
        alone = STACKED_ALONE if direction and len(way) > 1 else ""
        stacked = len(way) > 1 and (facts.find(way[0].group).stacks_cells or _in_stack(way[0]))
        if len(way) == 1 or (stacked and _chained(way)):
            yield Part([[one] for one in way], path, alone)
            continue
        for number, one in enumerate(way, 1):
            oddity = f"cell {number} of {len(way)} in a stack" if stacked else alone
            yield Part([[one]], _shortened(one) + one.own, oddity)


def _in_stack(cell: Cell) -> bool:
    return len(cell.own) > 1 and bool(STACK.fullmatch(cell.own[-2]))


def _chained(cells: Sequence[Cell]) -> bool:
    """Return whether each cell reads the one before, and all have the first one's hidden size."""
    sizes = [cell.sizes for cell in cells]
    return all(size == (sizes[0][1], sizes[0][1]) for size in sizes[1:])


def _shortened(cell: Cell) -> tuple[str, ...]:
    """Return the groups down to a layer, without those that Keras repeats in a `.h5`."""
    parts = cell.layer[1:] if cell.layer[0] == "model_weights" else cell.layer
    if not cell.numbered and parts and parts[0] in parts[1:]:
        parts = parts[parts.index(parts[0], 1) :]
    return parts


def _layer(part: Part, facts: Facts, peepholes: set[str]) -> tuple[FoundLayer, str]:
    """Return the recurrent layer of some cells, and the group of the first of them."""
    cells = [cell for row in part.rows for cell in row]
    first, path = cells[0], "/".join(part.path)
    oddities, refusal = facts.find(first.group).judge()
    oddities += (part.oddity,) if part.oddity else ()
    name = facts.names.get("/".join(first.layer), first.layer[-1])
    if name != first.layer[-1]:
        oddities += (f"called {printable(name)!r}",)
    if any(cell.group in peepholes for cell in cells):
        oddities, refusal = (*oddities, "peepholes"), "it has peepholes"
    kind = KINDS.get(first.gates, "" if first.gates or first.numbered else "LSTM")
    if kind == "LSTM":
        return found_lstm(path, first.layout, _native(part.rows), oddities, refusal), first.group
    found = FoundLayer(
        path,
        kind or "RNN",
        *first.sizes,
        arrays={f"{cell.group}/{name}": a for cell in cells for name, a in cell.arrays.items()},
        layers=len(part.rows),
        directions=len(part.rows[0]),
        biases="bias" in first.arrays,
        oddities=oddities,
        refusal=refusal,
    )
    return found, first.group


def _native(rows: Sequence[Sequence[Cell]]) -> dict[str, StoredArray]:
    """Return an LSTM's arrays by the names of its layout."""
    layout = rows[0][0].layout
    return {
        spec.name.format(layer=layer, direction=layout.directions[way]): cell.arrays[name]
        for layer, row in enumerate(rows)
        for way, cell in enumerate(row)
        for spec, name in zip(layout.tensors, NAMES, strict=True)
        if name in cell.arrays
    }
