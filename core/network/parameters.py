"""Canonical parameters: the common layout that every framework's own arrays are packed from.

The gate axis is explicit and in the order of `cells.py`, so that no slice has a meaning that only a
comment explains. There are two biases, because half of the frameworks train two.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.config import Config

    Array = np.ndarray[Any, Any]

    Native = Mapping[str, Array]  # a framework's own arrays under its own names


@dataclasses.dataclass(frozen=True)
class CellWeights:
    """The weights of one layer in one direction.

    For every gate `z = w_ih x + b_ih + w_hh h + b_hh`.

    Shapes: `w_ih (gate, hidden, input)`, `w_hh (gate, hidden, hidden)`, `b_ih` and `b_hh (gate,
    hidden)`, or None if the LSTM has no biases.
    """

    w_ih: Array
    w_hh: Array
    b_ih: Array | None = None
    b_hh: Array | None = None


Parameters = tuple[CellWeights, ...]  # layer-major, forward before reverse: the order of h_n


def cell_shapes(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each field for a layer's cells; biases only if the config has them."""
    gates, hidden = len(config.cell.gates), config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {
        "w_ih": (gates, hidden, config.layer_input_size(layer)),
        "w_hh": (gates, hidden, hidden),
    }
    if config.biases:
        shapes.update(b_ih=(gates, hidden), b_hh=(gates, hidden))
    return shapes


def build_parameters(config: Config, array: Callable[[str, tuple[int, ...]], Array]) -> Parameters:
    """Build parameters from `array(field, shape)`, which is called in a fixed order."""
    return tuple(
        CellWeights(**{k: array(k, shape) for k, shape in cell_shapes(config, layer).items()})
        for layer in range(config.layers)
        for _ in range(config.directions)
    )


def cast_parameters(params: Parameters, dtype: str) -> Parameters:
    """Return the parameters with every array cast to another dtype."""
    return tuple(
        CellWeights(**{k: v.astype(dtype) for k, v in fields(cell).items()}) for cell in params
    )


def fields(cell: CellWeights) -> dict[str, Array]:
    """Return the arrays of a cell by name, without absent biases."""
    return {name: array for name, array in vars(cell).items() if array is not None}


def check_parameters(params: Parameters, config: Config) -> None:
    """Raise `ValueError` at the first array that the config does not describe."""
    if len(params) != config.cells:
        raise ValueError(
            f"parameters hold {len(params)} cells, expected {config.cells} "
            f"({config.layers} layers, {config.directions} directions)"
        )
    for k, cell in enumerate(params):
        _check_cell(cell, config, layer=k // config.directions, where=f"cell {k}")


def _check_cell(cell: CellWeights, config: Config, layer: int, where: str) -> None:
    found, expected = fields(cell), cell_shapes(config, layer)
    if set(found) != set(expected):
        raise ValueError(f"{where} has {sorted(found)}, expected {sorted(expected)}")
    for name, shape in expected.items():
        check_array(f"{where}: {name}", found[name], shape, config.dtype)


def check_array(name: str, array: Any, shape: tuple[int, ...], dtype: str) -> None:
    """Raise unless `array` is an ndarray of this shape (`ValueError`) and dtype (`TypeError`)."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is {type(array).__name__}, expected a NumPy array")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if array.dtype != np.dtype(dtype):
        raise TypeError(f"{name} is {array.dtype}, expected {np.dtype(dtype)}")
