"""Whether two results are equal to within what rounding allows: the one place that decides.

In standard deviations of rounding: no element may be beyond `ALLOWED`, and no more may the shift of
any bias that would explain all outputs together. A number that isn't finite where the truth is,
fails; so does anything but the truth where rounding can't reach.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.config import GATES
from gateparity.conformance.diagnosis.divergence import cell_words, locate
from gateparity.conformance.requirements.answers import comparable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.budget import Budget
    from gateparity.conformance.diagnosis.divergence import Divergence
    from gateparity.conformance.requirements.checks import Results
    from gateparity.parameters import Array

    FindShifts = Callable[[Results], Array | None]

ALLOWED: Final = 8.0  # standard deviations


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is right, and how far rounding may move it."""

    truth: Results
    budget: Budget


@dataclasses.dataclass(frozen=True)
class Score:
    """How far off a result is, in standard deviations: its worst element, and its worst shift.

    `relative` is the largest error relative to the largest true value of its array; `shifts` are
    those of all biases `(cell, gate, hidden)`, signed, where a check has outputs.
    """

    sigmas: float
    shift: float = 0.0
    relative: float = 0.0
    shifts: Array | None = dataclasses.field(default=None, repr=False, compare=False)


class Mismatch(AssertionError):
    """Two results differ: by how much, and where it begins, as far as elements tell.

    `ratios` are the errors of all elements, in standard deviations, where arrays could be compared.
    """

    def __init__(
        self,
        message: str,
        score: Score,
        begins: Divergence | None = None,
        ratios: Results | None = None,
    ) -> None:
        super().__init__(message)
        self.score, self.begins, self.ratios = score, begins, ratios


def judge(found: Results, expected: Expected) -> Score:
    """Compare a backend with the truth. Raises `Mismatch`."""
    return _judge(found, expected, expected.budget.shifts)


def judge_pair(a: Results, b: Results, shifts: Array | None, expected: Expected) -> Score:
    """Compare two backends: each may err, so variances add.

    `shifts` is the difference of what `judge` found for each: the score is linear in the errors.
    Raises `Mismatch`.
    """
    both = Expected(a, expected.budget.scaled(2**0.5))
    return _judge(b, both, lambda _: None if shifts is None else shifts / 2**0.5)


def _judge(found: Results, expected: Expected, find_shifts: FindShifts) -> Score:
    """Compare array by array; outputs alone where only one side has gradients.

    Raises `Mismatch` that tells where the difference begins, the worst element there, and how many
    elements and arrays differ; or the bias that seems shifted.
    """
    (found, truth), sigmas = comparable(found, expected.truth), expected.budget.sigmas
    if list(found) != list(truth):
        raise Mismatch(f"found {', '.join(found)}, expected {', '.join(truth)}", Score(np.inf))
    for name, array in found.items():
        if array.shape != truth[name].shape:
            shapes = f"{array.shape}, expected {truth[name].shape}"
            raise Mismatch(f"{name} has shape {shapes}", Score(np.inf))
    errors = {name: difference(array, truth[name]) for name, array in found.items()}
    ratios = {name: in_sigmas(error, sigmas[name]) for name, error in errors.items()}
    shifts = find_shifts(errors)
    score = Score(
        max((float(r.max(initial=0)) for r in ratios.values()), default=0.0),
        0.0 if shifts is None else float(np.abs(shifts).max()),
        max((_relative(errors[name], truth[name]) for name in errors), default=0.0),
        shifts,
    )
    begins = locate(ratios, expected.budget.case.config, ALLOWED)
    if begins:
        message = _describe(begins, found[begins.array], truth[begins.array], ratios)
        raise Mismatch(message, score, begins, ratios)
    if shifts is not None and score.shift > ALLOWED:
        raise Mismatch(_describe_shift(shifts, expected), score, ratios=ratios)
    return score


def unit_roundoff(dtype: str) -> float:
    """The largest relative error of one rounding to nearest."""
    return float(np.finfo(dtype).eps) / 2


def count_digits(dtype: object) -> int:
    """Return how many digits tell every number of a dtype from the next."""
    return {"float16": 5, "float32": 9}.get(str(dtype), 17)


def difference(found: Array, truth: Array) -> Array:
    """Found minus truth; zero where both are the same infinity or NaN, NaN where only one is."""
    wide = np.result_type(found, truth)
    found, truth = found.astype(wide), truth.astype(wide)
    same = (found == truth) | (np.isnan(found) & np.isnan(truth))
    finite = np.isfinite(found) & np.isfinite(truth)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.where(finite, found - truth, np.nan)
        return np.where(same, 0, error).astype(np.float64)


def in_sigmas(error: Array, sigma: Array) -> Array:
    """|error| in standard deviations; infinity where there is none, or nothing to compare."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0, np.abs(error) / sigma)
    return np.where(np.isnan(error), np.inf, ratio)


def _relative(error: Array, truth: Array) -> float:
    scale = float(np.abs(truth[np.isfinite(truth)]).max(initial=0))
    largest = float(np.abs(error).max(initial=0))  # NaN where only one is finite
    if largest == 0:
        return 0.0
    return largest / scale if scale and np.isfinite(largest) else np.inf


def _describe(begins: Divergence, found: Array, truth: Array, ratios: Results) -> str:
    name, at = begins.array, begins.index
    where = f"[{', '.join(map(str, at))}]" if at else ""
    words = f" ({begins.inside})" if begins.inside else ""
    digits = count_digits(found.dtype)
    beyond = sum(not (ratio <= ALLOWED).all() for ratio in ratios.values())
    more = f"; {beyond} of {len(ratios)} arrays differ" if len(ratios) > 1 else ""
    return (
        f"{name}{where}{words}: found {found[at]:.{digits}g}, expected {truth[at]:.{digits}g}: "
        f"{_sigmas(float(ratios[name][at]))}; "
        f"{begins.differing} of {begins.size} elements differ{more}"
    )


def _describe_shift(shifts: Array, expected: Expected) -> str:
    at = np.unravel_index(int(np.abs(shifts).argmax()), shifts.shape)
    cell, gate, unit = (int(i) for i in at)
    where = f"{cell_words(cell, expected.budget.case.config)}, gate {GATES[gate]}, unit {unit}"
    return (
        f"no element is beyond rounding, but together they look like a shift of the bias of "
        f"{where}: {_sigmas(float(abs(shifts[at])))}"
    )


def _sigmas(value: float) -> str:
    if not np.isfinite(value):
        return "rounding can't explain it"
    return f"{value:.3g} sigma of rounding, {ALLOWED:g} allowed"
