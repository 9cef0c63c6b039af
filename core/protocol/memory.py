"""The same numbers in other memory: read-only arrays in the orders that NumPy's callers pass."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.network.batch import map_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.network.parameters import Array


def _repeating(array: Array) -> Array:
    """Return an array in which whatever repeats along an axis stands once, with a stride of 0.

    Such are a state that was expanded to a batch, and the cotangent of a mean.
    """
    found = array
    for axis, size in enumerate(array.shape):
        first = found[(slice(None),) * axis + (slice(0, 1),)]
        if size > 1 and np.broadcast_to(first, found.shape).tobytes() == found.tobytes():
            found = first
    return np.broadcast_to(found.copy(), array.shape)


def _strided(array: Array) -> Array:
    """Return every other number of a larger array, whose others are other numbers."""
    return np.stack([array, np.flip(array)], -1)[..., 0]


def _reversed(array: Array) -> Array:
    """Return every other number of a larger array, from its end: strides are negative."""
    larger = np.stack([np.flip(array)] * 2, -1)
    return np.flip(larger[..., 0])


def _batch_first(array: Array) -> Array:
    """Return an array whose first two axes are exchanged in memory, as x `(B, T, input)` is."""
    if array.ndim < 2:
        return array.copy()
    exchanged = array.swapaxes(0, 1).copy()
    return exchanged.swapaxes(0, 1)


def _sliced(array: Array) -> Array:
    """Return the first part of longer rows, which have other numbers in the rest."""
    return np.concatenate([array, np.flip(array)], -1)[..., : array.shape[-1]]


def _fortran(array: Array) -> Array:
    """Return a copy with the first axis next to itself in memory."""
    return np.array(array, order="F")


_ORDERS: Final[dict[str, Callable[[Array], Array]]] = {
    "read-only ones": _repeating,
    "strided views": _strided,
    "views in reverse": _reversed,
    "ones in Fortran order": _fortran,
    "batch-first views": _batch_first,
    "slices of longer rows": _sliced,
}


def views(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the same tree in each order, and at last with a different one for each array."""
    for words, order in _ORDERS.items():
        yield words, _in_order(tree, order)
    orders = itertools.cycle(_ORDERS.values())
    yield "mixed memory orders", map_arrays(lambda a: _read_only(next(orders)(a)), tree)


def _in_order(tree: Any, order: Callable[[Array], Array]) -> Any:
    return map_arrays(lambda a: _read_only(order(a)), tree)


def _read_only(array: Array) -> Array:
    view = array.view()
    for owner in (view.base, view):  # both, else the view could be made writable again
        if isinstance(owner, np.ndarray):
            owner.flags.writeable = False
    return view
