"""Monte Carlo arithmetic: arrays whose every operation rounds at random, in many draws at once.

If the reference runs on these arrays, the spread of the draws shows how far rounding alone moves
every element of every result: outputs, gates and gradients. The equations are the reference's own;
this file is an array type, and no second LSTM. docs/rounding.md derives the model.

The rounding of a number is a hash of its exact value, so equal numbers round equally, as they do in
a computer. That matters for texts: a repeated character repeats its rounding error, and the errors
add up in step.

Sources: D. S. Parker, Monte Carlo Arithmetic, 1997; N. J. Higham and T. Mary, A New Approach to
Probabilistic Rounding Error Analysis, 2019.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from gateparity.conformance.judgement.noise import add_noise, make_noise, make_waves
from gateparity.conformance.judgement.products import (
    count_terms,
    find_walk,
    find_walk_from,
    multiply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.judgement.rounding_model import RoundingModel
    from gateparity.network.parameters import Array

_LARGEST: Final = float(np.finfo(np.float64).max) / 4
# IEEE 754 rounds the results of + - * / correctly, and these operations need no rounding at all.
_EXACT: Final[frozenset[np.ufunc]] = frozenset({np.negative, np.absolute, np.maximum, np.minimum})
_ULPS: Final[dict[np.ufunc, float]] = {np.exp: 2.0, np.tanh: 2.0}  # what a good library promises


@dataclasses.dataclass(frozen=True)
class Rounding:
    """A rounding model and a seed for each draw, shared by all arrays of one run."""

    rounding_model: RoundingModel
    seeds: Array

    def lift(self, array: Any) -> Draws:
        """Return the numbers as draws, all equal as yet; draws are returned unchanged."""
        if isinstance(array, Draws):
            return array
        return Draws(np.asarray(array, np.float64)[..., None], self)


class Draws(NDArrayOperatorsMixin):
    """An array of `shape` with a float64 number for each draw, on an extra last axis.

    NumPy's operations see the array without that axis. It has length 1 until the draws differ.
    `terms` counts, for a product, the terms of each element that aren't zero.
    """

    def __init__(self, values: Array, rounding: Rounding, terms: Any = 0) -> None:
        self.values, self.rounding, self.terms = values, rounding, terms

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply an elementwise operation or a matrix product exactly in float64, then round."""
        if method != "__call__" or kwargs:
            return NotImplemented
        # A product can be summed in any order, so its error is not that of one operation.
        if ufunc is np.matmul:
            return self._product(*inputs)
        # The exact result in float64 has 29 bits more than float32, so only the added noise counts.
        plain = [_values(a) for a in inputs]
        exact = ufunc(*plain)
        # At its largest it has a reciprocal, which may be flushed to zero.
        if ufunc is np.exp and not exact.max(initial=0) <= _LARGEST:
            np.minimum(exact, _LARGEST, out=exact, where=np.isfinite(plain[0]))
        if exact.dtype.kind != "f" or ufunc in _EXACT:
            return Draws(exact, self.rounding)
        # The error to one side varies slowly with the argument, so unlike the scatter it does not
        # average out in a batch.
        if ufunc in _ULPS and self.rounding.rounding_model.bias:
            bias = self.rounding.rounding_model.unit * self.rounding.rounding_model.bias
            exact = exact * (1 + bias * make_waves(plain[0], self.rounding.seeds))
        rounded = self._round(exact, _ULPS.get(ufunc, 1.0))
        if ufunc is np.divide:  # a gate that is all but closed, and may have much behind it
            rounding_model = self.rounding.rounding_model
            self._settle(rounded.values, exact, rounding_model.flush)
            if _is_one(inputs[0]):
                self._settle(
                    rounded.values, exact, rounding_model.sigmoid_floor * rounding_model.unit
                )
        return rounded._walk_from(*inputs) if ufunc is np.add else rounded

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Apply a function that rearranges elements, such as concatenate, in every draw."""
        if function not in _MOVES:
            return NotImplemented
        return _MOVES[function](self.rounding, *args, **kwargs)

    def __getitem__(self, key: Any) -> Draws:
        return Draws(self.values[_key(key)], self.rounding)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.values[_key(key)] = _values(value)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape without the axis of the draws."""
        shape: tuple[int, ...] = self.values.shape[:-1]
        return shape

    @property
    def ndim(self) -> int:
        """Return the number of axes without that of the draws."""
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        """Return the number of elements in each draw."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return float64, the dtype of the exact arithmetic."""
        dtype: np.dtype[Any] = self.values.dtype
        return dtype

    @property
    def T(self) -> Draws:  # noqa: N802
        """Return the transposed array; the axis of the draws stays last."""
        return Draws(self.values.transpose(*range(self.ndim)[::-1], self.ndim), self.rounding)

    def reshape(self, *shape: Any) -> Draws:
        """Return the array in another shape; the axis of the draws stays last."""
        wanted = shape[0] if isinstance(shape[0], tuple) else shape
        return Draws(self.values.reshape(*wanted, self.values.shape[-1]), self.rounding)

    def copy(self) -> Draws:
        """Return a copy that shares no memory with the original."""
        return Draws(self.values.copy(), self.rounding)

    def astype(self, dtype: Any, **_: Any) -> Draws:
        """Return the array unchanged: the rounding model decides the precision, not the dtype."""
        del dtype
        return self

    def _product(self, a: Any, b: Any) -> Draws:
        """Multiply two matrices, and add the error of all roundings of the partial sums."""
        if b.ndim == 1:
            return self._product(a, b[:, None])[..., 0]
        if a.ndim == 1:
            return self._product(a[None], b)[..., 0, :]
        a, b = self._factor(a), self._factor(b)
        exact = multiply(a, b)
        unit = self.rounding.rounding_model.unit
        if not unit:
            return Draws(exact, self.rounding)
        # A uniform number in [-1, 1) has the variance 1/3, which is the 1/3 of the formula.
        # How far the sums walk is needed to two digits, which all draws share: one draw is enough.
        terms = count_terms(a[..., 0], b[..., 0])
        walk = find_walk(a[..., 0], b[..., 0], exact[..., 0], terms)
        finite = np.isfinite(walk)
        scale = (walk if finite.all() else np.where(finite, walk, 0)) * unit
        rounded = add_noise(exact, self.rounding.seeds, scale[..., None])
        self._settle(rounded, exact, self.rounding.rounding_model.floor)
        return Draws(rounded, self.rounding, np.asarray(terms)[..., None])

    def _walk_from(self, a: Any, b: Any) -> Draws:
        """Return a sum with the error of adding a product `b` onto `a`, or `a` onto a bias `b`."""
        ndims = [x.ndim if isinstance(x, Draws) else np.ndim(x) for x in (a, b)]
        start, product = (b, a) if ndims[1] < ndims[0] else (a, b)  # a bias has fewer axes
        if not isinstance(product, Draws) or not np.any(product.terms):
            return self
        walk = find_walk_from(_values(start), product.terms) * self.rounding.rounding_model.unit
        scale = np.broadcast_to(walk, (*self.shape, 1))
        return Draws(add_noise(self.values, self.rounding.seeds, scale), self.rounding)

    def _factor(self, x: Any) -> Array:
        """Return a product's factor as values, cut to the precision that products take."""
        if not isinstance(x, Draws):
            return np.asarray(x)[..., None]
        # TF32 and bfloat16 units cut the factors of a product to fewer digits; the sum stays
        # float32.
        coarse = x.rounding.rounding_model.factors
        if coarse > x.rounding.rounding_model.unit:
            x = self._round(x.values, coarse / x.rounding.rounding_model.unit)
        values: Array = x.values
        return values

    def _round(self, exact: Array, units: float) -> Draws:
        """Move each number by up to `units` units roundoff, uniformly; equal ones move equally."""
        rounding_model = self.rounding.rounding_model
        if not rounding_model.unit:
            return Draws(exact, self.rounding)
        rounded = make_noise(exact, self.rounding.seeds)
        rounded *= units * rounding_model.unit
        rounded += 1
        rounded *= exact
        self._settle(rounded, exact, rounding_model.floor)
        return Draws(rounded, self.rounding)

    def _settle(self, rounded: Array, exact: Array, floor: float) -> None:
        """Move small numbers by up to `floor`, in place; do nothing if it is 0."""
        # Below the floor the error is no longer relative. A zero stays exact: adding nothing does
        # not round.
        if floor and self.rounding.rounding_model.unit:
            small = np.abs(exact) * self.rounding.rounding_model.unit < floor
            if small.any() and (small := small & (exact != 0)).any():
                rounded += make_noise(rounded, self.rounding.seeds) * np.where(small, floor, 0)


