"""Whether canonical weights are equal, up to the rounding of one sum.

A framework with one bias can't say how it was split, so the biases are compared by their sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.parameters import Array, Parameters

_ROUNDINGS: Final = 4  # units in the last place: of a sum of biases, or of digits in a text


def find_differing(a: Parameters, b: Parameters) -> tuple[int, ...]:
    """Return the indices of the cells that differ by more than rounding."""
    if len(a) != len(b):
        return tuple(range(len(b)))
    return tuple(
        k for k, (one, other) in enumerate(zip(a, b, strict=True)) if not are_equal(one, other)
    )


def are_equal(a: CellWeights, b: CellWeights) -> bool:
    """Return whether no element of two cells differs by more than the rounding of one sum."""
    # Most cells that differ do so in the first unit already, and a cell may be large.
    return not any(unequal_arrays(_first_unit(a), _first_unit(b))) and not any(unequal_arrays(a, b))


def unequal_arrays(a: CellWeights, b: CellWeights) -> Iterator[str]:
    """Yield the names of the arrays that differ by more than rounding."""
    one, other = sum_biases(a), sum_biases(b)
    for n in one:
        if one[n].shape != other[n].shape or (abs(one[n] - other[n]) > _slack(a, b, n)).any():
            yield n


def sum_biases(cell: CellWeights) -> dict[str, Array]:
    """Return the kernels, and the sum of the biases in a wider dtype."""
    zeros = np.zeros(cell.w_hh.shape[:2])
    biases = (zeros if b is None else b.astype(float) for b in (cell.b_ih, cell.b_hh))
    return {"w_ih": cell.w_ih, "w_hh": cell.w_hh, "bias": sum(biases, zeros)}


def _first_unit(cell: CellWeights) -> CellWeights:
    return CellWeights(**{name: array[:, :1] for name, array in fields(cell).items()})


def _slack(a: CellWeights, b: CellWeights, name: str) -> Array | float:
    unit = float(np.finfo(a.w_hh.dtype).eps) / 2
    names = ("b_ih", "b_hh") if name == "bias" else (name,)
    sizes: list[Any] = [
        sum(np.abs(fields(cell)[n]) for n in names if n in fields(cell)) for cell in (a, b)
    ]
    slack: Array | float = _ROUNDINGS * unit * np.maximum(*sizes)
    return slack
