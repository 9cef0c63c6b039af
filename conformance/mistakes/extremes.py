"""Mistakes in edge cases, which ordinary sizes and numbers never show."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import Activation, with_equations, with_sequence
from gateparity.conformance.mistakes.mistake import LONG, NAN, OVERFLOWING, WIDE, alike, spoiling
from gateparity.conformance.mistakes.weights import BIASES, KERNELS, first_inputs, on_fields
from gateparity.conformance.mistakes.wrappers import on_batch
from gateparity.network.batch import INITIAL_STATES, arrays_by_name, replace_arrays
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.equations import Run
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply
    from gateparity.network.batch import Batch

BLOCK: Final = 32  # inputs
WINDOW: Final = 64  # steps

NAIVE: Final = Activation(lambda z: np.exp(z) / (1 + np.exp(z)), lambda _, s: s * (1 - s))


def _without_nan(batch: Batch, *_: object) -> Batch:
    x = np.where(np.isnan(batch.x), np.zeros_like(batch.x), batch.x)
    return dataclasses.replace(batch, x=x)


def _read_as_zero(name: str) -> Apply:
    """Return a mistake that reads NaN as zero in the parameters, or the states, of this name."""

    def change(array: Any) -> Any:
        return np.where(np.isnan(array), np.zeros_like(array), array)

    if name in KERNELS + BIASES:
        return on_fields((name,), change)
    return on_batch(
        lambda batch, _: (
            replace_arrays(batch, **{name: change(arrays_by_name(batch)[name])})
            if batch.states
            else batch
        )
    )


def _forgetting(sequence: Run, *given: Any, cell: Any, **parts: Any) -> Any:
    steps = itertools.count()

    def forgetful(Z_x: Any, H: Any, C: Any, W_h: Any) -> Any:
        kept = _is_kept(next(steps))
        return cell(Z_x, H * kept, C * kept, W_h)

    return sequence(*given, cell=forgetful, **parts)


def _forgetting_back(
    backward: Run, tape: Any, *given: Any, backward_cell: Any, **parts: Any
) -> Any:
    steps = itertools.count(len(tape.steps) - 1, -1)

    def forgetful(*asked: Any) -> Any:
        kept = _is_kept(next(steps))
        dZ, dH, dC = backward_cell(*asked)
        return dZ, dH * kept, dC * kept

    return backward(tape, *given, backward_cell=forgetful, **parts)


def _is_kept(step: int) -> bool:
    """Return whether the state is passed into a step, counted from the direction's first."""
    return step == 0 or step % WINDOW != 0


_LONG: Rows = {
    "states reset every 64 steps": (
        "the state was set to zero every 64 steps",
        with_sequence(_forgetting, _forgetting_back),
    ),
}

_WIDE: Rows = {
    "inputs after the 32nd left out": (
        "inputs after the 32nd were left out, in a block that isn't full",
        on_fields(("w_ih",), lambda w: first_inputs(w, BLOCK)),
    ),
}

_OVERFLOWING: Rows = {
    "sigmoid by infinity over infinity": (
        "the gates were exp(z) / (1 + exp(z)), NaN for a large z",
        with_equations(i=NAIVE, f=NAIVE, o=NAIVE),
    ),
}

_NAN: Rows = {"NaN read as zero": ("NaN in x was read as zero", on_batch(_without_nan))}

_NAN_IN: Final = {
    name: {f"NaN in {name} read as zero": (f"NaN in {name} was read as zero", _read_as_zero(name))}
    for name in (*INITIAL_STATES, *KERNELS, *BIASES)
}

EDGE_MISTAKES: Final = (
    *alike("sizes", "numbers after the 64th step", LONG, _LONG),
    *alike("sizes", "numbers that depend on an input after the 32nd", WIDE, _WIDE),
    *alike(
        "values",
        "numbers that depend on a pre-activation whose exponential is infinite",
        OVERFLOWING,
        _OVERFLOWING,
        dtypes=SUITE_DTYPES,  # exp overflows from 11 on in float16, which other cases reach
    ),
    *alike("values", "numbers that NaN should reach", NAN, _NAN),
    *itertools.chain.from_iterable(
        alike("values", "numbers that NaN should reach", spoiling(name), rows)
        for name, rows in _NAN_IN.items()
    ),
)
