"""The space of problems, as data, and the covering array of it that a seed draws.

A mistake often shows for one combination of options only. The array has every combination of three
of the options in `STRONG` and of every two options, so one of its problems has what the mistake
needs. Sizes and numbers are drawn from the seed: another seed is another array.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import covertable
import numpy as np

from gateparity.conformance.problems.case import build_case, draw_for, name_problem
from gateparity.conformance.problems.special_values import scale_arrays
from gateparity.errors import InputError
from gateparity.network.batch import map_arrays
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.conformance.problems.case import Case

    Choice = Mapping[str, Any]  # a value of each option
    Sizes = dict[str, int]  # of T, B, I and H

AXES: Final = ("T", "B", "I", "H")  # steps, sequences, input features, hidden units
CLASSES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "one": (1,),
        "odd": (3, 5, 7, 9, 11, 13),
        "even": (2, 4, 6, 8, 10, 12, 14),
        "equal": (),  # to another size
        "power": (7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129),
        "larger": tuple(n for n in range(18, 200) if not 30 < n < 34 and not 62 < n < 66),
    }
)
_SCALES: Final = (0.25, 1.0, 4.0)  # of what is usual: powers of two, which keep a number's digits
OPTIONS: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "layers": (1, 2, 3),
        "directions": (1, 2),
        "biases": (True, False),
        "initial": (True, False),
        "lengths": ("none", "full", "short", "ties", "empty", "single"),
        "dtype": ("float32", "float64", "float16"),
        **dict.fromkeys(AXES, tuple(CLASSES)),
        "weights": _SCALES,
        "inputs": _SCALES,
        "states": _SCALES,
        "cotangents": (2.0**-10, 1.0, 2.0**10),
    }
)
STRONG: Final = ("layers", "directions", "biases", "initial", "lengths", "dtype")

LEAST: Final = 64  # problems of an array; the combinations need about 60
USUAL, LARGE = 1_000, 6_000  # limits on T x B x H x layers x directions
MANY: Final = 10  # problems that may reach `LARGE`
_WEIGHTS: Final = MappingProxyType({USUAL: 24_000, LARGE: 80_000})  # limits on their number
_LISTED: Final = 8  # lengths in a description
_CELL_STEPS: Final = 200  # limit on T x layers x directions, each of which takes time
_TRIES: Final = 100  # draws of sizes, before the smallest are taken


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem of an array: its number from 1, its choice of options, and its sizes."""

    number: int
    seed: int
    choice: Choice
    sizes: Sizes
    lengths: tuple[int, ...]

    @property
    def name(self) -> str:
        """Return the name of its case."""
        return name_problem(self.number)

    @property
    def description(self) -> str:
        """Return sizes, options and scales as one line."""
        choice = self.choice
        words = [f"{axis} {size}" for axis, size in self.sizes.items()]
        words += [f"{choice['layers']} layer{'s' * (choice['layers'] > 1)}"]
        words += ["both directions"] * (choice["directions"] == 2)
        words += ["no biases"] * (not choice["biases"])
        words += ["no initial states"] * (not choice["initial"])
        words += _lengths_words(self.lengths)
        words += [choice["dtype"]]
        scales = {name: choice[name] for name in ("weights", "inputs", "states", "cotangents")}
        if not choice["initial"]:
            del scales["states"]
        words += [f"{name} x {_fraction(size)}" for name, size in scales.items() if size != 1]
        return ", ".join(words)

    def build(self, dtype: str = "") -> Case:
        """Draw the numbers, which are the same for every dtype up to rounding."""
        choice, sizes = self.choice, self.sizes
        dtype = dtype or choice["dtype"]
        shape = choice["layers"], choice["directions"], choice["biases"]
        config = Config(sizes["I"], sizes["H"], *shape, dtype)
        draw = draw_for(self.name, self.seed, dtype)
        x = draw((sizes["T"], sizes["B"], sizes["I"]), choice["inputs"])
        lengths = np.array(self.lengths, np.int32) if self.lengths else None
        case = build_case(self.name, config, x, draw, lengths, initial=choice["initial"])
        factors = dict.fromkeys(("w_ih", "w_hh", "b_ih", "b_hh"), choice["weights"])
        case = scale_arrays(case, **factors, h_0=choice["states"], c_0=choice["states"])
        size = np.array(choice["cotangents"], dtype)
        cotangent = map_arrays(lambda array: array * size, case.cotangent)
        return dataclasses.replace(case, cotangent=cotangent, description=self.description)


@functools.cache
def draw_problems(seed: int) -> tuple[Problem, ...]:
    """Return the array of a seed. Raise `InputError` for a negative seed."""
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    pick = _Picker(seed)
    choices = _cover(seed)
    while len(choices) < LEAST:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        choices += [drawn] if allowed(drawn) else []
    large = {pick(range(len(choices))) for _ in range(MANY)}
    problems = []
    for k, choice in enumerate(choices):
        sizes = _draw_sizes(pick, choice, LARGE if k in large else USUAL)
        lengths = _draw_lengths(pick, choice["lengths"], sizes["T"], sizes["B"])
        problems.append(Problem(k + 1, seed, choice, sizes, lengths))
    return tuple(problems)


def choose_problems(numbers: Sequence[int], seed: int) -> list[Problem]:
    """Return the problems of these numbers, or all. Raise `InputError` that says the range."""
    problems = draw_problems(seed)
    for number in numbers:
        if not 1 <= number <= len(problems):
            raise InputError(f"--problem is {number}, expected 1 to {len(problems)}")
    return [problem for problem in problems if not numbers or problem.number in numbers]


