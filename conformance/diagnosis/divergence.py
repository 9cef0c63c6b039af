"""Where a difference begins: layer, direction, step, gate, in the order of computation.

Forward: layer by layer, step by step as the direction runs, pre-activation before gate before c
before h. Backward: the other way. What came later is what the first one led to.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.config import GATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.config import Config
    from gateparity.conformance.requirements.checks import Results
    from gateparity.parameters import Array

_STAGES: Final = {"z": "pre-activation", "gates": "activation", "c": "c", "h": "h"}


@dataclasses.dataclass(frozen=True)
class Divergence:
    """The first moment at which an array is beyond rounding.

    `array` and `index` are its worst element there; `differing` of `size` elements of the array
    are beyond rounding; `growth` has the largest error of each step, as far as the array has steps.
    """

    array: str
    index: tuple[int, ...]
    words: str
    differing: int
    size: int
    growth: tuple[tuple[int, float], ...]


@dataclasses.dataclass(frozen=True)
class _Moment:
    array: str
    where: tuple[int | slice, ...]
    words: str
    order: tuple[int, ...]


def locate(ratios: Results, config: Config, allowed: float) -> Divergence | None:
    """The first moment with an element beyond `allowed`; `ratios` are errors in sigmas."""
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
    steps = [m for m in _moments(moment.array, ratio, config) if "step" in m.words]
    growth: dict[int, float] = {}
    for m in steps:
        step = int(m.words.rsplit("step ", 1)[1].split(",")[0])
        growth[step] = max(growth.get(step, 0.0), float(ratio[m.where].max(initial=0)))
    differing = int((~(ratio <= allowed)).sum())
    index = tuple(int(i) for i in worst)
    return Divergence(
        moment.array, index, moment.words, differing, ratio.size, tuple(sorted(growth.items()))
    )


def _moments(name: str, array: Array, config: Config) -> Iterator[_Moment]:
    """An array cut into moments, each with its place in the order of computation."""
    base = name.split(",", maxsplit=1)[0].split(" of ", maxsplit=1)[0]
    if base in _STAGES and array.ndim >= 4:
        yield from _trace_moments(name, base, array, config)
    elif base == "y" and array.ndim == 3:
        yield from _output_moments(name, array, config)
    elif base == "d_x" and array.ndim == 3:
        for step in range(len(array)):
            words = f"the gradient of x at step {step}"
            yield _Moment(name, (step,), words, (2, 1, len(array) - step))
    elif base in ("h_n", "c_n") and len(array) == config.cells:
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
            yield _Moment(name, (cell, step), f"{where}, {_STAGES[base]}", order)
            continue
        for gate, letter in enumerate(GATES):
            words = f"{where}, gate {letter}, {_STAGES[base]}"
            yield _Moment(name, (cell, step, gate), words, (*order, gate))


def _output_moments(name: str, array: Array, config: Config) -> Iterator[_Moment]:
    hidden, top = config.hidden_size, config.cells - config.directions
    for step, d in itertools.product(range(len(array)), range(config.directions)):
        run = len(array) - 1 - step if d else step
        part = (step, slice(None), slice(d * hidden, (d + 1) * hidden))
        words = f"{cell_words(top + d, config)}, step {step}, h"
        yield _Moment(name, part, words, (0, config.layers, run, 3))


def cell_words(cell: int, config: Config) -> str:
    """`layer 0`, or `layer 1, reverse`."""
    layer, reverse = divmod(cell, config.directions)
    return f"layer {layer}{', reverse' if reverse else ''}"
