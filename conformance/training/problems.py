"""Small, seeded training problems: every optimiser, both losses, clipping, carried states.

In the calm problems all runs stay close to each other. In the wild ones, with large recurrent
weights and steps, runs part after some tens of steps, since rounding errors grow at each.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.case import draw_for
from gateparity.conformance.training.trainers import draw_head
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.protocol.training import Examples, Recipe

if TYPE_CHECKING:
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.training.trainers import Trainable
    from gateparity.network.parameters import Array, Parameters
    from gateparity.protocol.training import Biases

_STEPS, _SIZE, _INPUTS, _HIDDEN, _OUTPUTS = 5, 6, 7, 6, 3
_BATCHES: Final = 2  # in an epoch


@dataclasses.dataclass(frozen=True)
class Problem:
    """Everything that is given to every trainer alike: `epochs` are lists of batches, in order."""

    name: str
    config: Config
    params: Parameters
    head: dict[str, Array]
    epochs: tuple[tuple[Examples, ...], ...]
    recipe: Recipe

    @property
    def batches(self) -> int:
        """Return the number of gradient steps in an epoch."""
        return len(self.epochs[0])

    @property
    def last(self) -> Array:
        """Return the inputs of the final prediction."""
        return self.epochs[-1][-1].x


_RECIPES: Final = {
    "sgd": Recipe(rate=0.5, clip=0.125),
    "momentum": Recipe(optimizer="momentum", rate=0.125, clip=0.5),
    "adam": Recipe(optimizer="adam", rate=2**-5),
    "regression": Recipe("squared_error", "adam", rate=2**-5),
    "carried": Recipe(rate=0.5, clip=0.25, carry=True),
}
_WILD: Final = {
    "wild sgd": Recipe(rate=4.0),
    "wild momentum": Recipe(optimizer="momentum", rate=1.0),
    "wild adam": Recipe(optimizer="adam", rate=0.5),
}
_WILDER: Final = 8  # times the recurrent weights of calm ones
CALM: Final = tuple(_RECIPES)
WILD: Final = tuple(_WILD)
_EPOCHS: Final = {"calm": 6, "wild": 30}


def make_problem(
    name: str,
    dtype: str,
    seed: int = 0,
    epochs: int | None = None,
    biases: Biases = "tied",
) -> Problem:
    """Draw a problem's numbers, which are the same for every dtype up to rounding."""
    recipe, wild = dataclasses.replace((_RECIPES | _WILD)[name], biases=biases), name in _WILD
    epochs = epochs or _EPOCHS["wild" if wild else "calm"]
    layers = 2 if recipe.carry else 1
    config = Config(_INPUTS, _HIDDEN, layers, 1, dtype=dtype)
    draw = draw_for(f"train {name}", seed, dtype)
    scale = _HIDDEN**-0.5
    symbols = recipe.loss == "cross_entropy"
    head = draw_head(config, _INPUTS if symbols else _OUTPUTS, draw, scale)
    wide = {"w_hh": _WILDER * scale} if wild else {}
    params = build_parameters(config, lambda name, shape: draw(shape, wide.get(name, scale)))
    generator = np.random.default_rng([seed, 11])

    def batch() -> Examples:
        if symbols:
            codes = generator.integers(0, _INPUTS, (_STEPS + 1, _SIZE)).astype(np.int32)
            return Examples(codes[:-1], codes[1:])
        return Examples(draw((_STEPS, _SIZE, _INPUTS), 1.0), draw((_SIZE, _OUTPUTS), 1.0))

    batches = tuple(batch() for _ in range(_BATCHES))
    return Problem(name, config, params, head, (batches,) * epochs, recipe)


def run_problem(trainer: Trainable, problem: Problem) -> Results:
    """Train, and return results in order of time.

    They are each epoch's losses and norms, and the weights after it; then the final outputs.
    """
    found: Results = {}
    config, recipe = problem.config, problem.recipe
    state = trainer.begin(config, problem.params, problem.head, recipe)
    for epoch, batches in enumerate(problem.epochs, 1):
        state = dataclasses.replace(state, h=None, c=None)
        training = trainer.train(config, state, batches, recipe)
        state = training.state
        found |= {f"loss {epoch}": training.losses, f"norm {epoch}": training.norms}
        found |= {f"{name} {epoch}": a for name, a in trainer.read(config, state).items()}
    state = dataclasses.replace(state, h=None, c=None)
    answer = trainer.predict(config, state, problem.last, recipe)
    return found | {f"output {len(problem.epochs)}": answer.output}
