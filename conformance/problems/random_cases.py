"""Random LSTMs for the self-test: sizes, scales, lengths, layers and directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.case import Case
from gateparity.network.batch import Batch, Outputs, state_shape
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

_STEPS: Final = (1, 2, 3, 5, 8, 12)
_SIZES: Final = (1, 2, 3, 5, 8)
_FEATURES: Final = (1, 2, 3, 5, 8, 13)
_SHAPES: Final = 12  # of those that compiled frameworks see


def random_case(seed: int, dtype: str, shortest: int = 0) -> Case:
    """Return a random case of a random shape; no length is below `shortest`."""
    generator = np.random.default_rng([seed, 1])
    return _draw(f"random {seed}", _draw_shape(generator), generator, dtype, shortest=shortest)


def random_case_of_few_shapes(seed: int, dtype: str) -> Case:
    """Return a random case in one of a dozen shapes, since frameworks compile once for each shape.

    No sequence is empty: some frameworks refuse those.
    """
    shape = _draw_shape(np.random.default_rng([seed % _SHAPES, 2]))
    generator = np.random.default_rng([seed, 3])
    return _draw(f"random {seed}", shape, generator, dtype, shortest=1)


def _draw_shape(generator: np.random.Generator) -> tuple[int, int, Config, bool]:
    """Draw the number of steps and sequences, the config, and whether sequences have lengths."""
    steps, size, inputs, hidden = (
        int(generator.choice(sizes)) for sizes in (_STEPS, _SIZES, _FEATURES, _FEATURES)
    )
    layers, directions = int(generator.choice((1, 1, 2))), int(generator.choice((1, 1, 2)))
    config = Config(inputs, hidden, layers, directions, bool(generator.random() < 0.9))
    return steps, size, config, bool(generator.random() < 0.4)


def _draw(
    name: str,
    shape: tuple[int, int, Config, bool],
    generator: np.random.Generator,
    dtype: str,
    *,
    shortest: int,
) -> Case:
    """Draw a case's numbers, each array at its own scale: 0.1 to about 3 times the usual one."""
    steps, size, config, ragged = shape
    config = Config(**{**vars(config), "dtype": dtype})

    def draw(shape: tuple[int, ...], usual: float) -> Array:
        scale = usual * 10 ** generator.uniform(-1, 0.5)
        return generator.uniform(-scale, scale, shape).astype(dtype)

    x = draw((steps, size, config.input_size), 1.0)
    params = build_parameters(config, lambda _, shape: draw(shape, config.hidden_size**-0.5))
    state = state_shape(config, Batch(x))
    initial = generator.random() < 0.9
    states = {"h": np.tanh(draw(state, 1.0)), "c": draw(state, 1.0)} if initial else None
    lengths = generator.integers(shortest, steps + 1, size).astype(np.int32) if ragged else None
    y = draw((steps, size, config.output_size), 1.0)
    cotangent = Outputs(y, {name: draw(state, 1.0) for name in config.cell.states})
    return Case(name, config, params, Batch(x, states, lengths), cotangent)
