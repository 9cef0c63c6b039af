"""Named, seeded problems: sizes, weights, inputs, lengths, initial states and a cotangent.

There are few shapes, shared by the checks, because compiled frameworks compile once for each.
Numbers are constant or zero only where the case is about that.
"""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.adapter import Batch, Outputs, state_shape
from gateparity.config import Config
from gateparity.conformance import values
from gateparity.errors import InputError
from gateparity.parameters import build_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.parameters import Array, Parameters

DTYPES: Final = ("float32", "float64")


@dataclasses.dataclass(frozen=True)
class Case:
    """A problem: everything that is given to every backend alike."""

    name: str
    config: Config
    params: Parameters
    batch: Batch
    cotangent: Outputs

    @property
    def id(self) -> str:
        """Return sizes, dtype and name, for a test id."""
        return f"{self.sizes}-{self.config.dtype}-{self.name}"

    @property
    def sizes(self) -> str:
        """Return the numbers of steps, sequences, input features and hidden units as a text."""
        steps, size, _ = self.batch.x.shape
        return f"T{steps}-B{size}-I{self.config.input_size}-H{self.config.hidden_size}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the features that the case needs: keys of an adapter's `unsupported`."""
        steps, size, _ = self.batch.x.shape
        lengths = self.batch.lengths
        asked = {
            "initial_states": self.batch.h_0 is not None or self.batch.c_0 is not None,
            "lengths": lengths is not None,
            "lengths_float64": lengths is not None and self.config.dtype == "float64",
            "zero_length": lengths is not None and steps > 0 and bool((lengths == 0).any()),
            "empty_sequence": steps == 0,
            "empty_batch": size == 0,
            "float16": self.config.dtype == "float16",
            "float64": self.config.dtype == "float64",
        }
        return tuple(name for name, needed in asked.items() if needed)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A case without its numbers.

    `lengths` are the sequences' lengths, or empty for full sequences. `positive` makes every number
    positive, so that no sum cancels. `values` replaces an ordinary case's numbers by special ones.
    """

    name: str
    steps: int = 5
    size: int = 3
    input_size: int = 4
    hidden_size: int = 6
    layers: int = 1
    directions: int = 1
    biases: bool = True
    initial: bool = True
    positive: bool = False
    lengths: tuple[int, ...] = ()
    values: Callable[[Case], Case] | None = None

    def build(self, dtype: str, seed: int) -> Case:
        """Draw the case's numbers, which are the same for every dtype up to rounding."""
        config = Config(
            self.input_size, self.hidden_size, self.layers, self.directions, self.biases, dtype
        )
        draw = draw_for(self.name, seed, dtype, positive=self.positive)
        x = draw((self.steps, self.size, self.input_size), 1.0)
        lengths = np.array(self.lengths, np.int32) if self.lengths else None
        case = build_case(self.name, config, x, draw, lengths, initial=self.initial)
        return self.values(case) if self.values else case


def build_case(
    name: str,
    config: Config,
    x: Array,
    draw: Callable[[tuple[int, ...], float], Array],
    lengths: Array | None = None,
    *,
    params: Parameters | None = None,
    initial: bool = True,
) -> Case:
    """Draw what isn't given, with weights in PyTorch's default range, 1 / sqrt(hidden)."""
    scale = config.hidden_size**-0.5
    if params is None:
        params = build_parameters(config, lambda _, shape: draw(shape, scale))
    shape = state_shape(config, Batch(x))
    h_0, c_0 = (draw(shape, 0.5), draw(shape, 1.0)) if initial else (None, None)
    y = draw((*x.shape[:2], config.output_size), 1.0)
    cotangent = Outputs(y, draw(shape, 1.0), draw(shape, 1.0))
    return Case(name, config, params, Batch(x, h_0, c_0, lengths), cotangent)


def draw_for(
    name: str, seed: int, dtype: str, *, positive: bool = False
) -> Callable[[tuple[int, ...], float], Any]:
    """Return a function that draws numbers, uniform in [-scale, scale], fixed by name and seed.

    Raise `InputError` for a negative seed.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    low = 0 if positive else -1

    def draw(shape: tuple[int, ...], scale: float) -> Any:
        # Not `generator.uniform`: it may round once or twice, as the processor has a fused
        # operation or not, and inputs have to be the same on all.
        share = generator.random(shape) * (scale - low * scale)
        return (low * scale + share).astype(dtype)

    return draw


RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        Recipe("sequence"),
        Recipe("unit", steps=1, size=1, input_size=1, hidden_size=1, positive=True),
        Recipe("plain", biases=False, initial=False),
        Recipe("zero_states", initial=False),
        Recipe("ragged", layers=2, directions=2, lengths=(3, 5, 1)),
        Recipe("one_empty", layers=2, directions=2, lengths=(3, 0, 5)),
        Recipe("nan_padding", layers=2, directions=2, lengths=(3, 5, 1), values=values.nan_padding),
        Recipe("stacked", steps=6, layers=2),
        Recipe("deep", layers=2, directions=2),
        Recipe("one_step", steps=1),
        Recipe("one_sequence", size=1),
        Recipe("one_input", input_size=1),
        Recipe("one_unit", hidden_size=1),
        Recipe("long", steps=100),
        Recipe("wide", size=17, input_size=50, hidden_size=64),
        Recipe("no_steps", steps=0),
        Recipe("no_sequences", size=0),
        Recipe("saturated", values=values.saturated),
        Recipe("overflowing", values=values.overflowing),
        Recipe("subnormal", values=values.subnormal),
        Recipe("zeros", values=values.zeros),
        Recipe("huge", values=values.huge),
        Recipe("nan", values=values.nan),
        Recipe("infinite", values=values.infinite),
    )
}
