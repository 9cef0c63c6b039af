"""The verdict: whether two results are equal to within rounding. Only this file decides that.

Errors are measured in standard deviations of rounding. No element may be off by more than
`ALLOWED`, and neither may the shift of any bias that would explain all outputs together. Where the
limit is as wide as the numbers themselves, being within it says nothing: that is undecided. If the
reference is finite, a number that isn't finite fails. Where rounding has no effect, any number
other than the reference's fails.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.divergence import cell_words, locate
from gateparity.conformance.judgement.undecided import FINE_UNIT, span_words
from gateparity.conformance.requirements.answers import comparable
from gateparity.network.dtypes import count_digits, unit_roundoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.judgement.divergence import Divergence
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Array

    FindShifts = Callable[[Results], Array | None]


@dataclasses.dataclass(frozen=True)
class Expected:
    """The right result, and how far rounding may move it."""

    truth: Results
    budget: Budget


@dataclasses.dataclass(frozen=True)
class Score:
    """The error of a result in standard deviations: its worst element, and its worst shift.

    `relative` is the largest error relative to the largest true value of its array, and `absolute`
    the largest as it is. `shifts` are those of all biases `(cell, gate, hidden)`, signed, or None
    without outputs. `undecided` says which elements rounding alone moves too far to be judged.
    """

    sigmas: float
    shift: float = 0.0
    relative: float = 0.0
    absolute: float = 0.0
    undecided: str = ""
    shifts: Array | None = dataclasses.field(default=None, repr=False, compare=False)


class Mismatch(AssertionError):
    """Two results differ; the message says by how much, and where the difference begins if known.

    `ratios` are the errors of all elements, in standard deviations, if the arrays are comparable.
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
    """Judge a backend by the reference, and return its score. Raise `Mismatch` if it differs."""
    # The reference is computed one precision up, so its own rounding counts as zero.
    return _judge(found, expected, expected.budget.shifts)


def passes(found: Results, expected: Expected) -> bool:
    """Return whether a result is within the budget."""
    try:
        judge(found, expected)
    except Mismatch:
        return False
    return True


def judge_pair(a: Results, b: Results, shifts: Array | None, expected: Expected) -> Score:
    """Compare two backends; each may err, so variances add. Raise `Mismatch` if they differ.

    `shifts` is the difference between the shifts that `judge` found for each. That is enough, since
    the score is linear in the errors.
    """
    # Both sides round independently, so deviations grow by sqrt(2). The same holds for shifts: the
    # difference of two scores has sqrt(2) times the deviation of one.
    both = Expected(a, expected.budget.scaled(2**0.5))
    return _judge(b, both, lambda _: None if shifts is None else shifts / 2**0.5)


def _judge(found: Results, expected: Expected, find_shifts: FindShifts) -> Score:
    """Compare array by array, or outputs alone if only one side has gradients.

    Raise `Mismatch` that says where the difference begins, the worst element there, and how many
    elements and arrays differ; or which bias seems shifted.
    """
    found, truth = comparable(found, expected.truth)
    _require_same_shapes(found, truth)
    sigmas = {n: np.broadcast_to(expected.budget.sigmas[n], a.shape) for n, a in found.items()}
    # Two tests, since each sees what the other misses. The largest element finds a single wrong
    # number. The shifts find an error that is small everywhere and points in one direction, such as
    # a bias that is slightly off.
    # Small arrays are joined while they are subtracted and divided, since each call takes time.
    flat = difference(_join(found, found), _join(truth, found))
    errors, ratios = _split(flat, found), _split(in_sigmas(flat, _join(sigmas, found)), found)
    # A number that isn't finite is wrong even where no other number is.
    for name, mask in expected.budget.undecided.items():
        if name in ratios:
            ratios[name] = np.where(mask & np.isfinite(errors[name]), 0, ratios[name])
    shifts = find_shifts(errors)
    score = Score(
        max((float(r.max(initial=0)) for r in ratios.values()), default=0.0),
        0.0 if shifts is None else float(np.abs(shifts).max()),
        max((_relative(errors[name], truth[name]) for name in errors), default=0.0),
        max((float(np.abs(error).max(initial=0)) for error in errors.values()), default=0.0),
        _describe_undecided(found, truth, expected.budget),
        shifts,
    )
    if score.sigmas <= ALLOWED:
        begins = None
    else:
        begins = locate(ratios, expected.budget.case.config, ALLOWED)
    # Elements come first: they say where the difference begins, which a shift does not.
    if begins:
        message = _describe(begins, found[begins.array], truth[begins.array], ratios)
        raise Mismatch(message, score, begins, ratios)
    if shifts is not None and score.shift > ALLOWED:
        raise Mismatch(_describe_shift(shifts, expected), score, ratios=ratios)
    return score


