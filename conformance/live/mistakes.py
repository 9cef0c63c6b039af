"""The catalogue for live layers: every known mistake, and the two that go together at a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.mistakes.axes import AXIS_MISTAKES
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.mistake import Mistake

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.wrappers import Wrappable

_AXES: Final = {mistake.name: mistake for mistake in AXIS_MISTAKES}


def _batch_major(lstm: Wrappable) -> Wrappable:
    """Take x and return y with the sequences first."""
    inside = _AXES["x batch-major"].apply(lstm)
    return _AXES["y batch-major"].apply(inside)


# A layer that is batch-first where its caller is time-major, or the other way round.
BATCH_FIRST: Final = Mistake(
    name="x and y batch-major",
    family="batch and time",
    words="x and y were (batch, time, features): batch-first was confused",
    violates="every number of several sequences of several steps",
    apply=_batch_major,
    checks=_AXES["x batch-major"].checks,
)
LIVE_CATALOGUE: Final = (*CATALOGUE, BATCH_FIRST)
