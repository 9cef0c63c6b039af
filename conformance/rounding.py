"""Monte Carlo arithmetic: arrays whose every operation rounds at random, many draws at once.

Running the truth on them shows how far rounding alone moves every element of every result:
outputs, gates and gradients alike, through layers and directions, with one model. The equations
stay those of the truth: this is an array type, and no second LSTM. docs/rounding.md derives it.

Equal numbers round equally, as they do in a computer: the rounding is a hash of the exact result.
A text repeats its characters, and what repeats adds up in step.
After D. S. Parker, Monte Carlo Arithmetic, 1997; N. J. Higham and T. Mary, A New Approach to
Probabilistic Rounding Error Analysis, 2019.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.parameters import Array

_30, _27, _12 = (np.uint64(k) for k in (30, 27, 12))
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TWO: Final = np.float64(2).view(np.uint64)
_LEAST: Final = float(np.finfo(np.float64).tiny)
_LARGEST: Final = float(np.finfo(np.float64).max) / 4
_EXACT: Final[frozenset[np.ufunc]] = frozenset({np.negative, np.absolute, np.maximum, np.minimum})
_ULPS: Final[dict[np.ufunc, float]] = {np.exp: 2.0, np.tanh: 2.0}  # what a good library promises


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """How an arithmetic rounds.

    `unit` is the unit roundoff; an operation may be off by `floor` however small its result is
    (float16's subnormals), and a result of the whole by `flush` (below the least normal number it
    may be flushed to zero); factors of matrix products are first rounded to `factors`, where that
    is coarser (TF32, bfloat16); beside their scatter, exp and tanh are off by up to `bias` units,
    in a way that changes slowly with their argument; a sigmoid is off by up to `sigmoid_floor`
    units of 1, however small it is.
    """

    unit: float
    floor: float = 0.0
    flush: float = 0.0
    factors: float = 0.0
    bias: float = 0.0
    sigmoid_floor: float = 0.0


@dataclasses.dataclass(frozen=True)
class Rounding:
    """An arithmetic and a seed for each draw: what every array of one run shares."""

    arithmetic: Arithmetic
    seeds: Array

    def lift(self, array: Any) -> Draws:
        """The same numbers in every draw, from here on rounded at random; draws are it already."""
        if isinstance(array, Draws):
            return array
        return Draws(np.asarray(array, np.float64)[..., None], self)


class Draws(NDArrayOperatorsMixin):
    """An array of `shape` that holds a float64 number for each draw, on a last axis of its own.

    It takes part in NumPy's operations as if that axis weren't there, which is of length 1 until
    the draws differ.
    """

    def __init__(self, values: Array, rounding: Rounding) -> None:
        self.values, self.rounding = values, rounding

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Do it exactly, then round."""
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc is np.matmul:
            return self._product(*inputs)
        plain = [_values(a) for a in inputs]
        exact = ufunc(*plain)
        if ufunc is np.exp:  # at its largest it has a reciprocal, which may be flushed to zero
            np.minimum(exact, _LARGEST, out=exact, where=np.isfinite(plain[0]))
        if exact.dtype.kind != "f" or ufunc in _EXACT:
            return Draws(exact, self.rounding)
        if ufunc in _ULPS:
            exact = exact * (1 + self._bias(plain[0]))
        rounded = self._round(exact, _ULPS.get(ufunc, 1.0))
        if ufunc is np.divide:  # a gate that is all but closed, and may have much behind it
            arithmetic = self.rounding.arithmetic
            self._settle(rounded.values, exact, arithmetic.flush)
            if _is_one(inputs[0]):
                self._settle(rounded.values, exact, arithmetic.sigmoid_floor * arithmetic.unit)
        return rounded

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What moves numbers about, without touching them."""
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
        """Without the draws."""
        shape: tuple[int, ...] = self.values.shape[:-1]
        return shape

    @property
    def ndim(self) -> int:
        """Without the draws."""
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        """Without the draws."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the exact arithmetic."""
        dtype: np.dtype[Any] = self.values.dtype
        return dtype

    @property
    def T(self) -> Draws:  # noqa: N802
        """Transposed."""
        return Draws(self.values.transpose(*range(self.ndim)[::-1], self.ndim), self.rounding)

    def reshape(self, *shape: Any) -> Draws:
        """In another shape."""
        wanted = shape[0] if isinstance(shape[0], tuple) else shape
        return Draws(self.values.reshape(*wanted, self.values.shape[-1]), self.rounding)

    def copy(self) -> Draws:
        """Of its own."""
        return Draws(self.values.copy(), self.rounding)

    def astype(self, dtype: Any, **_: Any) -> Draws:
        """Itself: the arithmetic decides how it rounds."""
        del dtype
        return self

    def _product(self, a: Any, b: Any) -> Draws:
        """A matrix product, with the random walk of its partial sums."""
        if b.ndim == 1:
            return self._product(a, b[:, None])[..., 0]
        if a.ndim == 1:
            return self._product(a[None], b)[..., 0, :]
        a, b = self._factor(a), self._factor(b)
        exact, terms = _multiply(a, b), _count_terms(a, b)
        walk = np.hypot(_root(a, b, terms) * np.sqrt(1 + terms / 6), exact * np.sqrt(terms / 3))
        unit = self.rounding.arithmetic.unit
        if not unit:
            return Draws(exact, self.rounding)
        rounded = _hash(exact, self.rounding.seeds)
        rounded *= np.where(np.isfinite(walk), walk, 0) * unit
        rounded += exact
        self._settle(rounded, exact, self.rounding.arithmetic.floor)
        return Draws(rounded, self.rounding)

    def _factor(self, x: Any) -> Array:
        """The values, rounded to what products take."""
        if not isinstance(x, Draws):
            return np.asarray(x)[..., None]
        coarse = x.rounding.arithmetic.factors
        if coarse > x.rounding.arithmetic.unit:
            x = self._round(x.values, coarse / x.rounding.arithmetic.unit)
        values: Array = x.values
        return values

    def _bias(self, x: Array) -> Array | float:
        """A wave over the arguments, of another length and phase in each draw."""
        arithmetic, seeds = self.rounding.arithmetic, self.rounding.seeds
        if not arithmetic.bias:
            return 0.0
        phase, length = (_hash(np.full(len(seeds), k), seeds) for k in (1.0, 2.0))
        turns = np.where(np.isfinite(x), x, 0) / (2.5 + 1.5 * length)
        waves: Array = np.cos(np.pi * phase + 2 * np.pi * turns)
        return arithmetic.unit * arithmetic.bias * waves

    def _round(self, exact: Array, units: float) -> Draws:
        """Move each number by up to `units` of its own, evenly, and equal ones equally."""
        arithmetic = self.rounding.arithmetic
        if not arithmetic.unit:
            return Draws(exact, self.rounding)
        rounded = _hash(exact, self.rounding.seeds)
        rounded *= units * arithmetic.unit
        rounded += 1
        rounded *= exact
        self._settle(rounded, exact, arithmetic.floor)
        return Draws(rounded, self.rounding)

    def _settle(self, rounded: Array, exact: Array, floor: float) -> None:
        """Move small numbers by up to the floor, if there is one; all this in place."""
        if floor and self.rounding.arithmetic.unit:
            small = (np.abs(exact) * self.rounding.arithmetic.unit < floor) & (exact != 0)
            if small.any():
                rounded += _hash(rounded, self.rounding.seeds) * np.where(small, floor, 0)


