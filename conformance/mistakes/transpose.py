"""The transpose of a mistake that only moves numbers, found by running it once on their places.

Backpropagation through a linear map applies its transpose. A map that moves, repeats or drops
numbers needs no transpose derived by hand: if its input is numbered 1, 2, 3..., its output says for
each number where it came from. The transpose adds up, for each place of the input, the gradients of
all outputs that came from it. Where an output is 0, it came from nowhere, and its gradient is lost.

Example: `[a, b, c] -> [c, a, a, 0]` turns the places `[1, 2, 3]` into `[3, 1, 1, 0]`, so a gradient
`[p, q, r, s]` becomes `[q + r, 0, p]`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.parameters import Array

    Tree = TypeVar("Tree")  # an array, or tuples and dataclasses of arrays


def pull_back(move: Callable[[Tree], Any], d_moved: Any, like: Tree) -> Tree:
    """Return the gradients of what went into `move`, from those of what came out.

    Both are arrays, or tuples and dataclasses of arrays; `like` has the shapes of what went in.
    None in the place of an array stands for zeros. The arrays may be any that NumPy's functions
    take, among them those that round at random, which know no scatter: so this only gathers.
    """
    count = sum(array.size for array in _arrays(like) if array is not None)
    moved = _arrays(move(_fill(like, np.arange(count) + 1)))
    came = [(p, d) for p, d in zip(moved, _arrays(d_moved), strict=True) if p is not None]
    places = np.concatenate([p.reshape(-1) for p, _ in came])
    nothing = np.zeros_like(came[0][1], shape=(1,))
    flat = np.concatenate([*(d.reshape(-1) for _, d in came), nothing])
    return _fill(like, _gather(flat, _sources(places, count)))


def map_arrays(change: Callable[[Any], Any], tree: Any) -> Any:
    """Return the same tuples and dataclasses with each array changed."""
    if isinstance(tree, tuple):
        return tuple(map_arrays(change, item) for item in tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        arrays = {n: change(a) for n, a in vars(tree).items() if hasattr(a, "reshape")}
        return dataclasses.replace(tree, **arrays)
    return change(tree) if hasattr(tree, "reshape") else tree


def _gather(flat: Array, sources: Array) -> Array:
    """Add up the gradients that each place has: one gather for each repetition."""
    first, *others = sources
    total: Array = flat[first]
    for row in others:
        there = row < len(flat) - 1  # a place without one more isn't added to, which would round it
        total = np.where(there, total + flat[row], total)
    return total


def _sources(places: Array, count: int) -> Array:
    """Return `(repetitions, count)`: which outputs came from each place, `len(places)` for none."""
    kept = np.flatnonzero(places)
    kept = kept[np.argsort(places[kept], kind="stable")]
    repetition = np.arange(len(kept)) - np.searchsorted(places[kept], places[kept])
    sources = np.full((repetition.max(initial=0) + 1, count), len(places))
    sources[repetition, places[kept] - 1] = kept
    return sources


def _fill(like: Tree, flat: Array) -> Tree:
    """Lay the numbers into arrays of these shapes."""
    end = 0

    def take(array: Array) -> Array:
        nonlocal end
        end += array.size
        return flat[end - array.size : end].reshape(array.shape)

    filled: Tree = map_arrays(take, like)
    return filled


def _arrays(tree: Any) -> list[Any]:
    """List all arrays in their order, None where one is absent."""
    if not isinstance(tree, tuple) and not dataclasses.is_dataclass(tree):
        return [tree]
    items = tree if isinstance(tree, tuple) else vars(tree).values()
    return [array for item in items for array in _arrays(item)]
