"""The Time Machine as d2l trains on it: characters in, the next character out.

A step is one gradient step on a batch of windows. An epoch uses all windows once, in an order that
the seed and the epoch determine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.training.trainers import draw_head
from gateparity.errors import InputError
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.protocol.training import Examples, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.text import Text
    from gateparity.conformance.training.trainers import Trainable
    from gateparity.network.parameters import Array, Parameters
    from gateparity.protocol.training import TrainingState

PREFIX: Final = "it has"
LONGER: Final = 20  # characters that are predicted after it
_SCALE: Final = 0.01  # standard deviation of the first weights
_LEAST: Final = 2  # symbols that occur


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of the model and of its data, as in d2l."""

    hidden: int = 32
    steps: int = 32
    windows: int = 10_000
    batch: int = 1024
    epochs: int = 50


@dataclasses.dataclass(frozen=True)
class TextTask:
    """One training task for all backends: a text, sizes, a recipe, and a seed."""

    text: Text
    sizes: Sizes
    recipe: Recipe
    seed: int = 0

    def __post_init__(self) -> None:
        letters, needed = len(self.text.codes), self.sizes.steps + 1
        inner = self._without_ends()
        if len(np.unique(inner)) < _LEAST:
            raise InputError(
                f"{self.text.where} is of one symbol, {self.text.symbols[inner[0]]!r}: "
                "expected two or more, as there is nothing to predict"
            )
        if letters < needed:
            raise InputError(
                f"{self.text.where} has {letters} letters and spaces, expected at least {needed}: "
                f"{self.sizes.steps} steps and the label of the last"
            )

    @property
    def worst(self) -> float:
        """Return a loss that only a diverging run reaches: ten times that of a uniform guess."""
        return 10 * float(np.log(len(self.text.symbols)))

    def config(self, dtype: str) -> Config:
        """Return the config: one layer, one direction."""
        return Config(len(self.text.symbols), self.sizes.hidden, dtype=dtype)

    def weights(self, dtype: str) -> tuple[Parameters, dict[str, Array]]:
        """Draw the initial weights, normal with deviation 0.01, zero biases, for any dtype."""
        generator = np.random.default_rng([self.seed, 7])
        config = self.config(dtype)

        def draw(shape: tuple[int, ...], scale: float) -> Array:
            return (generator.standard_normal(shape) * scale).astype("float32").astype(dtype)

        def array(name: str, shape: tuple[int, ...]) -> Array:
            zeros: Array = np.zeros(shape, dtype)
            return zeros if name.startswith("b_") else draw(shape, _SCALE)

        params = build_parameters(config, array)
        return params, draw_head(config, config.input_size, draw, _SCALE)

    def batches(self, epoch: int) -> list[Examples]:
        """Return the batches of an epoch; epochs count from 1."""
        cut = np.lib.stride_tricks.sliding_window_view(self.text.codes, self.sizes.steps + 1)
        found = cut[: self.sizes.windows].astype(np.int32)
        order = np.random.default_rng([self.seed, 13, epoch]).permutation(len(found))
        picked = (found[order[k : k + self.sizes.batch]] for k in self._starts(len(found)))
        return [
            Examples(np.ascontiguousarray(w[:, :-1].T), np.ascontiguousarray(w[:, 1:].T))
            for w in picked
        ]

    def fingerprint(self, label: str, dtype: str) -> dict[str, Any]:
        """Return the facts that a checkpoint must share before a run can resume from it.

        The number of epochs may differ.
        """
        sizes = {n: v for n, v in vars(self.sizes).items() if n != "epochs"}
        codes = hashlib.sha256(self.text.codes.astype(np.int32).tobytes()).hexdigest()
        recipe = json.loads(json.dumps(vars(self.recipe)))
        return {"text": codes, "seed": self.seed, "row": f"{label} {dtype}", **recipe, **sizes}

    def generate(self, trainer: Trainable, dtype: str, state: TrainingState) -> tuple[str, float]:
        """Return the likeliest continuation of `it has`, and how close a choice was.

        The second value is the smallest difference between the logits of a chosen symbol and the
        next.
        """
        config, symbols = self.config(dtype), self.text.symbols
        state = dataclasses.replace(state, h=None, c=None)
        codes = [symbols.index(c) if c in symbols else 0 for c in PREFIX]
        x, margin, symbols_found = np.array(codes, np.int32)[:, None], np.inf, list(PREFIX)
        for _ in range(LONGER):
            answer = trainer.predict(config, state, x, self.recipe)
            second, first = np.sort(answer.output[-1, 0])[-2:]
            chosen = int(answer.output[-1, 0].argmax())
            margin = min(margin, float(first - second))
            symbols_found.append(symbols[chosen])
            state = dataclasses.replace(state, h=answer.h_n, c=answer.c_n)
            x = np.array([[chosen]], np.int32)
        return "".join(symbols_found), margin

    def _without_ends(self) -> Array:
        """Return the codes from the first letter to the last, without a file's final line break."""
        codes = self.text.codes
        if " " not in self.text.symbols:
            return codes
        (letters,) = np.nonzero(codes != self.text.symbols.index(" "))
        return codes[letters[0] : letters[-1] + 1]

    def _starts(self, windows: int) -> Sequence[int]:
        return range(0, windows, self.sizes.batch)


def make_recipe(rate: float, biases: Any, clip: float = 1.0) -> Recipe:
    """Return d2l's recipe: SGD with clipping. Raise `InputError` unless float32 holds the rate."""
    try:
        return Recipe(rate=rate, clip=clip, biases=biases)
    except ValueError as error:
        raise InputError(str(error)) from None
