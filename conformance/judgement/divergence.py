"""The start of a difference: layer, direction, step and gate, in the order of computation.

Forward: layer by layer, step by step as the direction runs; pre-activation before gate before c
before h. Backward: the reverse. Later differences may follow from the first one.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.network.batch import FINAL_STATES, INITIAL_STATES
from gateparity.network.config import GATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.requirements.results import Results
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array

_STAGES: Final = {"z": "pre-activation", "gates": "activation", "c": "c", "h": "h"}
_STATE: Final = ("cell", "sequence", "unit")
_GATES: Final = ("cell", "step", "gate", "sequence", "unit")
_BIAS: Final = ("gate", "unit")
_AXES: Final = {  # of the arrays that checks answer, and of their gradients
    "z": _GATES,
    "gates": _GATES,
    "c": ("cell", "step", "sequence", "unit"),
    "h": ("cell", "step", "sequence", "unit"),
    "y": ("step", "sequence", "unit"),
    **dict.fromkeys(INITIAL_STATES + FINAL_STATES, _STATE),
    "x": ("step", "sequence", "input"),
    "w_ih": ("gate", "unit", "input"),
    "w_hh": ("gate", "unit", "from unit"),
    **dict.fromkeys(("b_ih", "b_hh", "1 + b"), _BIAS),
}


@dataclasses.dataclass(frozen=True)
class Divergence:
    """The first moment at which an array is beyond rounding.

    `words` describe the moment. `element` describes what the moment leaves open about the worst
    element: gate, sequence, unit. `array` and `index` locate that element. `differing` of `size`
    elements are beyond rounding. `growth` has the largest error of each step, if the array has
    steps.
    """

    array: str
    index: tuple[int, ...]
    words: str
    differing: int
    size: int
    growth: tuple[tuple[int, float], ...]
    element: str = ""

    @property
    def inside(self) -> str:
        """Return the moment and the element in words, without the array's own name."""
        moment = "" if self.words == self.array else self.words
        return ", ".join(filter(None, (moment, self.element)))


@dataclasses.dataclass(frozen=True)
class _Moment:
    array: str
    where: tuple[int | slice, ...]
    words: str
    order: tuple[int, ...]
    step: int | None = None


def locate(ratios: Results, config: Config, allowed: float) -> Divergence | None:
    """Return the first moment with an element beyond `allowed`; `ratios` are errors in sigmas."""
    moments = [m for name, ratio in ratios.items() for m in _moments(name, ratio, config)]
    for moment in sorted(moments, key=lambda m: m.order):
        part = ratios[moment.array][moment.where]
        if (part <= allowed).all():
            continue
        return _describe(moment, ratios[moment.array], config, allowed)
    return None


def _describe(moment: _Moment, ratio: Array, config: Config, allowed: float) -> Divergence:
    inside = np.zeros(ratio.shape, bool)
    inside[moment.where] = True
    worst = np.unravel_index(int(np.where(inside, ratio, -1).argmax()), ratio.shape)
    growth: dict[int, float] = {}
    for m in _moments(moment.array, ratio, config):
        if m.step is not None:
            worst_there = float(ratio[m.where].max(initial=0))
            growth[m.step] = max(growth.get(m.step, 0.0), worst_there)
    differing = int((~(ratio <= allowed)).sum())
    index = tuple(int(i) for i in worst)
    return Divergence(
        moment.array,
        index,
        moment.words,
        differing,
        ratio.size,
        tuple(sorted(growth.items())),
        ", ".join(_element_words(moment, index, config)),
    )


def _element_words(moment: _Moment, index: tuple[int, ...], config: Config) -> list[str]:
    """Describe where the element lies on the axes that its moment doesn't fix."""
    base, axes = _base(moment.array).removeprefix("d_"), array_axes(moment.array)
    if len(axes) != len(index):
        return []
    places = dict(zip(axes, index, strict=True))
    for axis, where in zip(axes, moment.where, strict=False):
        if isinstance(where, int):
            del places[axis]
    if base == "y":
        places["unit"] %= config.hidden_size
    return [_axis_words(axis, at, config) for axis, at in places.items()]


def _axis_words(axis: str, at: int, config: Config) -> str:
    if axis == "cell":
        return cell_words(at, config)
    return f"gate {GATES[at]}" if axis == "gate" else f"{axis} {at}"


def array_axes(name: str) -> tuple[str, ...]:
    """Return the axes of a check's array by its name, or () for an unknown array."""
    return _AXES.get(_base(name).removeprefix("d_"), ())


def _base(name: str) -> str:
    """Return the plain name of an array, without its layer and how it was found."""
    return name.split(",", maxsplit=1)[0].split(" of ", maxsplit=1)[0]


def _moments(name: str, array: Array, config: Config) -> Iterator[_Moment]:
    """Cut an array into moments, each with its position in the order of computation."""
    base = _base(name)
    if base in _STAGES and array.ndim >= 4:
        yield from _trace_moments(name, base, array, config)
    elif base == "y" and array.ndim == 3:
        yield from _output_moments(name, array, config)
    elif base == "d_x" and array.ndim == 3:
        for step in range(len(array)):
            words = f"the gradient of x at step {step}"
            yield _Moment(name, (step,), words, (2, 1, len(array) - step), step)
    elif base in FINAL_STATES and len(array) == config.cells:
        for cell in range(len(array)):
            yield _Moment(name, (cell,), f"{cell_words(cell, config)}, {base}", (1, cell))
    else:
        yield _Moment(name, (), name, (2, 0 if base.startswith("d_w") else 2))


def _trace_moments(name: str, base: str, array: Array, config: Config) -> Iterator[_Moment]:
    for cell, step in itertools.product(range(array.shape[0]), range(array.shape[1])):
        run = array.shape[1] - 1 - step if cell % config.directions else step
        order = (0, cell // config.directions, run, list(_STAGES).index(base))
        where = f"{cell_words(cell, config)}, step {step}"
        if array.ndim == 4:
            yield _Moment(name, (cell, step), f"{where}, {_STAGES[base]}", order, step)
            continue
        for gate, letter in enumerate(GATES):
            words = f"{where}, gate {letter}, {_STAGES[base]}"
            yield _Moment(name, (cell, step, gate), words, (*order, gate), step)


def _output_moments(name: str, array: Array, config: Config) -> Iterator[_Moment]:
    hidden, top = config.hidden_size, config.cells - config.directions
    for step, d in itertools.product(range(len(array)), range(config.directions)):
        run = len(array) - 1 - step if d else step
        part = (step, slice(None), slice(d * hidden, (d + 1) * hidden))
        words = f"{cell_words(top + d, config)}, step {step}, h"
        yield _Moment(name, part, words, (0, config.layers, run, 3), step)


def cell_words(cell: int, config: Config) -> str:
    """Return `layer 0`, or with two directions `layer 0, forward` and `layer 0, reverse`."""
    layer, reverse = divmod(cell, config.directions)
    direction = "reverse" if reverse else "forward"
    return f"layer {layer}, {direction}" if config.directions > 1 else f"layer {layer}"