def _is_one(a: Any) -> bool:
    """Whether a numerator is that of a sigmoid, 1 / (1 + exp(-x)): the only reciprocal there is."""
    return not isinstance(a, Draws) and np.ndim(a) == 0 and bool(a == 1)


def make_rounding(arithmetic: Arithmetic, draws: int, seed: int) -> Rounding:
    """Seeds for as many draws."""
    seeds = np.random.default_rng([seed, 97]).integers(0, 2**64, draws, np.uint64)
    return Rounding(arithmetic, seeds)


def _hash(exact: Array, seeds: Array) -> Array:
    """Evenly spread in [-1, 1), the same for the same number and draw (splitmix64's finaliser)."""
    bits = np.ascontiguousarray(exact).view(np.uint64) + seeds
    bits ^= bits >> _30
    bits *= _MIX[0]
    bits ^= bits >> _27
    bits *= _MIX[1]
    bits >>= _12  # the mantissa of a number in [2, 4)
    bits |= _TWO
    noise = bits.view(np.float64)
    noise -= 3
    return noise


def _multiply(a: Array, b: Array) -> Array:
    """A matrix product for each draw; where one factor is the same in all of them, one product."""
    if b.shape[-1] == 1 and b.ndim == 3:
        front = np.moveaxis(a, -1, 0)
        rows = front.reshape(math.prod(front.shape[:-1]), front.shape[-1])
        flat = rows @ b[..., 0]
        return np.moveaxis(flat.reshape(*front.shape[:-1], b.shape[1]), 0, -1)
    if a.shape[-1] == 1 and a.ndim == b.ndim == 3:
        flat = a[..., 0] @ b.reshape(len(b), b.shape[1] * b.shape[2])
        return flat.reshape(len(a), *b.shape[1:])
    ndim = max(a.ndim, b.ndim)
    product: Array = np.moveaxis(_front(a, ndim) @ _front(b, ndim), 0, -1)
    return product


def _front(a: Array, ndim: int) -> Array:
    """Draws first, then as many axes as the other factor has."""
    front = np.moveaxis(a, -1, 0)
    padded: Array = front.reshape(len(front), *[1] * (ndim - a.ndim), *front.shape[1:])
    return padded


def _count_terms(a: Array, b: Array) -> Any:
    """How many terms of each sum aren't zero."""
    if a.all() and b.all():
        return a.shape[-2]
    return _multiply((a != 0).astype(float), (b != 0).astype(float))


@np.errstate(all="ignore")
def _root(a: Array, b: Array, terms: Any) -> Array:
    """The root of the sum of a product's squared terms, whose squares may be out of range."""
    squares = _multiply(np.square(a), np.square(b))
    if (((squares > _LEAST) | (terms == 0)) & (squares < np.inf)).all():
        plain: Array = np.sqrt(squares)
        return plain
    one, other = _scale(a), _scale(b)
    root: Array = np.sqrt(_multiply(np.square(a / one), np.square(b / other))) * (one * other)
    return root


def _scale(a: Array) -> float:
    """The largest finite number, or 1."""
    return float(np.abs(a[np.isfinite(a)]).max(initial=0)) or 1.0


def _values(a: Any) -> Any:
    if isinstance(a, Draws):
        return a.values
    return np.asarray(a)[..., None] if np.ndim(a) else a


def _key(key: Any) -> Any:
    keys = key if isinstance(key, tuple) else (key,)
    return (*keys, slice(None)) if any(k is Ellipsis for k in keys) else key


def _axis(axis: int) -> int:
    return axis - 1 if axis < 0 else axis


def _spread_out(arrays: Any, rounding: Rounding) -> list[Array]:
    """Plain arrays among draws become draws, as many as the others, since joining wants that."""
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
