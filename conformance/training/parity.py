"""Training parity: how far rounding moves every number of a training run, for how many epochs
that can be known, and whether a backend's run is within it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.judgement.budget import make_rounding_model, pool
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.rounding import Draws, make_rounding
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.training.problems import run_problem
from gateparity.conformance.training.trainers import ReferenceTrainer
from gateparity.network.dtypes import count_digits, unit_roundoff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.judgement.rounding_model import RoundingModel
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.training.problems import Problem
    from gateparity.network.parameters import Array

_DRAWS: Final = 24
_UNITS: Final = {  # drawn with, and compared with: float64's own would drown in its arithmetic's
    "float32": (2.0**-24, 2.0**-32),
    "float64": (2.0**-44, 2.0**-40),
}
_LINEAR: Final = 2.0  # times what it should be, either way


@dataclasses.dataclass(frozen=True)
class ReferenceRun:
    """The reference run of a training, with a standard deviation for each of its numbers.

    Up to epoch `vouched` the effect of rounding is linear, so that the deviations are valid.
    """

    truth: Results
    sigmas: Results
    valid_epochs: int


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A run judged by the reference: its worst number in standard deviations, in valid epochs only.

    `differs` says where the run parts first; it is empty if it doesn't.
    """

    sigmas: float
    valid_epochs: int
    differs: str = ""


def make_reference(
    problem: Problem, declared: Mapping[str, float], copies: int = 1
) -> ReferenceRun:
    """Train the reference exactly, and many times with random roundings.

    `declared` is a backend's declared rounding model; `copies` as in `ReferenceTrainer`.
    """
    rounding_model = make_rounding_model(problem.config.dtype, declared)
    unit, other = _UNITS[problem.config.dtype]
    with np.errstate(all="ignore"):
        truth = run_problem(ReferenceTrainer(Truth(), copies), problem)
        exact = run_problem(ReferenceTrainer(Truth(dtype="float64"), copies), problem)
        drawn, others = (
            _draw(problem, exact, _scale(rounding_model, unit), copies) for unit in (unit, other)
        )
    factor = unit_roundoff(problem.config.dtype) / unit
    valid_epochs = _count_linear(drawn, others, unit / other, len(problem.epochs))
    return ReferenceRun(
        truth, {name: sigma * factor for name, sigma in drawn.items()}, valid_epochs
    )


def judge_training(found: Results, reference: ReferenceRun) -> Verdict:
    """Compare a run with the reference, epoch by epoch, in the epochs where the budget is valid."""
    worst, wrong = 0.0, {}
    for name, truth in reference.truth.items():
        if _epoch(name) > reference.valid_epochs:
            break
        ratio = in_sigmas(difference(found[name], truth), reference.sigmas[name])
        worst = max(worst, float(ratio.max(initial=0)))
        if worst > ALLOWED and (ratio > ALLOWED).any():
            wrong[_when(name, ratio)] = name, ratio
    if not wrong:
        return Verdict(worst, reference.valid_epochs)
    name, ratio = wrong[min(wrong)]
    words = _describe(name, found[name], reference.truth[name], ratio)
    return Verdict(worst, reference.valid_epochs, words)


def _draw(problem: Problem, exact: Results, rounding_model: RoundingModel, copies: int) -> Results:
    rounding = make_rounding(rounding_model, _DRAWS, 0)
    found = run_problem(ReferenceTrainer(Truth(rounding.lift, "float64"), copies), problem)
    errors = {n: _values(a) - exact[n][..., None] for n, a in found.items()}
    squares = {name: np.square(error).sum(-1) for name, error in errors.items()}
    return {name: pool(square, _DRAWS) for name, square in squares.items()}


def _values(array: Any) -> Any:
    return array.values if isinstance(array, Draws) else np.asarray(array)[..., None]


def _scale(rounding_model: RoundingModel, unit: float) -> RoundingModel:
    flush = rounding_model.flush * unit / rounding_model.unit
    return dataclasses.replace(rounding_model, unit=unit, flush=flush)


def _count_linear(drawn: Results, others: Results, expected: float, epochs: int) -> int:
    """Return how many epochs pass before the effect of rounding stops being linear.

    It compares the effects of roundings of two sizes, which then are no longer in proportion.
    """
    for epoch in range(1, epochs + 1):
        one, other = (
            np.sqrt(sum(float(np.square(s).sum()) for n, s in sigmas.items() if _epoch(n) == epoch))
            for sigmas in (drawn, others)
        )
        ratio = one / other / expected if other else 1.0
        if not 1 / _LINEAR < ratio < _LINEAR:
            return epoch - 1
    return epochs


def _when(name: str, ratio: Array) -> tuple[int, float, str]:
    """Return a sort key for the moment at which a run parts: epoch, step, name.

    Weights are known after their epoch. A loss comes before the gradient of the same step.
    """
    step = float(np.argmax(ratio > ALLOWED)) if name.startswith(("loss", "norm")) else np.inf
    return _epoch(name), step, name


def _epoch(name: str) -> int:
    return int(name.rpartition(" ")[2])


def _describe(name: str, found: Any, truth: Any, ratio: Any) -> str:
    at = np.unravel_index(int(np.argmax(ratio > ALLOWED)), ratio.shape)
    array, _, epoch = name.rpartition(" ")
    place = f"[{', '.join(str(int(i)) for i in at)}]"
    digits = count_digits(found.dtype)
    if array in ("loss", "norm"):
        where = f"{array} of step {int(at[0]) + 1} of epoch {epoch}"
    else:
        where = f"{array}{place} after epoch {epoch}"
    return (
        f"{where}: found {found[at]:.{digits}g}, expected {truth[at]:.{digits}g}: "
        f"{float(ratio[at]):.3g} sigma of rounding, {ALLOWED:g} allowed"
    )
