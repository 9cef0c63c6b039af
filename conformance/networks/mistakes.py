"""The catalogue for live layers: every known mistake, and those that live layers' callers make."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.axes import AXIS_MISTAKES
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.directions import DIRECTION_MISTAKES
from gateparity.conformance.mistakes.mistake import COMPUTES, Mistake
from gateparity.conformance.mistakes.wrappers import on_outputs, replace_equations

if TYPE_CHECKING:
    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.conformance.mistakes.wrappers import Wrappable
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config

_DIRECTIONS: Final = {mistake.name: mistake for mistake in DIRECTION_MISTAKES}
_AXES: Final = {mistake.name: mistake for mistake in AXIS_MISTAKES}


def _batch_major(lstm: Wrappable) -> Wrappable:
    """Take x and return y with the sequences first."""
    inside = _AXES["x batch-major"].apply(lstm)
    return _AXES["y batch-major"].apply(inside)


def _flip_reverse(outputs: Outputs, _: Batch, config: Config) -> Outputs:
    halves = np.split(outputs.y, config.directions, -1)
    flipped = [halves[0], *(np.flip(half, 0) for half in halves[1:])]
    return dataclasses.replace(outputs, y=np.concatenate(flipped, -1))


def _turned_twice(lstm: Wrappable) -> Wrappable:
    """Run both directions onward, and turn one's outputs, as a wrapper of one direction does."""
    return on_outputs(_flip_reverse)(_DIRECTIONS["reverse direction not reversed"].apply(lstm))


def _exchanged_at_every_step(lstm: Wrappable) -> Wrappable:
    """Take h for c and c for h, as a cell does whose caller has them in the other order."""

    def exchange(scratch: Scratch) -> Scratch:
        def cell(Z_x: Any, H: Any, C: Any, W_h: Any) -> Any:
            return scratch.cell(Z_x, C, H, W_h)

        def backward_cell(*given: Any) -> Any:
            dZ, dH, dC = scratch.backward_cell(*given)
            return dZ, dC, dH

        return dataclasses.replace(scratch, cell=cell, backward_cell=backward_cell)

    return replace_equations(lstm, exchange)


# A layer that is batch-first where its caller is time-major, or the other way round.
_BATCH_FIRST: Final = Mistake(
    name="x and y batch-major",
    family="batch and time",
    words="x and y were (batch, time, features): batch-first was confused",
    violates="every number of several sequences of several steps",
    apply=_batch_major,
    checks=_AXES["x batch-major"].checks,
)
_EXCHANGED: Final = Mistake(
    name="states exchanged at every step",
    family="initial states",
    words="h and c had changed places at every step",
    violates="every number: all checks that compute",
    apply=_exchanged_at_every_step,
    checks=COMPUTES,
)
_TURNED: Final = Mistake(
    name="reverse direction not reversed, and turned",
    family="directions",
    words=(
        "the reverse direction ran from the first step to the last, "
        "and its outputs were returned from the last to the first"
    ),
    violates="every number of two directions",
    apply=_turned_twice,
    checks=_DIRECTIONS["reverse direction not reversed"].checks,
)
LIVE_CATALOGUE: Final = (*CATALOGUE, _BATCH_FIRST, _EXCHANGED, _TURNED)
