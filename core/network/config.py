"""The structure of one LSTM, without its numbers: sizes, layers, directions, biases, dtype.

Every size that another file needs is derived here, so that each shape is defined once.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from gateparity.network.cells import LSTM, CellKind
from gateparity.network.dtypes import DTYPES

GATES: Final = LSTM.gates  # in canonical order


@dataclasses.dataclass(frozen=True)
class Config:
    """The structure of an LSTM, checked when it is made.

    `input_size` and `hidden_size` are features per step; `layers` are stacked. `directions` is 1
    (forward) or 2 (forward and reverse, concatenated). Without `biases` there are none. `dtype` is
    that of every array, in and out; longdouble is for the NumPy reference alone.

    The constructor raises `ValueError` that names the field, what was found and what was expected.
    """

    input_size: int
    hidden_size: int
    layers: int = 1
    directions: int = 1
    biases: bool = True
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("input_size", "hidden_size", "layers"):
            _positive(name, getattr(self, name))
        if type(self.directions) is not int or self.directions not in (1, 2):
            raise ValueError(f"directions is {self.directions!r}, expected 1 or 2")
        if not isinstance(self.biases, bool):
            raise ValueError(f"biases is {self.biases!r}, expected True or False")
        if not isinstance(self.dtype, str) or self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}, expected one of {', '.join(DTYPES)}")

    @property
    def cell(self) -> CellKind:
        """Return the kind of cell: its gates in canonical order, and its states."""
        return LSTM

    @property
    def cells(self) -> int:
        """Return the number of cells: one for each layer and direction, layer-major."""
        return self.layers * self.directions

    @property
    def output_size(self) -> int:
        """Return the number of features of y at each step: the directions side by side."""
        return self.directions * self.hidden_size

    def layer_input_size(self, layer: int) -> int:
        """Return the number of features that a layer reads: x, or all of y from the layer below."""
        return self.output_size if layer else self.input_size


def _positive(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, expected an integer of at least 1")
