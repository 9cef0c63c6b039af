"""The options of a problem of the array, as data, and which values go together."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.problems.sizes import AXES, CLASSES, USUAL, fits, least_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.problems.sizes import Choice

# Powers of two keep a number's digits. In float16 exp(12) and a gradient of 65 520 are infinite,
# and sums of subnormal gradients stop growing.
WIDE: Final = {
    "weights": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "inputs": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "states": {"small": 0.25, "usual": 1.0, "large": 4.0},
    "cotangents": {"small": 2.0**-10, "usual": 1.0, "large": 2.0**10},
}
NARROW: Final = {
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
        **dict.fromkeys(WIDE, ("usual", "small", "large")),
    }
)
STRONG: Final = ("layers", "directions", "biases", "initial", "lengths", "dtype")


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
    shape = choice.get("layers", 1), choice.get("directions", 1)
    return _have_room(*classes.values(), *shape)


@functools.cache
def _have_room(t: str, b: str, i: str, h: str, layers: int, directions: int) -> bool:
    """Return whether the smallest sizes of these classes keep the limits."""
    classes = dict(zip(AXES, (t, b, i, h), strict=True))
    return fits(least_sizes(classes), layers, directions, USUAL)


def has_array(choice: Choice, name: str) -> bool:
    """Return whether a problem has an array, in a dtype whose checks see all of its effects."""
    needs = {"b": "biases", "h": "initial", "c": "initial"}.get(name[0])
    has = needs is None or bool(choice[needs])
    return has and choice["dtype"] != "float16"
