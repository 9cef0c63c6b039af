"""Products of matrices in many draws at once, and how far the partial sums of a product walk.

A library may add the terms of a product in any order. The error of a product is that of all its
roundings together, so it depends on the size of every term and of every partial sum.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

_LEAST: Final = float(np.finfo(np.float64).tiny)
_FEW: Final = 8  # terms: what they are added onto adds at most sqrt(8) of its own rounding
_SUMS: Final = 16  # partial sums of a product that are looked at
# The root of the mean of 1 / x^2 over leading digits x in [1, 2), whose density is 1 / (x ln 2):
# a rounding error of known sums is that much smaller than a bound that holds for all digits.
_DIGITS: Final = math.sqrt(3 / 8 / math.log(2))


def multiply(a: Array, b: Array) -> Array:
    """Multiply matrices in each draw; use one large product if a factor is equal in all draws."""
    # Draws times weights is the usual product in a cell. BLAS is fast for one large matrix, and
    # slow for a stack of small ones.
    if b.shape[-1] == 1 and b.ndim == 3:
        front = _draws_first(a)
        rows = front.reshape(math.prod(front.shape[:-1]), front.shape[-1])
        flat = rows @ b[..., 0]
        return _draws_last(flat.reshape(*front.shape[:-1], b.shape[1]))
    if a.shape[-1] == 1 and a.ndim == b.ndim == 3:
        flat = a[..., 0] @ b.reshape(len(b), b.shape[1] * b.shape[2])
        return flat.reshape(len(a), *b.shape[1:])
    ndim = max(a.ndim, b.ndim)
    return _draws_last(_front(a, ndim) @ _front(b, ndim))


def count_terms(a: Array, b: Array) -> Any:
    """Return how many terms of each inner product of two matrices aren't zero."""
    if a.all() and b.all():
        return a.shape[-1]
    return (a != 0).astype(float) @ (b != 0).astype(float)


@np.errstate(all="ignore")
def find_walk(a: Array, b: Array, exact: Array, terms: Any) -> Array:
    """Return the root of the summed squares of everything that a product of matrices rounds.

    That is every term and every partial sum, in the worst of three orders.
    """
    # Libraries differ in the order of a sum. In a random order, the partial sums s_k walk at
    # random, and all roundings together have the variance u^2 w^2 / 3 with w^2 = q (1 + n/6) +
    # S^2 n/3. Here q is the sum of the squared terms, S their sum, and n the number of terms that
    # are not zero. The first part dominates if terms cancel, the second if they have one sign.
    # docs/rounding.md has the derivation; it follows Higham and Mary, 2019.
    root = _root(a, b, terms)
    by_chance: Array = np.hypot(root * np.sqrt(1 + terms / 6), exact * np.sqrt(terms / 3))
    if a.shape[-1] <= _SUMS:
        return by_chance  # few terms can't walk twice as far, whatever their order
    # Most libraries add in the order of memory, or in reverse. The terms of a gradient are then in
    # order of time: those of early steps may have one sign and those of late steps the other, and
    # the sums walk further than by chance.
    scale = _scale(root)
    in_order = np.hypot(root, _path(a / scale, b) * (_DIGITS * scale))
    walk: Array = np.maximum(by_chance, in_order)
    return walk


def find_walk_from(start: Array, terms: Any) -> Array:
    """Return the root of the summed squares that `start` adds to the partial sums of a product.

    That is for a library that adds the product's terms onto `start`. One draw is enough. A start
    that isn't finite, and one for few terms, adds nothing.
    """
    size = np.abs(np.asarray(start))
    size = size[..., :1] if size.ndim else size
    walk: Array = size * np.sqrt(np.where(terms > _FEW, terms, 0))
    return np.where(np.isfinite(walk), walk, 0)


def _path(a: Array, b: Array) -> Array:
    """Return the root of the summed squares of the partial sums, in order or in reverse.

    Of the two it is the larger. Sums are taken after each of up to `_SUMS` blocks of terms, and
    are a line inside a block.
    """
    size = a.shape[-1]
    bounds = np.linspace(0, size, min(size, _SUMS) + 1).astype(int)
    s, squares, terms, ends_of_all = (np.zeros(()) for _ in range(4))
    for i, j in itertools.pairwise(bounds):
        block = a[..., i:j], b[..., i:j, :]
        n, t = count_terms(*block), s + np.matmul(*block)
        # From s to t in n steps: their squares add up to n (s^2 + s t + t^2) / 3.
        squares = squares + n / 3 * (s * s + s * t + t * t)
        terms, ends_of_all = terms + n, ends_of_all + n * (s + t)
        s = t
    # In reverse each sum s is S - s, so that a line has n (S^2 - S (s + t)) more.
    more_in_reverse = s * (s * terms - ends_of_all)
    path: Array = np.sqrt(squares + np.maximum(more_in_reverse, 0))
    return path


@np.errstate(all="ignore")
def _root(a: Array, b: Array, terms: Any) -> Array:
    """Return the root of the sum of a product's squared terms.

    The factors are scaled if the squares overflow or underflow.
    """
    # Squares of numbers near 1e200 overflow though their root is a normal number.
    squares = np.square(a) @ np.square(b)
    usual = squares.min(initial=np.inf) > _LEAST and squares.max(initial=0) < np.inf
    if usual or (((squares > _LEAST) | (terms == 0)) & (squares < np.inf)).all():
        plain: Array = np.sqrt(squares)
        return plain
    one, other = _scale(a), _scale(b)
    root: Array = np.sqrt(np.square(a / one) @ np.square(b / other)) * (one * other)
    return root


def _scale(a: Array) -> float:
    """Return the largest finite magnitude, or 1 if that is 0."""
    return float(np.abs(a[np.isfinite(a)]).max(initial=0)) or 1.0


def _front(a: Array, ndim: int) -> Array:
    """Move the axis of the draws to the front, and pad to `ndim` axes after it."""
    front = _draws_first(a)
    padded: Array = front.reshape(len(front), *[1] * (ndim - a.ndim), *front.shape[1:])
    return padded


def _draws_first(a: Array) -> Array:
    first: Array = a.transpose(-1, *range(a.ndim - 1))  # np.moveaxis, which takes longer
    return first


def _draws_last(a: Array) -> Array:
    # in this order in memory too, as the noise is: operations on two orders are slow
    return np.ascontiguousarray(a.transpose(*range(1, a.ndim), 0))
