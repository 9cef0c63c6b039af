"""The rounding budget: how far rounding alone moves every element of every result.

A standard deviation for each element, from runs of the truth in Monte Carlo arithmetic, and one
for the shift of each bias that would explain the outputs best. Rounding is linear in the unit
roundoff to first order, so float32's draws serve float64 too, scaled. docs/rounding.md derives it.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.adapter import Outputs
from gateparity.conformance.rounding import Arithmetic, Draws, make_rounding
from gateparity.conformance.truth import Truth
from gateparity.conformance.verdict import unit_roundoff
from gateparity.parameters import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.canonical import Lstm
    from gateparity.conformance.cases import Case
    from gateparity.conformance.requirements.checks import Check, Results
    from gateparity.conformance.rounding import Rounding
    from gateparity.parameters import Array, Parameters

_DRAWS: Final = (8, 32)  # fewest and most; 32 know a standard deviation to an eighth
_WORK: Final = 2**20  # states in the draws of one pass, which bounds its memory
_PRIOR: Final = 8  # draws that the mean of the array counts for: few draws can miss by a lot
_PRIOR_AT_MOST: Final = 4.0  # times an element's own variance: more, and it is of another scale
_OUTPUTS: Final = ("y", "h_n", "c_n")
_DECLARED: Final = ("factors", "bias", "sigmoid_floor")


@dataclasses.dataclass(frozen=True)
class Budget:
    """Standard deviations of what rounding causes: of each element, and of each bias's score.

    Zero where rounding can't reach: past the end of a sequence, say. `scores (cell, gate, hidden)`
    is None where a check has no outputs; `weights` are those of the outputs in it, zero where a
    number may be flushed to zero.
    """

    case: Case
    sigmas: Results
    weights: Results = dataclasses.field(default_factory=dict)
    scores: Array | None = None

    def scaled(self, factor: float) -> Budget:
        """For a unit roundoff that is `factor` times as large."""
        sigmas = {name: sigma * factor for name, sigma in self.sigmas.items()}
        scores = None if self.scores is None else self.scores / factor
        weights = {name: weight / factor**2 for name, weight in self.weights.items()}
        return Budget(self.case, sigmas, weights, scores)

    def shifts(self, errors: Results) -> Array | None:
        """How many standard deviations each bias seems shifted `(cell, gate, hidden)`.

        The errors, weighted, are sent back through the truth: what arrives at a bias is how much
        they look like a shift of it (Rao's score test).
        """
        if self.scores is None:
            return None
        known = {n: np.where(np.isfinite(errors[n]), errors[n], 0) for n in _OUTPUTS}
        scores = _scores(self.case, known, self.weights)
        return np.where(self.scores > 0, scores / np.where(self.scores > 0, self.scores, 1), 0)


def make_arithmetic(dtype: str, declared: Mapping[str, float] = MappingProxyType({})) -> Arithmetic:
    """How a dtype rounds, and what a backend declares: `bias`, `sigmoid_floor`, and `factors`.

    The last counts for float32 alone.

    A float32 below the least normal one may be flushed to zero, as XLA does on a CPU; a float16
    rounds. float64 is drawn like float32, and scaled. Raises `ValueError` for anything else that
    is declared, and for what is no number of at least 0.
    """
    for name, value in declared.items():
        if name not in _DECLARED or not 0 <= value < np.inf:
            expected = f"{', '.join(_DECLARED[:-1])} or {_DECLARED[-1]}, and a number of at least 0"
            raise ValueError(f"arithmetic declares {name!r}: {value!r}, expected {expected}")
    if dtype == "float16":
        info = np.finfo(dtype)
        return Arithmetic(unit_roundoff(dtype), float(info.smallest_subnormal) / 2)
    kept = {n: v for n, v in declared.items() if dtype == "float32" or n != "factors"}
    tiny = float(np.finfo("float32").tiny)
    return Arithmetic(unit_roundoff("float32"), flush=tiny, **kept)


def make_budget(
    check: Check,
    case: Case,
    arithmetic: Arithmetic,
    seed: int = 0,
    bend: Callable[[Truth], Lstm] = lambda truth: truth,
) -> Budget:
    """Draw the roundings of one check on one case; raises what the check raises.

    `bend` makes another LSTM of the truth, one with a known mistake.
    """
    exact = check.run(bend(Truth(dtype="float64")), case)
    passes = [
        _errors(check, case, exact, make_rounding(arithmetic, draws, seed + k), bend)
        for k, draws in enumerate(_passes(case))
    ]
    draws = sum(_passes(case))
    totals = {n: sum(np.square(p[n].values).sum(-1) for p in passes) for n in exact}
    drawn = {name: pool(total, draws) for name, total in totals.items()}
    sigmas = {
        name: np.hypot(sigma, np.where(_may_vanish(exact[name]), arithmetic.flush, 0))
        for name, sigma in drawn.items()
    }
    if not set(_OUTPUTS) <= set(exact) or not case.batch.x.size:
        return Budget(case, sigmas)
    weights = {name: _weigh(drawn[name], arithmetic.flush) for name in _OUTPUTS}
    scores = [np.square(_scores(case, errors, weights).values).sum(-1) for errors in passes]
    return Budget(case, sigmas, weights, np.sqrt(np.sum(scores, axis=0) / draws))


def _errors(
    check: Check,
    case: Case,
    exact: Results,
    rounding: Rounding,
    bend: Callable[[Truth], Lstm],
) -> dict[str, Draws]:
    """What the roundings do, as draws that round no more; nothing to what isn't finite."""
    found = check.run(bend(Truth(rounding.lift, "float64")), case)
    still = dataclasses.replace(rounding, arithmetic=Arithmetic(0.0))
    return {n: Draws(_moved(a, exact[n], rounding), still) for n, a in found.items()}


def _moved(array: Any, exact: Array, rounding: Rounding) -> Array:
    drawn = (array if isinstance(array, Draws) else rounding.lift(array)).values
    finite = np.isfinite(exact)[..., None]
    with np.errstate(invalid="ignore"):
        return np.where(finite, drawn - exact[..., None], 0)


@np.errstate(all="ignore")  # gradients of the inputs may overflow, and aren't wanted
def _scores(case: Case, errors: Any, weights: Results) -> Any:
    """The derivative of half the weighted squared error by each bias `(cell, gate, hidden)`."""
    heads = Outputs(*(errors[name] * weights[name] for name in _OUTPUTS))
    config = dataclasses.replace(case.config, biases=True)
    found, _ = Truth(dtype="float64").gradients(config, _biased(case.params), case.batch, heads)
    biases: list[Any] = [cell.b_ih for cell in found]
    return np.stack(biases)


def _may_vanish(exact: Array) -> Array:
    vanishing: Array = np.isfinite(exact) & (exact != 0)
    return vanishing


def _weigh(sigma: Array, flush: float) -> Array:
    live = sigma > flush
    return np.where(live, 1 / np.square(np.where(live, sigma, 1)), 0)


def _biased(params: Parameters) -> Parameters:
    zeros = np.zeros(params[0].w_ih.shape[:2], params[0].w_ih.dtype)
    return tuple(
        cell if cell.b_ih is not None else Cell(cell.w_ih, cell.w_hh, zeros, zeros)
        for cell in params
    )


def _passes(case: Case) -> list[int]:
    """How many draws each pass takes."""
    steps, size, _ = case.batch.x.shape
    work = max(steps * size * case.config.hidden_size * case.config.cells, 1)
    draws = int(np.clip(16 * _WORK // work, *_DRAWS))
    at_once = int(np.clip(_WORK // work, 1, draws))
    return [min(at_once, draws - k) for k in range(0, draws, at_once)]


def pool(squares: Array, draws: int) -> Array:
    """Shrink each variance towards the array's mean, but not one of another scale."""
    own = squares / draws
    live = own > 0
    prior = np.minimum(own[live].mean() if live.any() else 0.0, _PRIOR_AT_MOST * own)
    sigmas: Array = np.sqrt((draws * own + _PRIOR * prior) / (draws + _PRIOR))
    return sigmas
