"""Pieces of a case: some of its sequences or steps, and sums over pieces."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.network.batch import Batch, Outputs
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array, Parameters


def pick_sequences(case: Case, which: Array) -> Case:
    """Return the case with these sequences only, in this order."""
    batch, cotangents = case.batch, case.cotangent
    h_0, c_0 = (None if s is None else s[:, which] for s in (batch.h_0, batch.c_0))
    lengths = None if batch.lengths is None else batch.lengths[which]
    picked = Batch(batch.x[:, which], h_0, c_0, lengths)
    cotangent = Outputs(cotangents.y[:, which], cotangents.h_n[:, which], cotangents.c_n[:, which])
    return dataclasses.replace(case, batch=picked, cotangent=cotangent)


def cut_steps(case: Case, start: int, stop: int, h_0: Array | None, c_0: Array | None) -> Case:
    """Return the case with the steps from `start` to `stop`, with these initial states.

    The final states have a cotangent in the last piece only: in others they are no result.
    """
    steps, cotangents = len(case.batch.x), case.cotangent
    stop = min(stop, steps)
    lengths = case.batch.lengths
    if lengths is not None:
        lengths = (np.clip(lengths, start, stop) - start).astype(lengths.dtype)
    h_n, c_n = cotangents.h_n, cotangents.c_n
    if stop < steps:
        h_n, c_n = np.zeros_like(h_n), np.zeros_like(c_n)
    return dataclasses.replace(
        case,
        batch=Batch(case.batch.x[start:stop], h_0, c_0, lengths),
        cotangent=Outputs(cotangents.y[start:stop], h_n, c_n),
    )


def add_parameters(parts: Sequence[Parameters]) -> Parameters:
    """Return the sum of the pieces' gradients."""
    return tuple(_add_cells(cells) for cells in zip(*parts, strict=True))


def _add_cells(cells: Sequence[CellWeights]) -> CellWeights:
    arrays = [fields(cell) for cell in cells]
    first, *others = arrays
    return CellWeights(**{n: sum((a[n] for a in others), start=first[n]) for n in first})
