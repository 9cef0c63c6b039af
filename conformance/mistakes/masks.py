"""Masks of steps and sequences, for mistakes at the ends of sequences.

A mask has the shape `(T, B, 1)`. None means that all sequences have every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.batch import Batch
    from gateparity.network.parameters import Array


def is_live(batch: Batch) -> Array:
    """Return a mask that is true before each sequence's end."""
    steps, size = batch.x.shape[:2]
    ends = np.full(size, steps) if batch.lengths is None else batch.lengths
    return (np.arange(steps)[:, None] < ends)[..., None]


def known(mask: Array | None, steps: Array) -> Array:
    """Return the mask, or for None that of full sequences with the shape of `steps`."""
    return np.ones((*steps.shape[:2], 1), bool) if mask is None else mask


def is_last(mask: Array) -> Array:
    """Return a mask that is true at the last step of each sequence."""
    goes_on = np.concatenate([mask[1:], np.zeros_like(mask[:1])])
    last: Array = mask & ~goes_on
    return last


def pick(array: Any, where: Array, other: Any) -> Any:
    """Return for each sequence the values at its marked step, or else `other`."""
    for t in range(len(where)):
        other = np.where(where[t], array[t], other)
    return other


def turn_steps(array: Array, mask: Array | None) -> Array:
    """Reverse each sequence within its own length; padding stays in place."""
    if mask is None:
        return np.flip(array, 0)
    times = np.arange(len(array))[:, None]
    ends = mask[..., 0].sum(0)
    return array[np.where(times < ends, ends - 1 - times, times), np.arange(array.shape[1])]
