"""The rounding budget: for every element of a result, the error that rounding alone should cause.

A standard deviation, from runs of the truth in Monte Carlo arithmetic. Rounding is linear in the
unit roundoff to first order, so float32's runs serve float64 too, scaled.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.rounding import UNIT, randomly_rounded
from gateparity.conformance.truth import Truth
from gateparity.conformance.verdict import unit_roundoff

if TYPE_CHECKING:
    from gateparity.conformance.cases import Case
    from gateparity.conformance.checks import Check, Results
    from gateparity.parameters import Array

_DRAWS: Final = (8, 32)  # fewest and most; 32 know a standard deviation to an eighth
_WORK: Final = 2**22  # states in all draws together, beyond which there are fewer of them
_PRIOR: Final = 8  # draws that the mean of the array counts for: few draws can miss by a lot


def rounding_sigmas(check: Check, case: Case, seed: int = 0) -> Results:
    """Array name to the standard deviation of each of its elements, absolute, in float64.

    Zero where rounding can't reach: past the end of a sequence, say.
    """
    exact = check.run(Truth(dtype="float64"), case)
    generator = np.random.default_rng([seed, 97])
    rounding = Truth(functools.partial(randomly_rounded, generator=generator), "float64")
    draws = _draws(case)
    squares = {name: np.zeros(array.shape) for name, array in exact.items()}
    for _ in range(draws):
        for name, array in check.run(rounding, case).items():
            squares[name] += np.square(np.asarray(array) - exact[name])
    scale = unit_roundoff(case.config.dtype) / UNIT
    return {name: scale * _pool(total, draws) for name, total in squares.items()}


def largest_sigmas(found: Results, truth: Results, sigmas: Results) -> float:
    """The largest error in standard deviations; infinity for one where none is possible."""
    return max(float(_ratio(found[n], truth[n], sigmas[n]).max(initial=0)) for n in sigmas)


def _ratio(found: Array, truth: Array, sigma: Array) -> Array:
    errors = np.abs(found.astype(truth.dtype) - truth).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(errors == 0, 0, errors / sigma)


def _draws(case: Case) -> int:
    steps, size, _ = case.batch.x.shape
    work = max(steps * size * case.config.hidden_size * case.config.cells, 1)
    return int(np.clip(_WORK // work, *_DRAWS))


def _pool(squares: Array, draws: int) -> Array:
    """Shrink each variance towards the array's mean, where there is any."""
    live = squares > 0
    mean = squares[live].mean() / draws if live.any() else 0.0
    return np.sqrt(np.where(live, (squares + _PRIOR * mean) / (draws + _PRIOR), 0))
