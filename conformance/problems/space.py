"""The space of problems, as data, and the covering array of it that a seed draws.

A mistake often shows for one combination of options only. The array has every combination of three
of the options in `STRONG` and of every two options, so one of its problems has what the mistake
needs. Sizes and numbers are drawn from the seed: another seed is another array.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.case import build_case, draw_for, name_problem
from gateparity.conformance.problems.covering import cover
from gateparity.conformance.problems.further import draw_further, draw_wide
from gateparity.conformance.problems.options import (
    NARROW,
    OPTIONS,
    STRONG,
    WIDE,
    can_be,
    has_array,
)
from gateparity.conformance.problems.picker import Picker
from gateparity.conformance.problems.sizes import AXES, LARGE, USUAL, count_cell_steps, draw_sizes
from gateparity.conformance.problems.special_values import Spoil, scale_arrays, scale_one
from gateparity.conformance.problems.uses import apply_uses
from gateparity.errors import InputError
from gateparity.network.batch import map_arrays, replace_arrays
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.problems.further import Drawn
    from gateparity.conformance.problems.sizes import Choice, Sizes

ZEROS: Final = ("x", "h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh", "dy")
_SCALED: Final = {"weights": ("b_ih", "b_hh"), "inputs": ("x",), "states": ("h_0", "c_0")}
_ZEROS_EACH: Final = 3  # problems

LEAST: Final = 64  # problems of an array; the combinations need about 60
MANY: Final = 10  # problems that may reach `LARGE`
_LISTED: Final = 8  # lengths in a description


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem of an array: its number from 1, its choice of options, and its sizes.

    `zero` is an array that is all zeros, one of `ZEROS`, and `infinite` one with an infinity, of
    `INFINITE`. `uses` are the loss and the inputs, as `apply_uses` has them.
    """

    number: int
    seed: int
    choice: Choice
    sizes: Sizes
    lengths: tuple[int, ...]
    zero: str = ""
    infinite: str = ""
    uses: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its case."""
        return name_problem(self.number)

    @property
    def cell_steps(self) -> int:
        """Return the steps of all cells together."""
        return count_cell_steps(self.sizes, self.choice["layers"], self.choice["directions"])

    @property
    def scales(self) -> dict[str, float]:
        """Return the factors of weights, inputs, states and cotangents."""
        narrow = self.choice["dtype"] == "float16"
        table = NARROW if narrow else WIDE
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
        words += self.uses
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
        return apply_uses(self._with_special_numbers(case), self.uses)

    def _with_special_numbers(self, case: Case) -> Case:
        """Set an array to zero or a number to infinity; make one of large ones much larger."""
        if self.infinite:
            return Spoil({self.infinite: -np.inf if self.lengths else np.inf})(case)
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
    chosen += [draw_wide(pick, axis) for axis in AXES]
    first = _draw_zeros(pick, _number(seed, pick, [(*pair, {}) for pair in chosen]))
    pick = Picker(seed, "uses")
    return (*first, *_number(seed, pick, draw_further(pick), len(first) + 1))


def _number(seed: int, pick: Picker, drawn: Sequence[Drawn], start: int = 1) -> list[Problem]:
    """Return the problems that were drawn, with numbers and lengths."""
    found = []
    for k, (choice, sizes, special) in enumerate(drawn, start):
        lengths = _draw_lengths(pick, choice["lengths"], sizes["T"], sizes["B"])
        found.append(Problem(k, seed, choice, sizes, lengths, **special))
    return found


def _draw_zeros(pick: Picker, problems: Sequence[Problem]) -> list[Problem]:
    """Set each of `ZEROS` to zero in a few problems that have it."""
    found = list(problems)
    for name in (*ZEROS,) * _ZEROS_EACH:
        free = [p for p in found[: -len(AXES)] if not p.zero and has_array(p.choice, name)]
        problem = pick(free)
        found[problem.number - 1] = dataclasses.replace(problem, zero=name)
    return found


def choose_problems(numbers: Sequence[int], seed: int) -> list[Problem]:
    """Return the problems of these numbers, or all. Raise `InputError` that says the range."""
    problems = draw_problems(seed)
    for number in numbers:
        if not 1 <= number <= len(problems):
            raise InputError(f"--problem is {number}, expected 1 to {len(problems)}")
    return [problem for problem in problems if not numbers or problem.number in numbers]


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
            if pick((True, False, False)):
                lengths = [steps] * size
        case "empty":
            lengths[others[0]] = 0
    return tuple(lengths)


def _lengths_words(lengths: Sequence[int]) -> list[str]:
    if len(lengths) > _LISTED:
        return [f"{len(lengths)} lengths from {min(lengths)} to {max(lengths)}"]
    return [f"lengths {' '.join(map(str, lengths))}"] if lengths else []


def _fraction(size: float) -> str:
    return f"{size:g}" if size >= 1 else f"1/{1 / size:g}"
