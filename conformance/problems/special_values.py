"""Special values: changes to an ordinary case that make its numbers hard.

Factors are powers of two, so that a number keeps the digits that were drawn.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.network.batch import arrays_by_name, map_arrays, replace_arrays
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array

    Places = dict[tuple[int, ...], float]


def scale_arrays(case: Case, **factors: float | Array) -> Case:
    """Multiply inputs, states and parameters by the factors with their names."""
    arrays = arrays_by_name(case.batch)
    batch = {name: arrays[name] * factors[name] for name in arrays if name in factors}
    params = tuple(
        CellWeights(**{name: array * factors.get(name, 1) for name, array in fields(cell).items()})
        for cell in case.params
    )
    return dataclasses.replace(case, batch=replace_arrays(case.batch, **batch), params=params)


def scale_one(case: Case, names: Collection[str]) -> Case:
    """Make one number of each of these inputs, states and parameters eight times as large.

    It is the largest, so that a limit on sizes shows; the others keep theirs, and their digits.
    """
    arrays = arrays_by_name(case.batch)
    batch = {name: _scale_largest(arrays[name]) for name in arrays if name in names}
    params = tuple(
        dataclasses.replace(
            cell, **{n: _scale_largest(array) for n, array in fields(cell).items() if n in names}
        )
        for cell in case.params
    )
    return dataclasses.replace(case, batch=replace_arrays(case.batch, **batch), params=params)


def _scale_largest(array: Array) -> Array:
    scaled = array.copy()
    if array.size:
        scaled.flat[int(abs(array).argmax())] *= 8
    return scaled


def saturated(case: Case) -> Case:
    """Scale pre-activations up to about 50 either way, so that gates are close to 0 and 1."""
    return scale_arrays(case, w_ih=64, b_ih=16, b_hh=16, c_0=16)


def overflowing(case: Case) -> Case:
    """Scale pre-activations so far that their exponential is infinite or zero."""
    limit = int(np.finfo(case.config.dtype).maxexp)
    return scale_arrays(case, w_ih=4 * limit, b_ih=limit, b_hh=limit, c_0=limit)


def subnormal(case: Case) -> Case:
    """Scale inputs below the least normal number, and kernels so that products are ordinary."""
    tiny = float(np.finfo(case.config.dtype).tiny)
    return scale_arrays(case, x=tiny, w_ih=1 / tiny, h_0=tiny, c_0=tiny)


def flushed(case: Case) -> Case:
    """Return the case that an engine computes if it takes subnormal numbers for zero."""
    tiny = np.finfo(case.config.dtype).tiny
    arrays = arrays_by_name(dataclasses.replace(case.batch, lengths=None))
    return scale_arrays(case, **{name: abs(array) >= tiny for name, array in arrays.items()})


def zeros(case: Case) -> Case:
    """Set inputs and states to zero, so that only the biases have an effect."""
    return scale_arrays(case, x=0, h_0=0, c_0=0)


def zero_biases(case: Case) -> Case:
    """Set the biases to zero. Code may remember from its first call that they have no effect."""
    return scale_arrays(case, b_ih=0, b_hh=0)


def huge(case: Case) -> Case:
    """Set a first input and a cell state of about 1e30: finite, but not squared in float32.

    One feature is as large at all steps, and its kernel as small, so that products are ordinary.
    """
    x, w_ih = np.ones_like(case.batch.x), np.ones_like(case.params[0].w_ih)
    x[0] = 2.0**100  # alone, so that later gates let the cell state through
    x[..., 0], w_ih[..., 0] = 2.0**100, 2.0**-100
    return scale_arrays(case, x=x, w_ih=w_ih, c_0=2.0**100)


def nan(case: Case) -> Case:
    """Put NaN into one input; it must reach the rest of its sequence, and no other sequence."""
    return _put(case, x={(1, 1, 2): np.nan})


def infinite(case: Case) -> Case:
    """Put infinity into two inputs, which saturates gates, and into two cell states, which stay."""
    inputs: Places = {(1, 0, 1): np.inf, (2, 1, 3): -np.inf}
    return _put(case, x=inputs, c_0={(0, 2, 0): np.inf, (0, 2, 5): -np.inf})


def steep(case: Case) -> Case:
    """Scale cotangents to about 1000, and gradients with them: somebody may clip those."""
    cotangent = map_arrays(lambda array: array * 2.0**10, case.cotangent)
    return dataclasses.replace(case, cotangent=cotangent)


def growing(case: Case) -> Case:
    """Open the forget gates wide, so that cell states of one sign grow with every step."""
    wide = np.array([[1], [16], [1], [1]], case.config.dtype)  # of gates i, f, g, o
    return scale_arrays(case, b_ih=wide, b_hh=wide)


def half_steep(case: Case) -> Case:
    """Scale cotangents to 64, so that gradients stay finite in half precision."""
    cotangent = map_arrays(lambda array: array * np.array(64, array.dtype), case.cotangent)
    return dataclasses.replace(case, cotangent=cotangent)


def expanded(case: Case) -> Case:
    """Give all sequences the numbers of the first, and the outputs one cotangent, as of a mean."""
    batch, cotangent = map_arrays(
        lambda array: np.broadcast_to(array[:, :1], array.shape).copy(),
        (case.batch, case.cotangent),
    )
    y = np.full_like(cotangent.y, 2.0**-3)
    return dataclasses.replace(case, batch=batch, cotangent=replace_arrays(cotangent, y=y))


def nan_cotangent(case: Case) -> Case:
    """Put NaN into one cotangent of y; it must reach the gradients of all steps before."""
    cotangent = replace_arrays(case.cotangent, y=_spoiled(case.cotangent.y, np.nan))
    return dataclasses.replace(case, cotangent=cotangent)


@dataclasses.dataclass(frozen=True)
class Spoil:
    """A change that puts one number that isn't finite into each of the arrays with these names."""

    numbers: Mapping[str, float]

    def __call__(self, case: Case) -> Case:
        """Put the numbers into copies of inputs, states or parameters."""
        arrays = arrays_by_name(case.batch)
        batch = {
            name: _spoiled(arrays[name], n) for name, n in self.numbers.items() if name in arrays
        }
        params = tuple(
            dataclasses.replace(
                cell,
                **{
                    name: _spoiled(array, self.numbers[name])
                    for name, array in fields(cell).items()
                    if name in self.numbers
                },
            )
            for cell in case.params
        )
        return dataclasses.replace(case, batch=replace_arrays(case.batch, **batch), params=params)


def nan_padding(case: Case) -> Case:
    """Put NaN into every input past its sequence's end, which nothing may read."""
    lengths = np.asarray(case.batch.lengths)
    mask = np.arange(len(case.batch.x))[:, None, None] < lengths[:, None]
    x = np.where(mask, case.batch.x, np.asarray(np.nan, case.batch.x.dtype))
    return dataclasses.replace(case, batch=dataclasses.replace(case.batch, x=x))


def _spoiled(array: Array, number: float) -> Array:
    """Return a copy with the number in one place, of the second sequence or of gate f."""
    spoiled = array.copy()
    spoiled[
        tuple(min(place, size - 1) for place, size in zip((1, 1, 2), array.shape, strict=False))
    ] = number
    return spoiled


def _put(case: Case, **places: Places) -> Case:
    """Put numbers at places of inputs and states, in copies of the arrays."""
    arrays = arrays_by_name(case.batch)
    batch = {name: arrays[name].copy() for name in places}
    for name, numbers in places.items():
        for place, number in numbers.items():
            batch[name][place] = number
    return dataclasses.replace(case, batch=replace_arrays(case.batch, **batch))
