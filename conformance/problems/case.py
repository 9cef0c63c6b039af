"""A problem: everything that goes into every backend alike, drawn from a seed."""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import InputError
from gateparity.network.batch import (
    FINAL_STATES,
    Batch,
    Outputs,
    arrays_by_name,
    from_names,
    state_shape,
)
from gateparity.network.dtypes import DTYPES
from gateparity.network.parameters import (
    build_parameters,
    check_array,
    check_parameters,
    fields,
)
from gateparity.protocol.validation import check_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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

    @classmethod
    def from_arrays(
        cls,
        config: Config,
        params: Parameters,
        x: Array,
        h_0: Array | None = None,
        c_0: Array | None = None,
        lengths: Array | None = None,
        *,
        cotangent_y: Array | None = None,
        cotangent_h_n: Array | None = None,
        cotangent_c_n: Array | None = None,
        name: str = "given",
        seed: int = 0,
    ) -> Case:
        """Return the problem of these NumPy arrays, at the config's dtype.

        `params` are canonical, as `gateparity.read` returns them. `x (T, B, input)`; `h_0`, `c_0`
        and the cotangents of the final states `(layers * directions, B, hidden)`; `cotangent_y (T,
        B, directions * hidden)`; `lengths (B,)` are integers. A state that isn't given is zero. A
        cotangent that isn't given is zero if another one is, and drawn from `seed` if none is.

        Raise `InputError` that names the first array of a wrong shape or dtype.
        """
        states = {n: s for n, s in (("h", h_0), ("c", c_0)) if s is not None}
        given = {"y": cotangent_y, "h_n": cotangent_h_n, "c_n": cotangent_c_n}
        batch = Batch(x, states or None, lengths)
        draw = draw_for(name, seed, config.dtype)
        try:
            check_parameters(params, config)
            check_batch(batch, config)
            cotangent = _complete_cotangent(given, config, batch, draw)
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from error
        return cls(name, config, params, batch, cotangent)

    @property
    def is_finite(self) -> bool:
        """Return whether no weight, input or state is infinite or NaN."""
        arrays = [array for cell in self.params for array in fields(cell).values()]
        arrays += arrays_by_name(self.batch).values()
        return all(bool(np.isfinite(array).all()) for array in arrays)

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


def output_shapes(config: Config, batch: Batch) -> dict[str, tuple[int, ...]]:
    """Return the shapes of y, h_n and c_n, by name."""
    states = dict.fromkeys(FINAL_STATES, state_shape(config, batch))
    return {"y": (*batch.x.shape[:2], config.output_size), **states}


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


def _complete_cotangent(
    given: Mapping[str, Array | None],
    config: Config,
    batch: Batch,
    draw: Callable[[tuple[int, ...], float], Array],
) -> Outputs:
    """Return the given arrays with zeros for the others, or drawn ones if none is given."""
    drawn = all(array is None for array in given.values())
    found = {}
    for name, shape in output_shapes(config, batch).items():
        array = given[name]
        if array is None:
            array = draw(shape, 1.0) if drawn else np.zeros(shape, config.dtype)
        check_array(f"cotangent_{name}", array, shape, config.dtype)
        found[name] = array
    return from_names(Outputs, found)