def _is_one(a: Any) -> bool:
    """Return whether a numerator is that of a sigmoid, 1 / (1 + exp(-x)): no other is 1."""
    return not isinstance(a, Draws) and np.ndim(a) == 0 and bool(a == 1)


def make_rounding(rounding_model: RoundingModel, draws: int, seed: int) -> Rounding:
    """Return a rounding model with seeds for so many draws."""
    seeds = np.random.default_rng([seed, 97]).integers(0, 2**64, draws, np.uint64)
    return Rounding(rounding_model, seeds)


def _values(a: Any) -> Any:
    if isinstance(a, Draws):
        return a.values
    return np.asarray(a)[..., None] if np.ndim(a) else a


def _key(key: Any) -> Any:
    # An ellipsis would take in the axis of the draws, so that axis is selected explicitly.
    keys = key if isinstance(key, tuple) else (key,)
    return (*keys, slice(None)) if any(k is Ellipsis for k in keys) else key


def _axis(axis: int) -> int:
    return axis - 1 if axis < 0 else axis


def _spread_out(arrays: Any, rounding: Rounding) -> list[Array]:
    """Broadcast arrays to the same number of draws, since joining them requires that."""
    values = [rounding.lift(a).values for a in arrays]
    draws = max(v.shape[-1] for v in values)
    return [np.broadcast_to(v, (*v.shape[:-1], draws)) for v in values]