def allowed(choice: Choice) -> bool:
    """Return whether a problem can have these values of all options."""
    return all(holds(*(choice[name] for name in names)) for names, holds in _CONSTRAINTS)


def _lengths_fit_sequences(sequences: str, lengths: str) -> bool:
    return lengths in (("none", "single") if sequences == "one" else tuple(_RAGGED))


def _lengths_fit_steps(steps: str, lengths: str) -> bool:
    return steps != "one" or lengths in ("none", "ties", "empty")


def _is_in_range(dtype: str, cotangents: float) -> bool:
    return dtype != "float16" or cotangents <= 1  # gradients of 65 520 are infinite there


def _is_small(*classes_layers_directions: Any) -> bool:
    *classes, layers, directions = classes_layers_directions
    sizes = _least_sizes(dict(zip(AXES, classes, strict=True)))
    return _work(sizes, layers, directions) < USUAL


_RAGGED: Final = ("none", "full", "short", "ties", "empty")
_CONSTRAINTS: Final[tuple[tuple[tuple[str, ...], Callable[..., bool]], ...]] = (
    (("B", "lengths"), _lengths_fit_sequences),
    (("T", "lengths"), _lengths_fit_steps),
    (("dtype", "cotangents"), _is_in_range),
    ((*AXES, "layers", "directions"), _is_small),
)


def _cover(seed: int) -> list[Choice]:
    """Return choices with all combinations, the same on every machine: its order is a checksum."""
    constraints = [
        {"operator": "fn", "requires": list(names), "evaluate": _by_name(names, holds)}
        for names, holds in _CONSTRAINTS
    ]
    found: list[Choice] = covertable.make(
        {name: list(values) for name, values in OPTIONS.items()},
        strength=2,
        sub_models=[{"fields": list(STRONG), "strength": 3}],
        constraints=constraints,
        salt=str(seed),
    )
    return found


def _by_name(names: Sequence[str], holds: Callable[..., bool]) -> Callable[[Choice], bool]:
    return lambda choice: holds(*(choice[name] for name in names))


class _Picker:
    """Draws from a seed alone. NumPy may change how it draws integers, but not `random`."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng([seed, zlib.crc32(b"space")])

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of the values."""
        return values[int(self._generator.random() * len(values))]

    def shuffled(self, values: Sequence[Any]) -> list[Any]:
        """Return the values in another order."""
        return [values[k] for k in np.argsort(self._generator.random(len(values)), kind="stable")]


def _draw_sizes(pick: _Picker, choice: Choice, limit: int) -> Sizes:
    """Draw sizes of the chosen classes within the limits; the axis that is drawn first has most."""
    classes = {axis: choice[axis] for axis in AXES}
    for _ in range(_TRIES):
        sizes = _least_sizes(classes)
        for axis in pick.shuffled([axis for axis in AXES if classes[axis] != "equal"]):
            fitting = [n for n in CLASSES[classes[axis]] if _fits(sizes | {axis: n}, choice, limit)]
            sizes[axis] = pick(fitting or [sizes[axis]])
        equal = [axis for axis in AXES if classes[axis] == "equal"]
        others = [axis for axis in AXES if axis not in equal and sizes[axis] > 1]
        common = pick(CLASSES["odd"] + CLASSES["even"])
        sizes |= {axis: sizes[pick(others)] if others else common for axis in equal}
        if _fits(sizes, choice, limit):
            return sizes
    return _least_sizes(classes)


def _least_sizes(classes: Mapping[str, str]) -> Sizes:
    """Return the smallest sizes of these classes; an equal one is no size of 1."""
    least = {axis: min(CLASSES[kind], default=0) for axis, kind in classes.items()}
    equal = min((n for n in least.values() if n > 1), default=2)
    return {axis: n or equal for axis, n in least.items()}


def _fits(sizes: Sizes, choice: Choice, limit: int) -> bool:
    layers, directions = choice["layers"], choice["directions"]
    config = Config(sizes["I"], sizes["H"], layers, directions)
    inputs = [config.layer_input_size(layer) for layer in range(layers)]
    weights = sum(4 * sizes["H"] * directions * (n + sizes["H"] + 2) for n in inputs)
    steps = sizes["T"] * layers * directions
    return (
        _work(sizes, layers, directions) < limit
        and steps < _CELL_STEPS
        and weights < _WEIGHTS[limit]
    )


def _work(sizes: Sizes, layers: int, directions: int) -> int:
    return math.prod((sizes["T"], sizes["B"], sizes["H"], layers, directions))


def _draw_lengths(pick: _Picker, kind: str, steps: int, size: int) -> tuple[int, ...]:
    """Draw lengths of the chosen kind, in any order; none for full sequences."""
    if kind == "none":
        return ()
    shorter = range(1, max(steps, 2))  # than all steps, where there is more than one
    lengths = [pick(shorter) for _ in range(size)]
    others = pick.shuffled(range(size))
    match kind:
        case "full":
            lengths[others[0]] = steps
        case "ties":
            lengths = [pick(range(1, steps + 1)) for _ in range(size)]
            lengths[others[0]] = lengths[others[1]]
        case "empty":
            lengths[others[0]] = 0
    return tuple(lengths)


def _lengths_words(lengths: Sequence[int]) -> list[str]:
    if len(lengths) > _LISTED:
        return [f"{len(lengths)} lengths from {min(lengths)} to {max(lengths)}"]
    return [f"lengths {' '.join(map(str, lengths))}"] if lengths else []


def _fraction(size: float) -> str:
    return f"{size:g}" if size >= 1 else f"1/{1 / size:g}"
