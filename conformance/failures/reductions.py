"""Reductions of a case: functions that return a smaller case of the same name.

Everything that belongs to the removed part goes with it: rows and columns of weights, states, the
cotangent. Arrays stay contiguous, so that a case computes the same after it was saved.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.arrays import join_arrays, name_arrays
from gateparity.conformance.problems.slices import pick_sequences
from gateparity.network.batch import map_states
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array


@dataclasses.dataclass(frozen=True)
class Axis:
    """A size of a case, and a function that keeps some indices of it."""

    size: Callable[[Case], int]
    keep: Callable[[Case, Array], Case]


def keep_steps(case: Case, steps: Array) -> Case:
    """Return the case with these steps only; lengths count the steps that each sequence keeps."""
    batch, cotangents = case.batch, case.cotangent
    lengths = batch.lengths
    if lengths is not None:
        lengths = (steps[:, None] < lengths).sum(0).astype(lengths.dtype)
    return dataclasses.replace(
        case,
        batch=dataclasses.replace(batch, x=batch.x.take(steps, 0), lengths=lengths),
        cotangent=dataclasses.replace(cotangents, y=cotangents.y.take(steps, 0)),
    )


def keep_sequences(case: Case, sequences: Array) -> Case:
    """Return the case with these sequences only."""
    picked = pick_sequences(case, sequences)
    arrays = {name: np.ascontiguousarray(a) for name, a in name_arrays(picked).items()}
    return join_arrays(case.name, case.config, arrays)


def keep_units(case: Case, units: Array) -> Case:
    """Return the case with these hidden units of every cell only."""
    config = case.config
    features = np.concatenate([d * config.hidden_size + units for d in range(config.directions)])
    params = []
    for k, cell in enumerate(case.params):
        kept = {name: array.take(units, 1) for name, array in fields(cell).items()}
        kept["w_hh"] = kept["w_hh"].take(units, -1)
        if k >= config.directions:
            kept["w_ih"] = kept["w_ih"].take(features, -1)
        params.append(CellWeights(**kept))
    config = dataclasses.replace(config, hidden_size=len(units))
    shorter = dataclasses.replace(case, config=config, params=tuple(params))
    return _keep_states(shorter, units, axis=-1, features=features)


def keep_inputs(case: Case, inputs: Array) -> Case:
    """Return the case with these features of x only."""
    config = dataclasses.replace(case.config, input_size=len(inputs))
    params = tuple(
        dataclasses.replace(cell, w_ih=cell.w_ih.take(inputs, -1))
        if k < config.directions
        else cell
        for k, cell in enumerate(case.params)
    )
    batch = dataclasses.replace(case.batch, x=case.batch.x.take(inputs, -1))
    return dataclasses.replace(case, config=config, params=params, batch=batch)


def keep_layers(case: Case, layers: int) -> Case:
    """Return the case with the lowest `layers` layers only."""
    cells = np.arange(layers * case.config.directions)
    config = dataclasses.replace(case.config, layers=layers)
    shorter = dataclasses.replace(case, config=config, params=case.params[: len(cells)])
    return _keep_states(shorter, cells, axis=0)


def forward_only(case: Case) -> Case:
    """Return the case with the forward direction alone, in every layer."""
    if case.config.directions == 1:
        return case
    config = dataclasses.replace(case.config, directions=1)
    units = np.arange(config.hidden_size)
    first, *others = case.params[::2]
    above = [dataclasses.replace(cell, w_ih=cell.w_ih.take(units, -1)) for cell in others]
    one = dataclasses.replace(case, config=config, params=(first, *above))
    return _keep_states(one, np.arange(config.layers) * 2, axis=0, features=units)


def without_lengths(case: Case) -> Case:
    """Return the case with every sequence at full length."""
    return dataclasses.replace(case, batch=dataclasses.replace(case.batch, lengths=None))


def without_states(case: Case) -> Case:
    """Return the case without initial states, which then are zero."""
    return dataclasses.replace(case, batch=dataclasses.replace(case.batch, states=None))


def without_biases(case: Case) -> Case:
    """Return the case without biases."""
    config = dataclasses.replace(case.config, biases=False)
    params = tuple(CellWeights(cell.w_ih, cell.w_hh) for cell in case.params)
    return dataclasses.replace(case, config=config, params=params)


AXES: Final = (
    Axis(lambda case: case.batch.x.shape[0], keep_steps),
    Axis(lambda case: case.batch.x.shape[1], keep_sequences),
    Axis(lambda case: case.config.hidden_size, keep_units),
    Axis(lambda case: case.config.input_size, keep_inputs),
)
WITHOUT: Final = (forward_only, without_lengths, without_states, without_biases)


def _keep_states(case: Case, kept: Array, axis: int, features: Array | None = None) -> Case:
    """Keep some cells (axis 0) or units (axis -1) of all states, and some features of y."""
    batch = map_states(case.batch, lambda state: state.take(kept, axis))
    cotangent = map_states(case.cotangent, lambda state: state.take(kept, axis))
    if features is not None:
        cotangent = dataclasses.replace(cotangent, y=cotangent.y.take(features, -1))
    return dataclasses.replace(case, batch=batch, cotangent=cotangent)
