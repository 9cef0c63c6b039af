"""Mistakes with batch and time: swapped axes, and steps or sequences out of order."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.initial_states import regrouped, ungrouped
from gateparity.conformance.mistakes.mistake import ANSWERS, COMPUTES, UNCUT, alike
from gateparity.conformance.mistakes.wrappers import on_batch, on_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Wrapper
    from gateparity.network.parameters import Array

    Turn = Callable[[Array], Array]


def _x(turn: Turn) -> Wrapper:
    return on_batch(lambda batch, _: dataclasses.replace(batch, x=turn(batch.x)))


def _y(turn: Turn) -> Wrapper:
    return on_outputs(lambda o, *_: dataclasses.replace(o, y=turn(o.y)))


def _rolled(step: int, axis: int) -> Turn:
    return lambda array: np.roll(array, step, axis)


def _from_the_end(array: Array) -> Array:
    return np.flip(array, 0)


_FAMILY: Final = "batch and time"

_X: Rows = {"x from its end": ("x was read from its last step to its first", _x(_from_the_end))}

_Y: Rows = {
    "y from its end": ("y was returned from its last step to its first", _y(_from_the_end)),
    "y a step late": ("y was returned one step late, its last step first", _y(_rolled(1, 0))),
    "y of the next sequence": ("y stood one place further in the batch", _y(_rolled(1, 1))),
}

_BOTH_AXES: Final = "every number of several sequences of several steps, which `batch` never runs"

_X_AXES: Rows = {"x batch-major": ("x was read as (batch, time, input)", _x(regrouped))}

_Y_AXES: Rows = {"y batch-major": ("y was returned as (batch, time, hidden)", _y(ungrouped))}

AXIS_MISTAKES: Final = (
    *alike(_FAMILY, "every number of several steps: all checks that compute", COMPUTES, _X),
    *alike(
        _FAMILY, "outputs of several steps and sequences, and gradients through them", ANSWERS, _Y
    ),
    *alike(_FAMILY, _BOTH_AXES, UNCUT, _X_AXES),
    *alike(_FAMILY, _BOTH_AXES, UNCUT & ANSWERS, _Y_AXES),
)
