"""Trainers: an adapter behind its layout, or the reference. Both begin from canonical parameters
and report canonical arrays, whatever they hold in between.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.backends.numpy.training import predict, train
from gateparity.conformance.judgement.truth import Truth, from_d2l
from gateparity.errors import Unsupported
from gateparity.protocol.biases import tie_biases
from gateparity.protocol.training import HEAD, TrainingState, check_training, lstm_params

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.requirements.results import Results
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters
    from gateparity.protocol.training import Examples, Prediction, Recipe, Training


@dataclasses.dataclass(frozen=True)
class AdapterTrainer:
    """An adapter behind its layout."""

    adapter: Any

    def begin(
        self, config: Config, params: Parameters, head: Mapping[str, Array], recipe: Recipe
    ) -> TrainingState:
        """Return the state before the first step, with tied biases if the recipe says so."""
        tied = tie_biases(params) if recipe.biases == "tied" else params
        return TrainingState({**self.adapter.layout.pack(tied, config), **head})

    def train(
        self, config: Config, state: TrainingState, batches: Sequence[Examples], recipe: Recipe
    ) -> Training:
        """Take a gradient step for each batch.

        Raise `Unsupported` without a method `train`, and `ValueError` for an answer of a wrong
        shape.
        """
        call = getattr(self.adapter, "train", None)
        if call is None:
            raise Unsupported(f"{type(self.adapter).__name__} has no method train")
        found: Training = call(config, state, batches, recipe)
        check_training(found, config, state, batches)
        return found

    def predict(self, config: Config, state: TrainingState, x: Array, recipe: Recipe) -> Prediction:
        """Return the output layer's numbers and the last states."""
        found: Prediction = self.adapter.predict(config, state, x, recipe)
        return found

    def read(self, config: Config, state: TrainingState) -> Results:
        """Return kernels, the sum of the biases, and the output layer, by name."""
        cells = self.adapter.layout.unpack(lstm_params(state.params), config)
        return _name(
            [
                (cell.w_ih, cell.w_hh, None if cell.b_ih is None else cell.b_ih + cell.b_hh)
                for cell in cells
            ],
            state,
        )


@dataclasses.dataclass(frozen=True)
class ReferenceTrainer:
    """The reference for training: NumPy by hand, one precision up.

    `copies` is how many equal biases it trains where canonical parameters have two.
    """

    truth: Truth = dataclasses.field(default_factory=Truth)
    copies: int = 1

    def begin(
        self, config: Config, params: Parameters, head: Mapping[str, Array], recipe: Recipe
    ) -> TrainingState:
        """Return the state before the first step; the recipe's `biases` have no effect here."""
        del recipe
        wide = self.truth.wider(config)
        wide_head = {n: self.truth.prepare(a.astype(wide.dtype)) for n, a in head.items()}
        return TrainingState({**self.truth.to_d2l(params, wide), **wide_head})

    def train(
        self, config: Config, state: TrainingState, batches: Sequence[Examples], recipe: Recipe
    ) -> Training:
        """Take a gradient step for each batch."""
        wide, prepare = self.truth.wider(config), self.truth.prepare
        return train(
            self.truth.scratch, wide, state, batches, recipe, biases=self.copies, prepare=prepare
        )

    def predict(self, config: Config, state: TrainingState, x: Array, recipe: Recipe) -> Prediction:
        """Return the output layer's numbers and the last states."""
        wide, prepare = self.truth.wider(config), self.truth.prepare
        return predict(self.truth.scratch, wide, state, x, recipe, prepare)

    def read(self, config: Config, state: TrainingState) -> Results:
        """Return kernels, the sum of the biases, and the output layer, by name."""
        cells = from_d2l(state.params, self.truth.wider(config))
        return _name([(cell.w_ih, cell.w_hh, cell.b_ih) for cell in cells], state)


Trainable = AdapterTrainer | ReferenceTrainer  # both begin, train, predict and read alike


def _name(cells: list[tuple[Any, Any, Any]], state: TrainingState) -> Results:
    named = {
        f"{name} of cell {k}": array
        for k, arrays in enumerate(cells)
        for name, array in zip(("w_ih", "w_hh", "b"), arrays, strict=True)
        if array is not None
    }
    return named | {name: state.params[name] for name in HEAD}


def draw_head(config: Config, outputs: int, draw: Any, scale: float) -> dict[str, Array]:
    """Return an output layer with weights from `draw(shape, scale)`, and zero biases as in d2l."""
    weights = draw((config.output_size, outputs), scale)
    return {"W_hq": weights, "b_q": np.zeros(outputs, config.dtype)}
