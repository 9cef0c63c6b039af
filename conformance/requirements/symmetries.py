"""Checks that transform a problem and transform the results back: nothing may have changed.

Time may be reversed if the directions are swapped. Hidden units and sequences have no order. An
LSTM whose results depend on such an order fails.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.conformance.problems.slices import pick_sequences
from gateparity.conformance.requirements.answers import (
    answer_unless_problem,
    label,
    name_gradients,
    name_outputs,
)
from gateparity.network.batch import map_arrays, map_states
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters
    from gateparity.protocol.canonical import Lstm


def directions(lstm: Lstm, case: Case) -> Results:
    """8. Run in reversed time with the directions swapped, and compare after swapping back."""
    found = answer_unless_problem(lstm, case)
    if case.config.directions == 1:
        return found
    cells = np.arange(case.config.cells) ^ 1
    units = np.tile(np.arange(case.config.hidden_size), (case.config.cells, 1))
    turn = Symmetry(case.config, cells, units, reverses_time=True)
    return found | label(turn.run(lstm, case), "in reversed time")


def permutation(lstm: Lstm, case: Case) -> Results:
    """11. Permute hidden units, and sequences, and compare after undoing the permutation.

    Nothing keeps its place: a permutation drawn at random may be the identity.
    """
    generator = np.random.default_rng(case.config.cells)
    cells = range(case.config.cells)
    units = np.stack([draw_cycle(generator, case.config.hidden_size) for _ in cells])
    shuffle = Symmetry(case.config, np.arange(len(units)), units)
    sequences = draw_cycle(generator, case.batch.x.shape[1])
    return label(shuffle.run(lstm, case), "with units permuted") | label(
        _run_permuted(lstm, case, sequences), "with sequences permuted"
    )


@dataclasses.dataclass(frozen=True)
class Symmetry:
    """A permutation of the cells within their layers, and of the units within their cells.

    Position k gets what was in `cells[k]`, its units in the order `units[k]`. Whatever reads or
    joins hidden units follows: columns of kernels, features of y.
    """

    config: Config
    cells: Array
    units: Array
    reverses_time: bool = False

    @property
    def inverse(self) -> Symmetry:
        """Return the permutation that undoes this one."""
        cells = np.argsort(self.cells)
        return dataclasses.replace(self, cells=cells, units=np.argsort(self.units, -1)[cells])

    def run(self, lstm: Lstm, case: Case) -> Results:
        """Run the transformed case, and transform the results back."""
        params = self.turn_parameters(case.params)
        batch = self.turn_batch(case.batch, case.batch.lengths)
        cotangents = self.turn_outputs(case.cotangent, case.batch.lengths)
        back, ends = self.inverse, case.batch.lengths
        outputs = back.turn_outputs(lstm.forward(case.config, params, batch), ends)
        if not lstm.differentiates:
            return name_outputs(outputs)
        d_params, d_batch = lstm.gradients(case.config, params, batch, cotangents)
        return name_outputs(outputs) | name_gradients(
            back.turn_parameters(d_params), back.turn_batch(d_batch, ends), case.config.directions
        )

    def turn_parameters(self, params: Parameters) -> Parameters:
        """Permute parameters, or their gradients."""
        return tuple(self._turn_cell(params[self.cells[k]], k) for k in range(len(params)))

    def turn_batch(self, batch: Batch, lengths: Array | None) -> Batch:
        """Permute a batch, or the gradients of its arrays."""
        turned = map_states(batch, self._turn_state)
        return dataclasses.replace(turned, x=self._turn_time(batch.x, lengths))

    def turn_outputs(self, outputs: Outputs, lengths: Array | None) -> Outputs:
        """Permute outputs, or a cotangent."""
        y = self._turn_time(outputs.y, lengths)[..., self._features(self.config.layers - 1)]
        return dataclasses.replace(map_states(outputs, self._turn_state), y=y)

    def _turn_cell(self, cell: CellWeights, k: int) -> CellWeights:
        layer, rows = k // self.config.directions, self.units[k]
        turned = {name: array[:, rows] for name, array in fields(cell).items()}
        turned["w_hh"] = turned["w_hh"][..., rows]
        if layer:
            turned["w_ih"] = turned["w_ih"][..., self._features(layer - 1)]
        return CellWeights(**turned)

    def _turn_state(self, state: Array) -> Array:
        pairs = zip(self.cells, self.units, strict=True)
        return np.stack([state[k][..., units] for k, units in pairs])

    def _turn_time(self, array: Array, lengths: Array | None) -> Array:
        """Reverse each sequence within its own length; padding stays in place."""
        if not self.reverses_time:
            return array
        steps, size = array.shape[:2]
        times = np.tile(np.arange(steps)[:, None], (1, size))
        ends = np.full(size, steps) if lengths is None else lengths
        return array[np.where(times < ends, ends - 1 - times, times), np.arange(size)]

    def _features(self, layer: int) -> Array:
        """Return the index that each feature of a layer's y comes from."""
        first = layer * self.config.directions
        cells = range(first, first + self.config.directions)
        places = [(self.cells[k] - first) * self.config.hidden_size + self.units[k] for k in cells]
        return np.concatenate(places)


def draw_cycle(generator: np.random.Generator, size: int) -> Array:
    """Return a permutation that is one cycle: nothing keeps its place, unless it is alone."""
    places = generator.permutation(size)
    cycle = np.empty_like(places)
    cycle[places] = np.roll(places, 1)
    return cycle


def _run_permuted(lstm: Lstm, case: Case, order: Array) -> Results:
    """Run the sequences in this order, and return the results in the original order."""
    mixed, back = pick_sequences(case, order), np.argsort(order)
    found = lstm.forward(mixed.config, mixed.params, mixed.batch)
    outputs = map_arrays(lambda array: array[:, back], found)
    if not lstm.differentiates:
        return name_outputs(outputs)
    d_params, d = lstm.gradients(mixed.config, mixed.params, mixed.batch, mixed.cotangent)
    d_batch = map_arrays(lambda array: array[:, back], d)
    return name_outputs(outputs) | name_gradients(d_params, d_batch, case.config.directions)