def _require_same_shapes(found: Results, truth: Results) -> None:
    """Raise `Mismatch` with an infinite score for missing arrays and wrong shapes."""
    # They can't be measured in deviations.
    if list(found) != list(truth):
        raise Mismatch(f"found {', '.join(found)}, expected {', '.join(truth)}", Score(np.inf))
    for name, array in found.items():
        if array.shape != truth[name].shape:
            shapes = f"{array.shape}, expected {truth[name].shape}"
            raise Mismatch(f"{name} has shape {shapes}", Score(np.inf))


def _join(arrays: Results, names: Results) -> Array:
    """Return the elements of all arrays with these names, one after the other."""
    return np.concatenate([np.ravel(arrays[name]) for name in names] or [np.zeros(0)])


def _split(flat: Array, like: Results) -> Results:
    """Return the arrays of `like` with the elements that are joined in `flat`."""
    ends = np.cumsum([array.size for array in like.values()])[:-1]
    parts = np.split(flat, ends) if like else []
    return {
        name: part.reshape(a.shape) for (name, a), part in zip(like.items(), parts, strict=True)
    }


def _relative(error: Array, truth: Array) -> float:
    # Relative to the array and not to the element: an element near 0 has no meaningful relative
    # error. This number is for people only; no verdict depends on it.
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


def _describe_undecided(found: Results, truth: Results, budget: Budget) -> str:
    """Return which elements are undecided, by the first array that has any, or "" for none."""
    # In the order of the results: that of a budget depends on whether it was drawn or kept.
    masks = {name: budget.undecided[name] for name in truth if name in budget.undecided}
    if not masks:
        return ""
    name, mask = next(iter(masks.items()))
    moved, largest = (float(_finite(a)) for a in (budget.sigmas[name][mask], truth[name]))
    more = f"; {len(masks)} of {len(truth)} arrays are undecided" if len(masks) > 1 else ""
    who = "rounding alone"
    if found[name].dtype == np.float64:  # the chaos is that of the draws, and not scaled with them
        moved *= FINE_UNIT / unit_roundoff("float64")
        who = f"rounding to {FINE_UNIT:.0e} of a number, from which this budget is scaled,"
    return (
        f"{who} moves {name} by {moved:.2g} (one standard deviation), of values up to "
        f"{largest:.2g},{span_words(name, mask)}{more}"
    )


def _finite(array: Array) -> Array:
    largest: Array = np.abs(array[np.isfinite(array)]).max(initial=0)
    return largest


def _describe_shift(shifts: Array, expected: Expected) -> str:
    at = np.unravel_index(int(np.abs(shifts).argmax()), shifts.shape)
    cell, gate, unit = (int(i) for i in at)
    config = expected.budget.case.config
    where = f"{cell_words(cell, config)}, gate {config.cell.gates[gate]}, unit {unit}"
    return (
        f"no element is beyond rounding, but together they look like a shift of the bias of "
        f"{where}: {_sigmas(float(abs(shifts[at])))}"
    )


def _sigmas(value: float) -> str:
    if not np.isfinite(value):
        return "rounding can't explain it"
    return f"{value:.3g} sigma of rounding, {ALLOWED:g} allowed"
