"""One entry of a layout: an array's name, its contents, and the order of its axes."""

from __future__ import annotations

import dataclasses
import re
from string import Formatter
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, CellWeights


@dataclasses.dataclass(frozen=True)
class Contents:
    """Canonical fields that are joined into one array.

    `join` is `concat` on the last axis, `stack` on a new axis behind the gates, or `sum`. `axes`
    names the result's axes, the gate axis first.
    """

    fields: tuple[str, ...]
    axes: str
    join: str = "sum"  # of one field: the field itself

    @property
    def is_bias(self) -> bool:
        """Return whether an LSTM without biases lacks this array."""
        return self.fields[0].startswith("b_")

    def of(self, cell: CellWeights) -> Array:
        """Return the joined array of a cell."""
        arrays = [getattr(cell, field) for field in self.fields]
        if self.join == "concat":
            return np.concatenate(arrays, axis=-1)
        if self.join == "stack":
            return np.stack(arrays, axis=1)
        with np.errstate(invalid="ignore"):  # infinity and minus infinity are NaN, as one bias
            total: Array = sum(arrays[1:], start=arrays[0])
        return total

    def split(self, array: Array, sizes: dict[str, int], *, adjoint: bool) -> dict[str, Array]:
        """Return the canonical arrays by field, from a joined array.

        It is a right inverse of `of`, where a sum goes to the first field and zeros to the other.
        With `adjoint` it is the transpose, where the gradient of a sum goes to both.
        """
        if self.join == "concat":
            parts = np.split(array, [sizes["input"]], axis=-1)
            return dict(zip(self.fields, parts, strict=True))
        if self.join == "stack":
            return dict(zip(self.fields, np.moveaxis(array, 1, 0), strict=True))
        others = array.copy() if adjoint else np.zeros_like(array)
        return {self.fields[0]: array, **dict.fromkeys(self.fields[1:], others)}


CONTENTS: Final = {
    "w_ih": Contents(("w_ih",), "gate hidden input"),
    "w_hh": Contents(("w_hh",), "gate hidden unit"),
    "w": Contents(("w_ih", "w_hh"), "gate hidden feature", "concat"),  # features: input, then unit
    "b_ih": Contents(("b_ih",), "gate hidden"),
    "b_hh": Contents(("b_hh",), "gate hidden"),
    "b": Contents(("b_ih", "b_hh"), "gate hidden"),  # one bias, the sum
    "b_pair": Contents(("b_ih", "b_hh"), "gate side hidden", "stack"),  # two biases in one array
}


def axis_sizes(config: Config, layer: int) -> dict[str, int]:
    """Return the length of every axis that a pattern may name, in one layer."""
    input_size, hidden = config.layer_input_size(layer), config.hidden_size
    gates = len(config.cell.gates)
    sizes = {"direction": config.directions, "gate": gates, "side": 2, "hidden": hidden}
    return sizes | {"input": input_size, "unit": hidden, "feature": input_size + hidden}


_PARTS: Final = ("layer", "_layer", "direction", "cell", "gate")  # that a name may hold


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """One native array, or several that differ in the name.

    `name` may hold `{layer}`, `{direction}` and `{gate}`, or `{cell}`, which counts layers and
    directions together; `{_layer}` is empty for the first layer, then `_1`, `_2`. `contents` is a
    key of `CONTENTS`. `pattern` is the native side of an einops pattern over the axes of those
    contents. A direction or gate that is not in the name is an axis of the pattern. `gates` is how
    this name spells them, if it differs from the layout's others.

    `block` is the order of axes in which the numbers of one gate really lie, if that isn't the
    pattern's: cuDNN's own kernels, kept in arrays of another shape. Without the gate's part, a
    pattern `input (gate hidden)` with the block `hidden input` is cut into gates, and each gate's
    numbers, row by row, are those of an array `hidden input`.
    """

    name: str
    contents: str
    pattern: str
    gates: tuple[str, ...] = ()
    block: str = ""

    def __post_init__(self) -> None:
        if self.contents not in CONTENTS:
            raise ValueError(
                f"ArraySpec {self.name!r}: contents {self.contents!r}, expected one of "
                + ", ".join(CONTENTS)
            )
        for _, part, _, _ in Formatter().parse(self.name):
            if part is not None and part not in _PARTS:
                expected = ", ".join(f"{{{name}}}" for name in _PARTS)
                raise ValueError(f"ArraySpec {self.name!r}: {{{part}}}, expected one of {expected}")
        self._check_axes()

    def _check_axes(self) -> None:
        """Raise `ValueError` unless the pattern has each of the contents' axes once.

        A gate that the name spells is left out, and the direction is optional.
        """
        axes = CONTENTS[self.contents].axes.split()
        expected = [axis for axis in axes if axis != "gate" or "{gate}" not in self.name]
        found = re.sub(r"\(([^()]*)\)", r" \1 ", self.pattern).split()
        if sorted(found) not in (sorted(expected), sorted([*expected, "direction"])):
            raise ValueError(
                f"ArraySpec {self.name!r}: axes {' '.join(found)!r}, "
                f"expected {' '.join(expected)!r} in some order, "
                "and 'direction' where the name doesn't have it"
            )
        if self.block and sorted(self.block.split()) != sorted(self.shown.split()):
            raise ValueError(
                f"ArraySpec {self.name!r}: block {self.block!r}, expected {self.shown}"
            )

    @property
    def words(self) -> str:
        """Return the pattern as people read it, with the order of axes in a block."""
        return f"{self.pattern}, each gate as {self.block}" if self.block else self.pattern

    @property
    def shown(self) -> str:
        """Return the axes of one gate's block, in the order of the pattern."""
        return " ".join(axis for axis in self.axes if axis != "gate")

    @property
    def axes(self) -> list[str]:
        """Return the axes that the pattern names."""
        return re.findall(r"\w+", self.pattern)

    @property
    def tells_layers(self) -> bool:
        """Return whether the name differs by layer."""
        return any(part in self.name for part in ("{layer}", "{_layer}", "{cell}"))

    @property
    def tells_directions(self) -> bool:
        """Return whether the name differs by direction."""
        return "{direction}" in self.name or "{cell}" in self.name
