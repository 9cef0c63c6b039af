"""Mistakes in the parameters: the order of the gates, and the arrangement of kernels.

All of them move numbers, and are consistent: weights that go in wrong come out wrong in the same
way, so gradients are right for what was computed, and no round trip shows a thing.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.cells import CellChange
from gateparity.conformance.mistakes.mistake import COMPUTES, alike
from gateparity.conformance.mistakes.wrappers import Wrapper
from gateparity.network.config import GATES
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.network.parameters import Array, CellWeights


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
    transpose: Callable[[Array], Array] | None = None,
) -> CellChange:
    """Return a mistake that makes the same change to these arrays of every cell.

    A change that does more than move numbers has a `transpose`.
    """

    def back(d_cell: CellWeights) -> CellWeights:
        return map_fields(d_cell, names, transpose or change)

    return CellChange(lambda cell: map_fields(cell, names, change), back if transpose else None)


def on_weights(names: tuple[str, ...], change: Callable[[Array], Array]) -> Wrapper:
    """Return a mistake that changes these arrays of every cell as they are read back."""
    return Wrapper(
        weights=lambda lstm, *asked: tuple(
            map_fields(cell, names, change) for cell in lstm.weights(*asked)
        )
    )


def first_inputs(w_ih: Array, count: int) -> Array:
    """Return input kernels that read so many inputs alone, and zero times the others."""
    return np.where(np.arange(w_ih.shape[-1]) < count, w_ih, np.zeros_like(w_ih))


def map_fields(
    cell: CellWeights, names: tuple[str, ...], change: Callable[[Array], Array]
) -> CellWeights:
    """Return the cell with a function applied to these of its arrays."""
    changed = {name: change(array) for name, array in fields(cell).items() if name in names}
    return dataclasses.replace(cell, **changed)


def at(gate: str) -> Array:
    """Return a mask `(gate, 1)` that is true for one gate."""
    return np.array([[letter == gate] for letter in GATES])


def _packed(order: str, names: tuple[str, ...] = KERNELS + BIASES) -> CellChange:
    """Return a mistake that packs gates in `order` and reads them as i, f, g, o."""
    there = [GATES.index(gate) for gate in order]
    return on_fields(names, lambda array: array[there])


def _listed(order: Iterable[str]) -> str:
    return ", ".join(order)


def _transposed(w: Array) -> Array:
    return np.swapaxes(w, 1, 2)


def _transposed_at(gate: str) -> CellChange:
    here = at(gate)[..., None]
    return on_fields(("w_hh",), lambda w: np.where(here, _transposed(w), w))


def _reshaped(w: Array) -> Array:
    """Reshape `(4 hidden, input)` to `(input, 4 hidden)` where a transpose is needed."""
    gates, hidden, size = w.shape
    return w.reshape(size, gates * hidden).T.reshape(gates, hidden, size)


def _interleaved(array: Array) -> Array:
    """Read the rows as if the four gates of each unit were together."""
    gates, hidden, *rest = array.shape
    return np.swapaxes(array.reshape(hidden, gates, *rest), 0, 1)


def _state_first(cell: CellWeights) -> CellWeights:
    """Read a kernel that is packed as [x; h] as [h; x]."""
    fused, hidden = np.concatenate([cell.w_ih, cell.w_hh], -1), cell.w_hh.shape[-1]
    return dataclasses.replace(cell, w_ih=fused[..., hidden:], w_hh=fused[..., :hidden])


_ORDERS: Rows = {
    **{
        f"gates packed {_listed(order)}": (
            f"the gates{{place}} were packed {_listed(order)}",
            _packed("".join(order)),
        )
        for order in itertools.permutations(GATES)
        if "".join(order) != GATES
    },
    **{
        f"{part} alone packed {_listed(order)}": (
            f"the {part}{{place}} alone were packed {_listed(order)}",
            _packed(order, names),
        )
        for part, names in (
            ("input kernels", ("w_ih",)),
            ("recurrent kernels", ("w_hh",)),
            ("biases", BIASES),
        )
        for order in ("ifog", "igfo")
    },
}

_KERNELS: Rows = {
    "recurrent kernels transposed": (
        "the recurrent kernels{place} were transposed",
        on_fields(("w_hh",), _transposed),
    ),
    **{
        f"recurrent kernel of the {words} transposed": (
            f"the recurrent kernel of the {words}{{place}} was transposed",
            _transposed_at(gate),
        )
        for gate, words in GATE_NAMES.items()
    },
    "kernels reshaped": (
        "the kernels{place} were reshaped where they should have been transposed",
        on_fields(KERNELS, _reshaped),
    ),
    "gates interleaved": (
        "the rows of kernels and biases{place} went unit by unit, the four gates of each together",
        on_fields(KERNELS + BIASES, _interleaved),
    ),
    "state before the input": (
        "one kernel of [x; h]{place} was read as one of [h; x]",
        CellChange(_state_first),
    ),
    "no recurrent kernels": (
        "the recurrent kernels{place} were left at zero",
        on_fields(("w_hh",), lambda w: w * 0),
    ),
}

WEIGHT_MISTAKES: Final = (
    *alike(
        "gate order",
        "every number that depends on a gate: all checks that compute",
        COMPUTES,
        _ORDERS,
    ),
    *alike(
        "kernels",
        "every number, where there are several units: all checks that compute",
        COMPUTES,
        _KERNELS,
    ),
)


def _weighed(b_ih: float, b_hh: float) -> CellChange:
    """Return a mistake that multiplies each bias by its factor."""

    def change(cell: CellWeights) -> CellWeights:
        if cell.b_ih is None or cell.b_hh is None:
            return cell
        return dataclasses.replace(cell, b_ih=cell.b_ih * b_ih, b_hh=cell.b_hh * b_hh)

    return CellChange(change, change)


def _no_bias_at(gate: str) -> CellChange:
    here = at(gate)
    return on_fields(BIASES, lambda b: np.where(here, np.zeros_like(b), b))


_BIASES: Rows = {
    "no biases": ("the biases{place} were left out", _weighed(0, 0)),
    "no b_ih": ("b_ih{place} was left out", _weighed(0, 1)),
    "no b_hh": ("b_hh{place} was left out", _weighed(1, 0)),
    "b_ih twice": ("b_ih{place} stood in the place of both biases", _weighed(2, 0)),
    "b_hh twice": ("b_hh{place} stood in the place of both biases", _weighed(0, 2)),
    "biases doubled": ("the sum of both biases{place} stood in the place of each", _weighed(2, 2)),
    "biases halved": (
        "the mean of both biases{place} stood in the place of their sum",
        _weighed(0.5, 0.5),
    ),
    **{
        f"no bias at the {words}": (
            f"the biases of the {words}{{place}} were left out",
            _no_bias_at(gate),
        )
        for gate, words in GATE_NAMES.items()
    },
}

BIAS_MISTAKES: Final = alike(
    "biases", "every number of an LSTM with biases: all checks that compute", COMPUTES, _BIASES
)
