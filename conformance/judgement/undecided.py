"""Undecidable elements: where rounding alone moves a result as far as the result is large.

Large recurrent weights make an LSTM chaotic. The budget then covers the whole range of an array, so
anything is within it, and a pass would say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.divergence import array_axes

if TYPE_CHECKING:
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Array

# A limit wider than a tenth of the largest value doesn't see an error of a tenth, which is a wrong
# answer in most uses. docs/rounding.md has the shares that the suite's own cases reach.
SHARE: Final = 0.1
# Errors that are wild in float32 may be tame in float64. So where float32's draws leave something
# undecided, float64's are drawn anew, with as little rounding as draws in float64 can have.
FINE_UNIT: Final = 2.0**-40


def find_undecided(exact: Results, sigmas: Results) -> Results:
    """Return a mask for each array with elements whose limit is over `SHARE` of its scale.

    The scale of an array is its largest finite magnitude. If it has such elements, the scale of
    each step of each sequence counts too.
    """
    masks = {name: _mask(name, array, sigmas[name]) for name, array in exact.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _mask(name: str, exact: Array, sigma: Array) -> Array:
    # All units of a step come from one state. Once that is chaotic, the draws of a unit say little:
    # one that stays where it is in all of them may jump in the next. An array without steps or
    # sequences is a sum over them.
    axes = array_axes(name)
    known = len(axes) == exact.ndim and {"step", "sequence"} & {*axes}
    others = tuple(k for k, axis in enumerate(axes) if axis not in ("cell", "step", "sequence"))
    one_state = others if known else None
    size = np.where(np.isfinite(exact), np.abs(exact), 0)
    beyond = ALLOWED * sigma > SHARE * size.max(initial=0)
    if beyond.any():
        # Gradients explode where states are chaotic, so one step's may be small beside another's.
        beyond |= ALLOWED * sigma > SHARE * size.max(axis=one_state, keepdims=True)
    return np.broadcast_to(beyond.any(axis=one_state, keepdims=True), exact.shape)


def span_words(name: str, mask: Array) -> str:
    """Return at which steps an array has elements of a mask, and what holds of the others.

    An example is ` from step 14 on (36 of 50 steps): undecided there; the steps before agree`.
    """
    axes = array_axes(name)
    if "step" not in axes or len(axes) != mask.ndim:
        return f" in {int(mask.sum())} of {mask.size} elements: undecided there"
    at = axes.index("step")
    steps = np.flatnonzero(mask.any(axis=tuple(k for k in range(mask.ndim) if k != at)))
    first, last, size = int(steps[0]), int(steps[-1]), mask.shape[at]
    count = f"({len(steps)} of {size} steps): undecided there"
    if len(steps) == size:
        return f" at all {size} steps: undecided there"
    if len(steps) <= last - first:
        return f" at steps between {first} and {last} {count}; the others agree"
    if last == size - 1:
        return f" from step {first} on {count}; the steps before agree"
    return f" from step {first} to {last} {count}; the others agree"