def _concatenate(rounding: Rounding, arrays: Any, axis: int = 0) -> Draws:
    return Draws(np.concatenate(_spread_out(arrays, rounding), _axis(axis)), rounding)


def _stack(rounding: Rounding, arrays: Any, axis: int = 0) -> Draws:
    return Draws(np.stack(_spread_out(arrays, rounding), _axis(axis)), rounding)


def _split(rounding: Rounding, array: Draws, sections: Any, axis: int = 0) -> list[Draws]:
    return [Draws(a, rounding) for a in np.split(array.values, sections, _axis(axis))]


def _where(rounding: Rounding, condition: Any, a: Any, b: Any) -> Draws:
    return Draws(np.where(_values(condition), _values(a), _values(b)), rounding)


def _zeros(rounding: Rounding, array: Any, shape: Any = None, **_: Any) -> Draws:
    wanted = array.shape if shape is None else shape
    return Draws(np.zeros((*wanted, len(rounding.seeds))), rounding)


def _flip(rounding: Rounding, array: Draws, axis: int) -> Draws:
    return Draws(np.flip(array.values, _axis(axis)), rounding)


def _roll(rounding: Rounding, array: Draws, shift: int, axis: int) -> Draws:
    return Draws(np.roll(array.values, shift, _axis(axis)), rounding)


def _moveaxis(rounding: Rounding, array: Draws, source: int, target: int) -> Draws:
    return Draws(np.moveaxis(array.values, _axis(source), _axis(target)), rounding)


def _swapaxes(rounding: Rounding, array: Draws, a: int, b: int) -> Draws:
    return Draws(np.swapaxes(array.values, _axis(a), _axis(b)), rounding)


_MOVES: Final[dict[Any, Callable[..., Any]]] = {
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.split: _split,
    np.where: _where,
    np.zeros_like: _zeros,
    np.empty_like: _zeros,
    np.flip: _flip,
    np.roll: _roll,
    np.moveaxis: _moveaxis,
    np.swapaxes: _swapaxes,
}
