"""Pieces of a case: some of its sequences or steps, and sums over pieces."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.network.batch import Batch, map_arrays, map_states
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.network.batch import States
    from gateparity.network.parameters import Array, Parameters


def pick_sequences(case: Case, which: Array) -> Case:
    """Return the case with these sequences only, in this order."""
    lengths = None if case.batch.lengths is None else case.batch.lengths[which]
    given = dataclasses.replace(case.batch, lengths=None), case.cotangent
    batch, cotangent = map_arrays(lambda array: array[:, which], given)
    batch = dataclasses.replace(batch, lengths=lengths)
    return dataclasses.replace(case, batch=batch, cotangent=cotangent)


def cut_steps(case: Case, start: int, stop: int, states: States | None) -> Case:
    """Return the case with the steps from `start` to `stop`, with these initial states.

    The final states have a cotangent in the last piece only: in others they are no result.
    """
    steps, cotangents = len(case.batch.x), case.cotangent
    stop = min(stop, steps)
    lengths = case.batch.lengths
    if lengths is not None:
        lengths = (np.clip(lengths, start, stop) - start).astype(lengths.dtype)
    if stop < steps:
        cotangents = map_states(cotangents, np.zeros_like)
    return dataclasses.replace(
        case,
        batch=Batch(case.batch.x[start:stop], states, lengths),
        cotangent=dataclasses.replace(cotangents, y=cotangents.y[start:stop]),
    )


def find_cut(case: Case) -> int:
    """Return the step to cut a case at: half its steps, or before its shortest sequence ends.

    Return 0 where there is no such step, so that no piece has a sequence of no steps.
    """
    steps, lengths = len(case.batch.x), case.batch.lengths
    shortest = steps if lengths is None else int(lengths.min(initial=steps))
    return max(min(steps // 2, shortest - 1), 0)


def add_parameters(parts: Sequence[Parameters]) -> Parameters:
    """Return the sum of the pieces' gradients."""
    return tuple(_add_cells(cells) for cells in zip(*parts, strict=True))


def _add_cells(cells: Sequence[CellWeights]) -> CellWeights:
    arrays = [fields(cell) for cell in cells]
    first, *others = arrays
    return CellWeights(**{n: sum((a[n] for a in others), start=first[n]) for n in first})
