"""Mistakes in the parameters: the order of the gates, and how kernels lie.

All of them are linear, and consistent: weights that go in wrong come out wrong in the same way, so
gradients are right for what was computed, and no round trip shows a thing.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.config import GATES
from gateparity.conformance.mistakes.cells import CellChange
from gateparity.conformance.mistakes.mistake import COMPUTES, alike
from gateparity.parameters import Cell, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateparity.parameters import Array

KERNELS: Final = ("w_ih", "w_hh")
BIASES: Final = ("b_ih", "b_hh")
GATE_NAMES: Final = {
    "i": "input gate",
    "f": "forget gate",
    "g": "cell candidate",
    "o": "output gate",
}


def on_fields(
    names: tuple[str, ...],
    change: Callable[[Array], Array],
    pull_back: Callable[[Array], Array] | None = None,
) -> CellChange:
    """The same change for these arrays of every cell; the transpose is itself if none is given."""
    back = pull_back or change
    return CellChange(
        lambda cell: map_fields(cell, names, change), lambda d: map_fields(d, names, back)
    )


def map_fields(cell: Cell, names: tuple[str, ...], change: Callable[[Array], Array]) -> Cell:
    """A cell with these of its arrays changed."""
    changed = {name: change(array) for name, array in fields(cell).items() if name in names}
    return dataclasses.replace(cell, **changed)


def at(gate: str) -> Array:
    """`(4, 1)`: whether it is this gate."""
    return np.array([[letter == gate] for letter in GATES])


def _packed(order: str, names: tuple[str, ...] = KERNELS + BIASES) -> CellChange:
    """Gate number k of the LSTM is what was packed as gate `order[k]`."""
    there = [GATES.index(gate) for gate in order]
    back = [order.index(gate) for gate in GATES]
    return on_fields(names, lambda array: array[there], lambda d_array: d_array[back])


def _listed(order: Iterable[str]) -> str:
    return ", ".join(order)


def _transposed(w: Array) -> Array:
    return np.swapaxes(w, 1, 2)


def _transposed_at(gate: str) -> CellChange:
    here = at(gate)[..., None]
    return on_fields(("w_hh",), lambda w: np.where(here, _transposed(w), w))


def _reshaped(w: Array) -> Array:
    """As if `(4 hidden, input)` were made `(input, 4 hidden)` without moving a number."""
    gates, hidden, size = w.shape
    return w.reshape(size, gates * hidden).T.reshape(gates, hidden, size)


def _reshaped_back(d_w: Array) -> Array:
    gates, hidden, size = d_w.shape
    return d_w.reshape(gates * hidden, size).T.reshape(gates, hidden, size)


def _interleaved(array: Array) -> Array:
    """As if rows went unit by unit, the four gates of each together."""
    gates, hidden, *rest = array.shape
    return np.swapaxes(array.reshape(hidden, gates, *rest), 0, 1)


def _interleaved_back(d_array: Array) -> Array:
    return np.swapaxes(d_array, 0, 1).reshape(d_array.shape)


def _state_first(cell: Cell) -> Cell:
    """Packed as [x; h], read as [h; x]."""
    fused, hidden = np.concatenate([cell.w_ih, cell.w_hh], -1), cell.w_hh.shape[-1]
    return dataclasses.replace(cell, w_ih=fused[..., hidden:], w_hh=fused[..., :hidden])


def _state_first_back(d_cell: Cell) -> Cell:
    fused, size = np.concatenate([d_cell.w_hh, d_cell.w_ih], -1), d_cell.w_ih.shape[-1]
    return dataclasses.replace(d_cell, w_ih=fused[..., :size], w_hh=fused[..., size:])


_ORDERS: Final = alike(
    "gate order",
    "every number that depends on a gate: all checks that compute",
    COMPUTES,
    *(
        (
            f"gates packed {_listed(order)}",
            f"the gates{{place}} were packed {_listed(order)}",
            _packed("".join(order)),
        )
        for order in itertools.permutations(GATES)
        if "".join(order) != GATES
    ),
    *(
        (
            f"{part} alone packed {_listed(order)}",
            f"the {part}{{place}} alone were packed {_listed(order)}",
            _packed(order, names),
        )
        for part, names in (
            ("input kernels", ("w_ih",)),
            ("recurrent kernels", ("w_hh",)),
            ("biases", BIASES),
        )
        for order in ("ifog", "igfo")
    ),
)

_KERNELS: Final = alike(
    "kernels",
    "every number, where there are several units: all checks that compute",
    COMPUTES,
    (
        "recurrent kernels transposed",
        "the recurrent kernels{place} were transposed",
        on_fields(("w_hh",), _transposed),
    ),
    *(
        (
            f"recurrent kernel of the {words} transposed",
            f"the recurrent kernel of the {words}{{place}} was transposed",
            _transposed_at(gate),
        )
        for gate, words in GATE_NAMES.items()
    ),
    (
        "kernels reshaped",
        "the kernels{place} were reshaped where they should have been transposed",
        on_fields(KERNELS, _reshaped, _reshaped_back),
    ),
    (
        "gates interleaved",
        "the rows of kernels and biases{place} went unit by unit, the four gates of each together",
        on_fields(KERNELS + BIASES, _interleaved, _interleaved_back),
    ),
    (
        "state before the input",
        "one kernel of [x; h]{place} was read as one of [h; x]",
        CellChange(_state_first, _state_first_back),
    ),
    (
        "no recurrent kernels",
        "the recurrent kernels{place} were left at zero",
        on_fields(("w_hh",), lambda w: w * 0),
    ),
)

WEIGHT_MISTAKES: Final = _ORDERS + _KERNELS
