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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gateparity.network.batch import map_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.network.parameters import Array

    Tree = TypeVar("Tree")  # an array, or tuples and dataclasses of arrays


def pull_back(move: Callable[[Tree], Any], d_moved: Any, like: Tree) -> Tree:
    """Return the gradients of what went into `move`, from those of what came out.

    Both are arrays, or tuples, mappings and dataclasses of arrays; `like` has the shapes of what
    went in. An array that is None or left out stands for zeros. The arrays may be any that NumPy's
    functions take, among them those that round at random, which know no scatter: so this only
    gathers.
    """
    count = sum(array.size for array, _ in _pairs(like, like))
    came = list(_pairs(move(_fill(like, np.arange(count) + 1)), d_moved))
    places = np.concatenate([p.reshape(-1) for p, _ in came])
    nothing = np.zeros_like(came[0][1], shape=(1,))
    flat = np.concatenate([*(d.reshape(-1) for _, d in came), nothing])
    return _fill(like, _gather(flat, _sources(places, count)))


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

    return map_arrays(take, like)


def _pairs(places: Any, gradients: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every array of places with its gradient, in their order, without those left out."""
    if places is None:
        return
    if isinstance(gradients, tuple):
        for place, gradient in zip(places, gradients, strict=True):
            yield from _pairs(place, gradient)
    elif isinstance(gradients, Mapping):
        for name, gradient in gradients.items():
            yield from _pairs(places.get(name), gradient)
    elif dataclasses.is_dataclass(gradients):
        yield from _pairs(vars(places), vars(gradients))
    else:
        yield places, gradients
