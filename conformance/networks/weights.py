"""The weights of two layers in canonical form: whether and where they differ, in words."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.judgement.divergence import cell_words
from gateparity.conformance.networks.equality import find_differing, sum_biases, unequal_arrays
from gateparity.conformance.networks.explanation import explain_weights

if TYPE_CHECKING:
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters

_ARRAYS: Final = {"w_ih": "input weights", "w_hh": "recurrent weights", "bias": "biases"}


@dataclasses.dataclass(frozen=True)
class WeightDifference:
    """How the weights of two layers differ.

    `sentence` says which mistake makes one of the other, or that none is known. `cells` are the
    indices of the layers and directions that differ, and `largest` is the largest difference, with
    its place. `is_explained` says whether a mistake is known.
    """

    sentence: str
    cells: tuple[int, ...]
    largest: str
    is_explained: bool


def compare_weights(
    a: Parameters, b: Parameters, config: Config, names: tuple[str, str] = ("a", "b")
) -> WeightDifference | None:
    """Return how the weights of two layers of one config differ, or None if they are equal.

    They are equal where no element differs by more than the rounding of one sum. `names` are what
    the sentence calls the two.
    """
    cells = find_differing(a, b)
    if not cells:
        return None
    mistake = explain_weights(a, b, cells, config, names)
    one, other = names
    where = ", ".join(cell_words(k, config) for k in cells)
    unknown = f"{other} has other {_what_differs(a, b, cells)} than {one} in {where}"
    sentence = mistake or f"{unknown}, and no known mistake explains them"
    return WeightDifference(sentence, cells, _largest(a, b, config, names), bool(mistake))


def _what_differs(a: Parameters, b: Parameters, cells: tuple[int, ...]) -> str:
    """Return which arrays differ in words; "weights" where kernels of both kinds do."""
    found = {name for k in cells for name in unequal_arrays(a[k], b[k])}
    if {"w_ih", "w_hh"} <= found:
        return "weights"
    return " and ".join(words for name, words in _ARRAYS.items() if name in found)


def _largest(a: Parameters, b: Parameters, config: Config, names: tuple[str, str]) -> str:
    """Return the largest difference in words: its array, its place, and both values."""
    found = []
    for k, (one, other) in enumerate(zip(map(sum_biases, a), map(sum_biases, b), strict=True)):
        for name in one:
            error = np.abs(one[name] - other[name])
            at = np.unravel_index(int(error.argmax()), error.shape)
            found.append((float(error[at]), k, name, at, one[name][at], other[name][at]))
    size, k, name, at, in_a, in_b = max(found, key=lambda f: f[0])
    where = ", ".join(str(int(i)) for i in at)
    axes = "gate, unit" if name == "bias" else "gate, unit, from"
    return (
        f"{name}[{where}] of {cell_words(k, config)} ({axes}) "
        f"is {in_a:.6g} in {names[0]}, {in_b:.6g} in {names[1]}: {size:.3g} apart"
    )
