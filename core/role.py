"""Roles: what one native array holds, in terms of a cell's canonical arrays, with named axes.

Frameworks fuse arrays that are separate here (one kernel over [x, h]), or keep one bias instead of
two. A role says which, and only this file knows how to join and to split.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.config import Config
    from gateparity.parameters import Array, Cell


@dataclasses.dataclass(frozen=True)
class Role:
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

    def of(self, cell: Cell) -> Array:
        """Return the joined array of a cell."""
        arrays = [getattr(cell, field) for field in self.fields]
        if self.join == "concat":
            return np.concatenate(arrays, axis=-1)
        if self.join == "stack":
            return np.stack(arrays, axis=1)
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


ROLES: Final = {
    "w_ih": Role(("w_ih",), "gate hidden input"),
    "w_hh": Role(("w_hh",), "gate hidden unit"),
    "w": Role(("w_ih", "w_hh"), "gate hidden feature", "concat"),  # features: input, then unit
    "b_ih": Role(("b_ih",), "gate hidden"),
    "b_hh": Role(("b_hh",), "gate hidden"),
    "b": Role(("b_ih", "b_hh"), "gate hidden"),  # one bias, the sum
    "b_pair": Role(("b_ih", "b_hh"), "gate side hidden", "stack"),  # two biases in one array
}


def axis_sizes(config: Config, layer: int) -> dict[str, int]:
    """Return the length of every axis that a pattern may name, in one layer."""
    input_size, hidden = config.layer_input_size(layer), config.hidden_size
    sizes = {"direction": config.directions, "gate": 4, "side": 2, "hidden": hidden}
    return sizes | {"input": input_size, "unit": hidden, "feature": input_size + hidden}
