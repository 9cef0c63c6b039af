"""Which steps of which sequences: masks that mistakes at the ends of sequences are told with.

A mask is `(T, B, 1)`. None stands for sequences that all have every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gateparity.adapter import Batch
    from gateparity.parameters import Array


def is_live(batch: Batch) -> Array:
    """Whether a step is before its sequence's end."""
    steps, size = batch.x.shape[:2]
    ends = np.full(size, steps) if batch.lengths is None else batch.lengths
    return (np.arange(steps)[:, None] < ends)[..., None]


def known(live: Array | None, steps: Array) -> Array:
    """The mask itself, or that of full sequences of as many steps."""
    return np.ones((*steps.shape[:2], 1), bool) if live is None else live


def is_last(live: Array) -> Array:
    """Whether a step is the last of its sequence."""
    goes_on = np.concatenate([live[1:], np.zeros_like(live[:1])])
    last: Array = live & ~goes_on
    return last


def pick(array: Any, where: Array, other: Any) -> Any:
    """For each sequence the one step that is marked, or else `other`."""
    for t in range(len(where)):
        other = np.where(where[t], array[t], other)
    return other


def turn_steps(array: Array, live: Array | None) -> Array:
    """Each sequence from its own last step to its first."""
    if live is None:
        return np.flip(array, 0)
    times = np.arange(len(array))[:, None]
    ends = live[..., 0].sum(0)
    return array[np.where(times < ends, ends - 1 - times, times), np.arange(array.shape[1])]
