"""What people call an LSTM with: a loss on some outputs alone, one-hot inputs, steps of zeros.

Random numbers have none of it. Code that leaves out what seems to have no effect, such as a step
without a cotangent, is wrong only there.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.special_values import scale_arrays, zero_biases
from gateparity.network.batch import arrays_by_name, replace_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.problems.picker import Picker
    from gateparity.network.parameters import Array

    Change = Callable[[Case], Case]

_TINY: Final = 2.0**-30  # one plus it is one in float32


def draw_uses(pick: Picker) -> list[tuple[str, ...]]:
    """Return which loss and inputs each problem has: each loss twice, each time with others."""
    losses, inputs = pick.shuffled([*_LOSSES]), pick.shuffled(["", *_INPUTS])
    pairs = [
        (loss, inputs[(2 * k + turn) % len(inputs)])
        for k, loss in enumerate(losses)
        for turn in range(2)
    ]
    return [tuple(word for word in pair if word) for pair in pairs]


def apply_uses(case: Case, uses: Sequence[str]) -> Case:
    """Return the case with the loss and the inputs that these words describe."""
    for word in uses:
        case = {**_LOSSES, **_INPUTS}[word](case)
    return case


def _weigh_alone(*names: str) -> Change:
    """Return a change that leaves only these cotangents; the others become zero."""

    def change(case: Case) -> Case:
        arrays = arrays_by_name(case.cotangent)
        zeros = {name: np.zeros_like(array) for name, array in arrays.items() if name not in names}
        return dataclasses.replace(case, cotangent=replace_arrays(case.cotangent, **zeros))

    return change


def _weigh_last_output(case: Case) -> Case:
    """Leave the cotangent of each sequence's last output alone."""
    return _weigh_steps(_weigh_alone("y")(case), _is_last(case))


def _weigh_every_other(case: Case) -> Case:
    """Set the cotangent of y to zero at every other step."""
    return _weigh_steps(case, np.arange(len(case.batch.x))[:, None] % 2 == 0)


def _weigh_in_turn(case: Case) -> Case:
    """Leave the cotangent of y to every other sequence, and those of the states to the others."""
    even = np.arange(case.batch.x.shape[1])[:, None] % 2 == 0
    arrays = arrays_by_name(case.cotangent)
    weighed = {
        name: np.where(even == (name == "y"), array, 0).astype(array.dtype)
        for name, array in arrays.items()
    }
    return dataclasses.replace(case, cotangent=replace_arrays(case.cotangent, **weighed))


def _make_one_hot(case: Case) -> Case:
    """Set the largest feature of each step to one, and the others to zero."""
    x = case.batch.x
    one_hot = np.arange(x.shape[-1]) == x.argmax(-1)[..., None]
    return dataclasses.replace(case, batch=replace_arrays(case.batch, x=one_hot.astype(x.dtype)))


def _skip_steps(case: Case) -> Case:
    """Set every third step of x to zero, and the last one of each sequence."""
    skipped = (np.arange(len(case.batch.x))[:, None] % 3 == 1) | _is_last(case)
    return scale_arrays(case, x=~skipped[..., None])


def _cancel(case: Case) -> Case:
    """Let inputs, states and biases sum to zero exactly, in any order."""

    def cancel(array: Array) -> Array:
        coarse = np.round(array * 16) / 16
        return (coarse - np.flip(coarse, -1)).astype(array.dtype)

    arrays = arrays_by_name(dataclasses.replace(case.batch, lengths=None))
    batch = replace_arrays(case.batch, **{name: cancel(array) for name, array in arrays.items()})
    names = ("b_ih", "b_hh") if case.config.biases else ()
    params = tuple(
        dataclasses.replace(cell, **{name: cancel(getattr(cell, name)) for name in names})
        for cell in case.params
    )
    return dataclasses.replace(case, batch=batch, params=params)


def _make_tiny(case: Case) -> Case:
    """Make all but the kernels so small that one plus any of them is one, or zero."""
    return scale_arrays(case, x=_TINY, h_0=_TINY, c_0=_TINY, b_ih=0, b_hh=0)


# By words for a description.
_LOSSES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "a loss on y alone": _weigh_alone("y"),
        "a loss on h_n alone": _weigh_alone("h_n"),
        "a loss on c_n alone": _weigh_alone("c_n"),
        "a loss on y and h_n": _weigh_alone("y", "h_n"),
        "a loss on the last outputs alone": _weigh_last_output,
        "a loss on every other y": _weigh_every_other,
        "a loss on y or states of each sequence": _weigh_in_turn,
    }
)
_INPUTS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "one-hot x": _make_one_hot,
        "x with steps of zeros": _skip_steps,
        "biases of zero": zero_biases,
        "all zero but kernels": lambda case: scale_arrays(
            case, **dict.fromkeys(("x", "h_0", "c_0", "b_ih", "b_hh"), 0.0)
        ),
        "tiny numbers": _make_tiny,
        "numbers that sum to zero": _cancel,
    }
)


def _is_last(case: Case) -> Array:
    """Return a mask `(T, B)`, true at each sequence's last step."""
    steps, lengths = len(case.batch.x), case.batch.lengths
    last: Array = np.arange(steps)[:, None] == (steps if lengths is None else lengths) - 1
    return np.broadcast_to(last, case.batch.x.shape[:2])


def _weigh_steps(case: Case, mask: Array) -> Case:
    y = np.where(mask[..., None], case.cotangent.y, 0).astype(case.cotangent.y.dtype)
    return dataclasses.replace(case, cotangent=replace_arrays(case.cotangent, y=y))
