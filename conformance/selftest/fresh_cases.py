"""Fresh problems: random LSTMs over all that a condition can ask about.

They decide whether a mistake under a condition changes any number at all. They share no problem,
shape or seed with those that `check` runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.case import Case
from gateparity.network.batch import Batch, Outputs, state_shape
from gateparity.network.config import Config
from gateparity.network.dtypes import JUDGED_DTYPES
from gateparity.network.parameters import build_parameters

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

LARGEST: Final = 200  # of every size
_WORK: Final = 6000  # largest T x B x H x cells
_WEIGHTS: Final = 20_000  # most numbers in a kernel
_SHARED: Final = 5  # one problem of so many has the shape of one of the first few
_FEW: Final = 10
_EQUAL, _DOUBLE, _SPECIAL = 0.3, 0.05, 0.15  # shares of problems
_SPECIAL_NUMBERS: Final = (np.nan, np.inf, -np.inf)

_Shape = tuple[int, int, Config]


def fresh_case(k: int, seed: int) -> Case:
    """Return problem `k` of a seed."""
    generator = np.random.default_rng([seed, 8, k])
    shape = _draw_shape(np.random.default_rng([seed, 9, k % _FEW])) if k % _SHARED == 0 else None
    steps, size, config = shape or _draw_shape(generator)
    draw = _Draw(generator, config.dtype)
    x = draw((steps, size, config.input_size), 1.0, "x")
    scale = config.hidden_size**-0.5
    params = build_parameters(config, lambda name, shape: draw(shape, scale, name))
    shape_of_state = state_shape(config, Batch(x))
    states = {s: draw(shape_of_state, 1.0, s) for s in config.cell.states}
    lengths = _draw_lengths(generator, steps, size)
    batch = Batch(x, states if generator.random() < 0.7 else None, lengths)
    y = draw((steps, size, config.output_size), 1.0, "dy")
    ends = {s: draw(shape_of_state, 1.0, "") for s in config.cell.states}
    return Case(f"fresh {k}", config, params, batch, Outputs(y, ends))


def _draw_shape(generator: np.random.Generator) -> _Shape:
    """Draw sizes uniform in their logarithm, until the work isn't too large; some are equal."""
    layers, directions = int(generator.integers(1, 4)), int(generator.integers(1, 3))
    biases = bool(generator.random() < 0.7)
    dtype = str(generator.choice(JUDGED_DTYPES))
    while True:
        sizes = [int(n) for n in np.exp(generator.uniform(0, np.log(LARGEST + 1), 4))]
        if generator.random() < _EQUAL:
            one, other = generator.choice(4, 2, replace=False)
            sizes[one] = sizes[other]
        steps, size, inputs, hidden = sizes
        if generator.random() < _DOUBLE:
            inputs = hidden * int(generator.choice((2, 4)))
        if generator.random() < _DOUBLE:
            hidden = 2 * inputs
        work = steps * size * hidden * layers * directions
        if work <= _WORK and hidden * (inputs + hidden) <= _WEIGHTS:
            return steps, size, Config(inputs, hidden, layers, directions, biases, dtype)


class _Draw:
    """Draw arrays, each at a scale of its own: small, usual or large, zero, or with one special."""

    def __init__(self, generator: np.random.Generator, dtype: str) -> None:
        self._generator, self._dtype = generator, dtype
        names = ("x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh")
        special = generator.random() < _SPECIAL
        self._special = str(generator.choice(names)) if special else ""

    def __call__(self, shape: tuple[int, ...], usual: float, name: str) -> Array:
        generator = self._generator
        scale = usual * 10 ** generator.uniform(-1, 1)
        zero = name not in ("w_ih", "w_hh", "") and generator.random() < 0.1
        array: Array = generator.uniform(-scale, scale, shape) * (not zero)
        if name == self._special and array.size:
            array.flat[generator.integers(array.size)] = generator.choice(_SPECIAL_NUMBERS)
            self._special = ""
        return array.astype(self._dtype)


def _draw_lengths(generator: np.random.Generator, steps: int, size: int) -> Array | None:
    """Draw one of six kinds: none, all full, any, with an empty one, equal ones, none full."""
    kind = int(generator.integers(8))
    lengths = generator.integers(1, steps + 1, size)
    if kind < 3:
        return None
    if kind == 3:
        lengths[:] = steps
    if kind == 4:
        lengths[generator.integers(size)] = 0
    if kind == 5:
        lengths[:] = generator.choice(lengths, size)
        lengths[generator.integers(size)] = steps
    if kind == 6:
        lengths = np.minimum(lengths, max(steps - 1, 0))
    return lengths.astype(np.int32)
