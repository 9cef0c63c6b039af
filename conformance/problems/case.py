"""A problem: everything that goes into every backend alike, drawn from a seed."""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import InputError
from gateparity.network.batch import Batch, Outputs, state_shape
from gateparity.network.dtypes import DTYPES
from gateparity.network.parameters import build_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters

_PROBLEM: Final = "problem"


@dataclasses.dataclass(frozen=True)
class Case:
    """A problem: everything that is given to every backend alike.

    `description` says what a problem of the array has, which its name doesn't.
    """

    name: str
    config: Config
    params: Parameters
    batch: Batch
    cotangent: Outputs
    description: str = dataclasses.field(default="", compare=False)

    @property
    def problem(self) -> int:
        """Return the number of the problem that it is of an array, or 0 for another case."""
        return number_problem(self.name)

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
        lengths, dtype = self.batch.lengths, DTYPES[self.config.dtype]
        asked = {
            "initial_states": bool(self.batch.states),
            "lengths": lengths is not None,
            dtype.lengths_feature: lengths is not None,
            "zero_length": lengths is not None and steps > 0 and bool((lengths == 0).any()),
            "empty_sequence": steps == 0,
            "empty_batch": size == 0,
            dtype.feature: True,
        }
        return tuple(name for name, needed in asked.items() if name and needed)


def name_problem(number: int) -> str:
    """Return the name of a problem's case in the array."""
    return f"{_PROBLEM} {number}"


def number_problem(name: str) -> int:
    """Return the number of the problem of the array with this name, or 0 for another name."""
    word, _, number = name.partition(" ")
    return int(number) if word == _PROBLEM and number.isdecimal() else 0


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
    scales = {"h": 0.5, "c": 1.0}
    states = {state: draw(shape, scales[state]) for state in config.cell.states if initial}
    y = draw((*x.shape[:2], config.output_size), 1.0)
    cotangent = Outputs(y, {state: draw(shape, 1.0) for state in config.cell.states})
    return Case(name, config, params, Batch(x, states or None, lengths), cotangent)


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
