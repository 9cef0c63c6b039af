"""The space of problems, as data, and the covering array of it that a seed draws.

A mistake often shows for one combination of options only. The array has every combination of three
of the options in `STRONG` and of every two options, so one of its problems has what the mistake
needs. Sizes and numbers are drawn from the seed: another seed is another array.
"""

from __future__ import annotations

import dataclasses
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.problems.case import build_case, draw_for, name_problem
from gateparity.conformance.problems.covering import cover
from gateparity.conformance.problems.picker import Picker
from gateparity.conformance.problems.sizes import (
    AXES,
    CLASSES,
    LARGE,
    USUAL,
    draw_sizes,
    fits,
    least_sizes,
    work,
)
from gateparity.conformance.problems.special_values import Spoil, scale_arrays, scale_one
from gateparity.errors import InputError
from gateparity.network.batch import map_arrays, replace_arrays
from gateparity.network.config import Config
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.problems.sizes import Choice, Sizes

# Powers of two keep a number's digits. In float16 exp(12) and a gradient of 65 520 are infinite,
# and sums of subnormal gradients stop growing.
_WIDE: Final = {
    "weights": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "inputs": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "states": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "cotangents": {"small": 2.0**-10, "usual": 1.0, "large": 2.0**10},
}
_NARROW: Final = {
    "weights": {"small": 0.25, "usual": 0.5, "large": 1.0},
    "inputs": {"small": 0.25, "usual": 0.5, "large": 1.0},
    "states": {"small": 0.25, "usual": 0.5, "large": 1.0},
    "cotangents": {"small": 0.5, "usual": 1.0, "large": 2.0},
}
OPTIONS: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "layers": (1, 2, 3),
        "directions": (1, 2),
        "biases": (True, False),
        "initial": (True, False),
        "lengths": ("none", "full", "short", "ties", "empty", "single"),
        "dtype": ("float32", "float64", "float16"),
        **dict.fromkeys(AXES, tuple(CLASSES)),
        **dict.fromkeys(_WIDE, ("usual", "small", "large")),
    }
)
STRONG: Final = ("layers", "directions", "biases", "initial", "lengths", "dtype")

ZEROS: Final = ("x", "h_0", "c_0", "b_ih", "b_hh", "dy")
_SCALED: Final = {"weights": ("b_ih", "b_hh"), "inputs": ("x",), "states": ("h_0", "c_0")}
_ZEROS_EACH: Final = 3  # problems
INFINITE: Final = ("x", "h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh")
_INFINITE_EACH: Final = 2  # problems
_POWERS: Final = (16, 32, 64)  # each axis has a size next to each of them

