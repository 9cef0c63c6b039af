"""The catalogue for live layers: every known mistake, and those that live layers' callers make."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.mistakes.axes import AXIS_MISTAKES
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.mistake import COMPUTES, Mistake
from gateparity.conformance.mistakes.wrappers import replace_equations

if TYPE_CHECKING:
    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.conformance.mistakes.wrappers import Wrappable

_AXES: Final = {mistake.name: mistake for mistake in AXIS_MISTAKES}


def _batch_major(lstm: Wrappable) -> Wrappable:
    """Take x and return y with the sequences first."""
    inside = _AXES["x batch-major"].apply(lstm)
    return _AXES["y batch-major"].apply(inside)


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
LIVE_CATALOGUE: Final = (*CATALOGUE, _BATCH_FIRST, _EXCHANGED)
