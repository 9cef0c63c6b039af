"""Problems beyond the covering array, of kinds that no combination of its options has.

They have a large size on one axis, a size next to a power of two, an infinity, or what people call
an LSTM with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.problems.options import OPTIONS, can_be, has_array
from gateparity.conformance.problems.sizes import (
    AXES,
    CLASSES,
    LARGE,
    USUAL,
    draw_sizes,
    fits,
    work,
)
from gateparity.conformance.problems.uses import draw_uses
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from gateparity.conformance.problems.picker import Picker
    from gateparity.conformance.problems.sizes import Choice, Sizes

    Drawn = tuple[Choice, Sizes, dict[str, Any]]  # the last are further fields of a `Problem`

INFINITE: Final = ("x", "h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh")
_POWERS: Final = (16, 32, 64, 64)  # each axis has a size next to each of them
_FULL: Final = {"directions": 2, "biases": True, "initial": True}
_PLAIN: Final = {"directions": 1, "biases": False, "initial": False, "lengths": "none"}
_RAGGED: Final = {"directions": 2, "lengths": "full"}


def draw_further(pick: Picker) -> list[Drawn]:
    """Draw the problems that follow those of the covering array."""
    plain = [draw_wide(pick, axis, _PLAIN, USUAL) for axis in AXES]
    for axis in AXES:
        one, other = pick.shuffled((1, 2))  # directions; a power itself has both
        near = pick.shuffled([(-1, one), (0, 1), (0, 2), (1, other)])
        plain += [_draw_near(pick, axis, p, *each) for p, each in zip(_POWERS, near, strict=True)]
    plain.append(_draw_wide_stack(pick))
    drawn: list[Drawn] = [(*pair, {}) for pair in plain]
    for k, uses in enumerate(draw_uses(pick)):
        drawn.append((*_draw_small(pick, given=k % 2 > 0), {"uses": uses}))
    return drawn + [
        (*_draw_infinite(pick, name, fixed), {"infinite": name})
        for name in INFINITE
        for fixed in ({}, _RAGGED)
    ]


def draw_wide(
    pick: Picker, axis: str, fixed: Choice = _FULL, limit: int = LARGE
) -> tuple[Choice, Sizes]:
    """Draw options, with a size of over a hundred on one axis and small ones on the others.

    The combinations alone would leave most arrays without such a size.
    """
    while True:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        choice = drawn | dict.fromkeys(AXES, "even") | {axis: "larger", "dtype": pick(SUITE_DTYPES)}
        choice |= {"layers": 1} | fixed
        sizes = {other: pick((2, 4)) for other in AXES} | {
            axis: pick([n for n in CLASSES["larger"] if n > 128])
        }
        if can_be(choice) and work(sizes, 1, choice["directions"]) < limit:
            return choice, sizes


def _draw_small(pick: Picker, *, given: bool) -> tuple[Choice, Sizes]:
    """Draw layers, directions, and lengths if given, with small sizes above one and all arrays."""
    while True:
        usual = {name: values[0] for name, values in OPTIONS.items()}
        drawn = {name: pick(OPTIONS[name]) for name in ("layers", "directions")}
        drawn |= {"lengths": pick(OPTIONS["lengths"][1:]) if given else "none"}
        choice = usual | drawn | {axis: pick(("odd", "even")) for axis in AXES}
        choice |= {"dtype": pick(SUITE_DTYPES)}
        if can_be(choice):
            return choice, draw_sizes(pick, choice, USUAL)


def _draw_wide_stack(pick: Picker) -> tuple[Choice, Sizes]:
    """Draw options with a layer above the first that has more than 64 input features."""
    while True:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        sizes = {axis: pick((2, 4)) for axis in AXES} | {"H": 33}
        choice = drawn | dict.fromkeys(AXES, "even") | {"H": "power", "layers": 2}
        choice |= {"directions": 2, "dtype": pick(SUITE_DTYPES)}
        if can_be(choice) and fits(sizes, 2, 2, LARGE):
            return choice, sizes


def _draw_near(
    pick: Picker, axis: str, power: int, offset: int, directions: int
) -> tuple[Choice, Sizes]:
    """Draw options, with a size next to a power of two on one axis and small ones on the others.

    Small sizes are often equal to each other, or to the number of cells.
    """
    while True:
        drawn = {name: pick(values) for name, values in OPTIONS.items()}
        sizes = {other: pick((1, 2, 3, 4) if other in "IH" else (2, 3, 4)) for other in AXES}
        classes = {other: "odd" if size % 2 else "even" for other, size in sizes.items()}
        classes |= {other: "one" for other, size in sizes.items() if size == 1}
        choice = drawn | classes | {axis: "power", "layers": pick((1, 2))}
        choice |= {"directions": directions, "dtype": pick(SUITE_DTYPES)}
        sizes[axis] = power + offset
        shape = choice["layers"], directions
        if can_be(choice) and work(sizes, *shape) < USUAL and fits(sizes, *shape, LARGE):
            return choice, sizes


def _draw_infinite(pick: Picker, name: str, fixed: Choice) -> tuple[Choice, Sizes]:
    """Draw options with which a problem has an array of this name, and small sizes."""
    while True:
        drawn = {option: pick(values) for option, values in OPTIONS.items()}
        choice = drawn | {axis: pick(("odd", "even")) for axis in AXES}
        choice |= {"dtype": pick(SUITE_DTYPES)} | fixed
        if can_be(choice) and has_array(choice, name):
            return choice, draw_sizes(pick, choice, USUAL)