LEAST: Final = 64  # problems of an array; the combinations need about 60
MANY: Final = 10  # problems that may reach `LARGE`
_LISTED: Final = 8  # lengths in a description


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem of an array: its number from 1, its choice of options, and its sizes.

    `zero` is an array that is all zeros, one of `ZEROS`, and `infinite` one with an infinity, of
    `INFINITE`.
    """

    number: int
    seed: int
    choice: Choice
    sizes: Sizes
    lengths: tuple[int, ...]
    zero: str = ""
    infinite: str = ""

    @property
    def name(self) -> str:
        """Return the name of its case."""
        return name_problem(self.number)

    @property
    def scales(self) -> dict[str, float]:
        """Return the factors of weights, inputs, states and cotangents."""
        narrow = self.choice["dtype"] == "float16"
        table = _NARROW if narrow else _WIDE
        scales = {name: factors[self.choice[name]] for name, factors in table.items()}
        while narrow and self.sizes["I"] * scales["weights"] ** 2 > 16 * self.sizes["H"]:
            scales["weights"] /= 2  # many inputs add up
        return scales

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
        words += [
            f"{name} x {_fraction(size)}"
            for name, size in self.scales.items()
            if size != 1 and (name != "states" or choice["initial"])
        ]
        words += [f"{self.zero} is zero"] * bool(self.zero)
        words += [f"{self.infinite} has an infinity"] * bool(self.infinite)
        return ", ".join(words)

    def build(self, dtype: str = "") -> Case:
        """Draw the numbers, which are the same for every dtype up to rounding."""
        choice, sizes, scales = self.choice, self.sizes, self.scales
        dtype = dtype or choice["dtype"]
        shape = choice["layers"], choice["directions"], choice["biases"]
        config = Config(sizes["I"], sizes["H"], *shape, dtype)
        draw = draw_for(self.name, self.seed, dtype)
        x = draw((sizes["T"], sizes["B"], sizes["I"]), scales["inputs"])
        lengths = np.array(self.lengths, np.int32) if self.lengths else None
        case = build_case(self.name, config, x, draw, lengths, initial=choice["initial"])
        factors = dict.fromkeys(("w_ih", "w_hh", "b_ih", "b_hh"), scales["weights"])
        case = scale_arrays(case, **factors, h_0=scales["states"], c_0=scales["states"])
        size = np.array(scales["cotangents"], dtype)
        cotangent = map_arrays(lambda array: array * size, case.cotangent)
        case = dataclasses.replace(case, cotangent=cotangent, description=self.description)
        return self._with_special_numbers(case)

    def _with_special_numbers(self, case: Case) -> Case:
        """Set an array to zero or a number to infinity; make one of large ones much larger."""
        if self.infinite:
            return Spoil({self.infinite: np.inf})(case)
        if self.zero == "dy":
            cotangent = replace_arrays(case.cotangent, y=np.zeros_like(case.cotangent.y))
            case = dataclasses.replace(case, cotangent=cotangent)
        elif self.zero:
            case = scale_arrays(case, **{self.zero: 0})
        if self.choice["dtype"] == "float16":
            return case
        scaled = {name: group for group, names in _SCALED.items() for name in names}
        return scale_one(case, [n for n, group in scaled.items() if self.choice[group] == "large"])


@functools.cache
def draw_problems(seed: int) -> tuple[Problem, ...]:
    """Return the array of a seed. Raise `InputError` for a negative seed."""
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    pick = Picker(seed, "space")
    choices = cover(OPTIONS, STRONG, can_be, pick)
    while len(choices) < LEAST:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        choices += [drawn] if can_be(drawn) else []
    many_units = [k for k, choice in enumerate(choices) if choice["H"] in ("power", "larger")]
    large = pick.shuffled(many_units)[: MANY - len(AXES)]
    chosen = [
        (choice, draw_sizes(pick, choice, LARGE if k in large else USUAL))
        for k, choice in enumerate(choices)
    ]
    chosen += [_draw_near(pick, axis, power) for power in _POWERS for axis in AXES]
    chosen += [_draw_wide(pick, axis) for axis in AXES]
    infinite = ("",) * len(chosen) + INFINITE * _INFINITE_EACH
    chosen += [_draw_infinite(pick, name) for name in infinite if name]
    problems = []
    for k, (choice, sizes) in enumerate(chosen):
        lengths = _draw_lengths(pick, choice["lengths"], sizes["T"], sizes["B"])
        problems.append(Problem(k + 1, seed, choice, sizes, lengths, infinite=infinite[k]))
    return tuple(_draw_zeros(pick, problems))


def _draw_zeros(pick: Picker, problems: Sequence[Problem]) -> list[Problem]:
    """Set each of `ZEROS` to zero in a few problems that have it."""
    found = list(problems)
    for name in (*ZEROS,) * _ZEROS_EACH:
        small = [p for p in found if not p.infinite and max(p.sizes.values()) <= 128]
        free = [p for p in small if not p.zero and _has(p.choice, name)]
        problem = pick(free)
        found[problem.number - 1] = dataclasses.replace(problem, zero=name)
    return found


def _has(choice: Choice, name: str) -> bool:
    """Return whether a problem has an array, in a dtype whose checks see all of its effects."""
    needs = {"b": "biases", "h": "initial", "c": "initial"}.get(name[0])
    return (needs is None or choice[needs]) and choice["dtype"] != "float16"


def choose_problems(numbers: Sequence[int], seed: int) -> list[Problem]:
    """Return the problems of these numbers, or all. Raise `InputError` that says the range."""
    problems = draw_problems(seed)
    for number in numbers:
        if not 1 <= number <= len(problems):
            raise InputError(f"--problem is {number}, expected 1 to {len(problems)}")
    return [problem for problem in problems if not numbers or problem.number in numbers]


def can_be(choice: Choice) -> bool:
    """Return whether a problem can have these values of some options, or of all."""
    lengths = choice.get("lengths", "none")
    alone, brief = lengths == "single", lengths in ("none", "ties", "empty")
    least = {"T": "one" if brief else "even", "B": "one" if alone or lengths == "none" else "even"}
    classes = {axis: choice.get(axis, least.get(axis, "one")) for axis in AXES}
    if classes["B"] == "one" and not (alone or lengths == "none"):
        return False
    if (alone and classes["B"] != "one") or (classes["T"] == "one" and not brief):
        return False
    given = [choice.get(axis, "one" if axis == "B" and alone else "") for axis in AXES]
    if given.count("equal") == 1 and given.count("one") == len(AXES) - 1:
        return False  # to nothing
    layers, directions = choice.get("layers", 1), choice.get("directions", 1)
    return fits(least_sizes(classes), layers, directions, USUAL)


def _draw_wide(pick: Picker, axis: str) -> tuple[Choice, Sizes]:
    """Draw options, with a size of over a hundred on one axis and small ones on the others.

    The combinations alone would leave most arrays without such a size.
    """
    while True:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        choice = drawn | dict.fromkeys(AXES, "even") | {axis: "larger", "dtype": pick(SUITE_DTYPES)}
        choice |= {"layers": 1, "directions": 2, "biases": True, "initial": True}
        sizes = {other: pick((2, 4)) for other in AXES} | {
            axis: pick([n for n in CLASSES["larger"] if n > 128])
        }
        if can_be(choice) and work(sizes, 1, 2) < LARGE:
            return choice, sizes


def _draw_near(pick: Picker, axis: str, power: int) -> tuple[Choice, Sizes]:
    """Draw options, with a size next to a power of two on one axis and small ones on the others.

    Small sizes are often equal to each other, or to the number of cells.
    """
    while True:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        sizes = {other: pick((2, 3, 4)) for other in AXES}
        classes = {other: "odd" if size % 2 else "even" for other, size in sizes.items()}
        choice = drawn | classes | {axis: "power", "layers": pick((1, 2))}
        choice |= {"dtype": pick(SUITE_DTYPES)}
        sizes[axis] = power + pick((-1, 0, 1))
        shape = choice["layers"], choice["directions"]
        if can_be(choice) and work(sizes, *shape) < USUAL and fits(sizes, *shape, LARGE):
            return choice, sizes


def _draw_infinite(pick: Picker, name: str) -> tuple[Choice, Sizes]:
    """Draw options with which a problem has an array of this name, and small sizes."""
    while True:
        drawn = {option: pick(values) for option, values in OPTIONS.items()}
        choice = drawn | {axis: pick(("odd", "even")) for axis in AXES}
        choice |= {"dtype": pick(SUITE_DTYPES)}
        if can_be(choice) and _has(choice, name):
            return choice, draw_sizes(pick, choice, USUAL)


def _draw_lengths(pick: Picker, kind: str, steps: int, size: int) -> tuple[int, ...]:
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
