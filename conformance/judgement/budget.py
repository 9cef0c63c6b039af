"""The rounding budget: how far rounding alone moves every element of every result.

It holds a standard deviation for each element, from runs of the reference in Monte Carlo
arithmetic, and one for the shift of each bias (Rao's score test). To first order the errors are
linear in the unit roundoff, so draws for float32 serve float64 too, scaled. docs/rounding.md
derives both.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED, PRIOR, count_draws, find_limit
from gateparity.conformance.judgement.rounding import Draws, make_rounding
from gateparity.conformance.judgement.rounding_model import RoundingModel
from gateparity.conformance.judgement.scores import OUTPUTS, Scorer
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.undecided import find_undecided
from gateparity.network.dtypes import DTYPES, unit_roundoff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.conformance.judgement.rounding import Rounding
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Array
    from gateparity.protocol.canonical import Lstm

_FEWEST: Final = 32  # draws of a large case: they know a standard deviation to an eighth
_WORK: Final = 2**20  # states in the draws of one pass, which bounds its memory
_NUMBERS: Final = 12 * 10**6  # elements times draws of one pass: 96 MB
_ALL_NUMBERS: Final = 2**26  # of all passes: some seconds
_PRIOR_AT_MOST: Final = 4.0  # times an element's own variance: more, and it is of another scale
_BLOCK: Final = 2**15  # numbers that are squared at once
_DECLARED: Final = ("factors", "bias", "sigmoid_floor")


@dataclasses.dataclass(frozen=True)
class Budget:
    """Standard deviations of what rounding causes: for each element, and for each bias's score.

    They are zero where rounding has no effect, such as past the end of a sequence. `scores (cell,
    gate, hidden)` is None where a check has no outputs. `weights` are the outputs' weights in the
    scores, zero where a number may be flushed to zero. `scorer` finds the scores of errors.
    `undecided` has a mask for each array with elements that rounding moves too far for a verdict.
    """

    case: Case
    sigmas: Results
    weights: Results = dataclasses.field(default_factory=dict)
    scores: Array | None = None
    scorer: Scorer | None = dataclasses.field(default=None, repr=False, compare=False)
    undecided: Results = dataclasses.field(default_factory=dict)

    def scaled(self, factor: float) -> Budget:
        """Return the budget for a unit roundoff that is `factor` times as large."""
        sigmas = {name: sigma * factor for name, sigma in self.sigmas.items()}
        # An error scales with the factor f, its weight with 1/f^2. So a score, a sum of errors
        # times weights, and its deviation scale with 1/f.
        scores = None if self.scores is None else self.scores / factor
        weights = {name: weight / factor**2 for name, weight in self.weights.items()}
        return Budget(self.case, sigmas, weights, scores, self.scorer, self.undecided)

    def shifts(self, errors: Results) -> Array | None:
        """Return by how many standard deviations each bias seems shifted, `(cell, gate, hidden)`.

        The weighted errors are backpropagated through the reference. The gradient of a bias then
        says how much the errors look like a shift of it (Rao's score test).
        """
        if self.scores is None or self.scorer is None:
            return None
        known = {n: np.where(np.isfinite(errors[n]), errors[n], 0) for n in self.weights}
        scores = self.scorer.scores(known, self.weights)
        return np.where(self.scores > 0, scores / np.where(self.scores > 0, self.scores, 1), 0)


def make_rounding_model(
    dtype: str, declared: Mapping[str, float] = MappingProxyType({})
) -> RoundingModel:
    """Return the rounding model for a dtype with what a backend declares.

    That is `bias`, `sigmoid_floor` and `factors`; the last counts for float32 alone.

    A float32 below the least normal number may be flushed to zero, as XLA does on a CPU; a float16
    is rounded. float64 is drawn like float32, and scaled later. Raise `ValueError` for an unknown
    declaration and for a value that is no number of at least 0.
    """
    for name, value in declared.items():
        if name not in _DECLARED or not 0 <= value < np.inf:
            expected = f"{', '.join(_DECLARED[:-1])} or {_DECLARED[-1]}, and a number of at least 0"
            raise ValueError(f"rounding_model declares {name!r}: {value!r}, expected {expected}")
    match DTYPES[dtype].drawn_as:
        case "float16":
            info = np.finfo("float16")
            return RoundingModel(unit_roundoff("float16"), float(info.smallest_subnormal) / 2)
        case "float32":
            # Draws are float64 numbers, which have no digits left for the errors of float64 itself.
            # So float64 borrows the draws of float32, because errors are linear in the unit
            # roundoff, and `scaled` converts them.
            kept = {n: v for n, v in declared.items() if dtype == "float32" or n != "factors"}
            tiny = float(np.finfo("float32").tiny)
            return RoundingModel(unit_roundoff("float32"), flush=tiny, **kept)
        case None:
            raise ValueError(f"{dtype} has no rounding model: it is the reference's own")
        case drawn_as:
            assert_never(drawn_as)


def make_budget(
    check: Check,
    case: Case,
    rounding_model: RoundingModel,
    seed: int = 0,
    apply_mistakes: Callable[[Truth], Lstm] = lambda truth: truth,
) -> Budget:
    """Draw the roundings of one check on one case; raise what the check raises.

    `apply_mistakes` changes the reference into another LSTM, one with a known mistake.
    """
    # Two runs of the same equations, one exact and one with random roundings: their difference is
    # the rounding error, and nothing else.
    exact = check.run(apply_mistakes(Truth(dtype="float64")), case)
    elements = _count_elements(exact, case)
    roundings = [
        make_rounding(rounding_model, draws, seed + k)
        for k, draws in enumerate(_passes(case, elements))
    ]
    draws = sum(len(rounding.seeds) for rounding in roundings)
    errors, totals = _draw(check, case, exact, roundings, apply_mistakes)
    # A large case has fewer draws than its elements need. Then its deviations widen, so that the
    # limit can stay as it is.
    widening = max(find_limit(elements, draws) / ALLOWED, 1.0)
    drawn = {name: pool(total, draws) * widening for name, total in totals.items()}
    undecided = find_undecided(exact, drawn)
    # Whether a final result is flushed to zero depends on the backend and not on chance, so it is
    # not drawn. Its size is added to every variance instead.
    sigmas = {
        name: np.hypot(sigma, np.where(_may_vanish(exact[name]), rounding_model.flush, 0))
        for name, sigma in drawn.items()
    }
    weights = _weigh_outputs(case, drawn, undecided, rounding_model.flush)
    if not weights:
        return Budget(case, sigmas, undecided=undecided)
    scorer = Scorer(case)
    scores = [np.square(scorer.scores(own, weights).values).sum(-1) for own in errors]
    deviations = np.sqrt(np.sum(scores, axis=0) / draws)
    return Budget(case, sigmas, weights, deviations * widening, scorer, undecided)


def _draw(
    check: Check,
    case: Case,
    exact: Results,
    passes: Sequence[Rounding],
    apply_mistakes: Callable[[Truth], Lstm],
) -> tuple[list[dict[str, Draws]], Results]:
    """Return the errors that rounding causes: the outputs' as draws of each pass, and all squares.

    The draws are not rounded further, and the squares are summed over them. Elements that aren't
    finite have an error of zero.
    """
    errors, totals = [], dict.fromkeys(exact, np.zeros(()))
    for rounding in passes:
        found = check.run(apply_mistakes(Truth(rounding.lift, "float64")), case)
        drawn = {name: rounding.lift(array).values for name, array in found.items()}
        # Backpropagating the errors must not add new roundings to them, hence a unit roundoff of 0.
        still = dataclasses.replace(rounding, rounding_model=RoundingModel(0.0))
        errors.append({n: Draws(_moved(drawn[n], exact[n]), still) for n in OUTPUTS if n in drawn})
        totals = {n: totals[n] + _sum_squares(values, exact[n]) for n, values in drawn.items()}
    return errors, totals


def _moved(drawn: Array, exact: Array) -> Array:
    finite = np.isfinite(exact)[..., None]
    with np.errstate(invalid="ignore"):
        moved = drawn - exact[..., None]
    return moved if finite.all() else np.where(finite, moved, 0)


def _sum_squares(drawn: Array, exact: Array) -> Array:
    """Return the sum of the squared errors of all draws, in blocks that fit a core's cache."""
    if drawn.size <= _BLOCK or not exact.ndim:
        sums: Array = np.square(_moved(drawn, exact)).sum(-1)
        return sums
    at_once = len(exact) * _BLOCK // drawn.size
    blocks = [slice(k, k + at_once) for k in range(0, len(exact), at_once)] if at_once else []
    parts = [_sum_squares(drawn[block], exact[block]) for block in blocks]
    return np.concatenate(parts) if parts else np.stack([*map(_sum_squares, drawn, exact)])


def _may_vanish(exact: Array) -> Array:
    vanishing: Array = np.isfinite(exact) & (exact != 0)
    return vanishing


def _weigh_outputs(case: Case, drawn: Results, undecided: Results, flush: float) -> Results:
    """Return the weights of the outputs in the scores of shifts, or none without any input."""
    return {
        name: np.where(undecided.get(name, False), 0, _weigh(drawn[name], flush))
        for name in OUTPUTS
        if name in drawn and case.batch.x.size
    }


def _weigh(sigma: Array, flush: float) -> Array:
    mask = sigma > flush
    return np.where(mask, 1 / np.square(np.where(mask, sigma, 1)), 0)


def _count_elements(results: Results, case: Case) -> int:
    """Return how many numbers a verdict compares: all elements, and a shift for each bias."""
    config = case.config
    shifts = config.cells * len(config.cell.gates) * config.hidden_size
    return shifts + sum(array.size for array in results.values())


def _passes(case: Case, elements: int) -> list[int]:
    """Return how many draws each pass takes; large cases get fewer than their elements need."""
    steps, size, _ = case.batch.x.shape
    # The memory of a pass grows with draws times states, and with draws times elements. Draws are
    # repeated in several passes instead of all at once, and reduced for cases where even that takes
    # too long.
    work = max(steps * size * case.config.hidden_size * case.config.cells, 1)
    most = min(16 * _WORK // work, _ALL_NUMBERS // elements)
    draws = min(count_draws(elements), max(most, _FEWEST))
    at_once = int(np.clip(min(_WORK // work, _NUMBERS // elements), 1, draws))
    return [min(at_once, draws - k) for k in range(0, draws, at_once)]


def pool(squares: Array, draws: int) -> Array:
    """Shrink each variance towards the array's mean, but not towards one of another scale."""
    # With few draws the smallest of many estimated variances is much too small, and would cause a
    # false alarm. So each is shrunk towards the mean of its array, as an empirical Bayes estimate
    # with `PRIOR` pseudo-draws (Efron and Morris, 1973). Where rounding has no effect the variance
    # stays 0.
    own = squares / draws
    mask = own > 0
    prior = np.minimum(own[mask].mean() if mask.any() else 0.0, _PRIOR_AT_MOST * own)
    sigmas: Array = np.sqrt((draws * own + PRIOR * prior) / (draws + PRIOR))
    return sigmas
