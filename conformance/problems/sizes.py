"""Sizes of the problems of the array: their classes, how they are drawn, and their limits."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.problems.picker import Picker

    Choice = dict[str, Any]  # a value of each option
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
USUAL, LARGE = 1_000, 6_000  # limits on T x B x H x layers x directions
_NUMBERS: Final = MappingProxyType({USUAL: 8_000, LARGE: 70_000})  # limits on weights and inputs
_CELL_STEPS: Final = 200  # limit on T x layers x directions, each of which takes time
_TRIES: Final = 100  # draws of sizes, before the smallest are taken


def draw_sizes(pick: Picker, choice: Choice, limit: int) -> Sizes:
    """Draw sizes of the chosen classes within the limits; what is drawn first has most room.

    A large problem has many units, since kernels are what costs its room.
    """
    classes = {axis: choice[axis] for axis in AXES}
    shape = choice["layers"], choice["directions"]
    for _ in range(_TRIES):
        sizes = least_sizes(classes)
        free = pick.shuffled([axis for axis in AXES if classes[axis] != "equal"])
        if limit == LARGE:
            free.sort(key=lambda axis: axis != "H")
        for axis in free:
            fitting = [n for n in CLASSES[classes[axis]] if fits(sizes | {axis: n}, *shape, limit)]
            draw = pick if axis == free[0] else pick.low  # which leaves room for the others
            sizes[axis] = draw(fitting or [sizes[axis]])
        equal = [axis for axis in AXES if classes[axis] == "equal"]
        others = [axis for axis in AXES if axis not in equal and sizes[axis] > 1]
        common = pick(CLASSES["odd"] + CLASSES["even"])
        sizes |= {axis: sizes[pick(others)] if others else common for axis in equal}
        if "I" in equal and "H" not in equal and pick((True, False)):
            sizes["I"] = sizes["H"] * pick((2, 4))  # as h of both directions, and as all gates
        if fits(sizes, *shape, limit):
            return sizes
    return least_sizes(classes)


def least_sizes(classes: Mapping[str, str]) -> Sizes:
    """Return the smallest sizes of these classes; an equal one is no size of 1."""
    least = {axis: min(CLASSES[kind], default=0) for axis, kind in classes.items()}
    equal = min((n for n in least.values() if n > 1), default=2)
    return {axis: n or equal for axis, n in least.items()}


def fits(sizes: Sizes, layers: int, directions: int, limit: int) -> bool:
    """Return whether a problem of these sizes keeps all limits, `limit` on its work among them."""
    units = sizes["H"] * directions
    inputs = sizes["I"] + (layers - 1) * units  # of all layers
    numbers = 4 * units * (inputs + layers * (sizes["H"] + 2))
    numbers += sizes["T"] * sizes["B"] * sizes["I"]
    return (
        work(sizes, layers, directions) < limit
        and count_cell_steps(sizes, layers, directions) < _CELL_STEPS
        and numbers < _NUMBERS[limit]
    )


def count_cell_steps(sizes: Sizes, layers: int, directions: int) -> int:
    """Return the steps of all cells together."""
    return sizes["T"] * layers * directions


def work(sizes: Sizes, layers: int, directions: int) -> int:
    """Return how many numbers the hidden states of all steps have."""
    return math.prod((sizes["T"], sizes["B"], sizes["H"], layers, directions))
