"""Predictions of a mistake: what the reference with mistakes computes in a probe, and how that
compares with what a backend found.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.diagnosis.probes import run_probe
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Expected, passes
from gateparity.conformance.requirements.answers import comparable
from gateparity.network.dtypes import unit_roundoff
from gateparity.protocol.canonical import make_lacking
from gateparity.protocol.repeated import ask_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.conformance.diagnosis.probes import Asked, Found, Probe
    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.judgement.rounding_model import RoundingModel
    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.canonical import Lstm
    from gateparity.protocol.repeated import Questions

    Mistakes = tuple[Mistake, ...]
    Compared = tuple[Mistakes, Mistakes, Asked, bool]

_FAR: Final = 0.05  # of an array's largest element: no rounding reaches as far


def apply_mistakes(mistakes: Mistakes, truth: Truth, case: Case) -> Lstm:
    """Return the reference with the mistakes that show at the case's dtype, the first innermost."""
    lstm: Any = truth
    for mistake in _applied(mistakes, case):
        lstm = mistake.apply(lstm)
    return lstm  # type: ignore[no-any-return]


def _as_asked(mistakes: Mistakes, truth: Truth, probe: Probe) -> Lstm:
    """Return the wrong LSTM as far as the backend shows it."""
    return make_lacking(apply_mistakes(mistakes, truth, probe.case), probe.lacks)


@dataclasses.dataclass(frozen=True)
class _CalledOnce:
    """An LSTM that is called once where a check repeats calls, as the reference is.

    A budget says how far rounding moves an answer. The same call again moves it no farther.
    """

    lstm: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lstm, name)

    def guarded(self) -> _CalledOnce:
        return self

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        return ask_once(self, method, config, questions)


class Predictions:
    """The results of an LSTM with given mistakes, and how far rounding moves them, computed once.

    `declared` is the backend's declared rounding model.
    """

    def __init__(self, declared: Mapping[str, float] | None = None) -> None:
        self._declared = declared or {}
        self._found: dict[tuple[Mistakes, Asked], Found] = {}
        self._overflowed: dict[tuple[Mistakes, Asked], Found] = {}
        self._budgets: dict[tuple[Mistakes, Asked, RoundingModel], Budget] = {}
        self._agreed: dict[Compared, bool] = {}

    def explains(self, mistakes: Mistakes, probe: Probe) -> bool:
        """Return whether the mistakes reproduce what was found, within the budget.

        The budget is that of the right LSTM or, if that is too narrow, of the wrong one. Shifts are
        tested without mistakes only, since how a shift looks depends on the LSTM.
        """
        # The tests are ordered by cost. A shape or a large error excludes most mistakes at once. A
        # budget needs 32 draws of the whole LSTM or more, so it comes last.
        predicted = self._predict(mistakes, probe)
        if isinstance(probe.found, str) or isinstance(predicted, str):
            return probe.found == predicted
        if _shapes(probe.found) != _shapes(predicted) or _is_far(probe.found, predicted):
            return False
        if mistakes and self.distance(mistakes, probe) <= ALLOWED:
            return True  # within the budget of the right LSTM, which is at hand
        # A wrong LSTM may amplify rounding more than the right one does, so it gets its own budget.
        budget = self._budget(mistakes, probe)
        if passes(probe.found, Expected(predicted, budget)):
            return True
        # A mistake that rounds coarsely may do it to the other side at the probe's own precision.
        narrow = _as_found(_run_narrow(mistakes, probe), probe) if mistakes else ""
        if isinstance(narrow, str) or _shapes(probe.found) != _shapes(narrow):
            return False
        return passes(probe.found, Expected(narrow, budget.scaled(2**0.5)))

    def usual_distance(self, mistakes: Mistakes, probe: Probe) -> float:
        """Return the root mean square error, in standard deviations of the right LSTM."""
        return self._measure(mistakes, probe, _root_mean_square)

    def distance(self, mistakes: Mistakes, probe: Probe) -> float:
        """Return the largest error, in standard deviations of the right LSTM."""
        return self._measure(mistakes, probe, np.max)

    def log_likelihood(self, mistakes: Mistakes, probe: Probe) -> float:
        """Return the log-likelihood of what was found, up to a constant.

        It keeps a mistake with a wide budget from explaining everything.
        """
        predicted = self._predict(mistakes, probe)
        if isinstance(predicted, str) or isinstance(probe.found, str):
            return 0.0
        # A likelihood punishes wide deviations by their logarithm, where a distance in deviations
        # rewards them. So the mistake that predicts the numbers most sharply wins.
        sigmas = self._budget(mistakes, probe).sigmas
        return sum(_log_normal(probe.found[n], predicted[n], sigmas[n]) for n in predicted)

    def agree(self, a: Mistakes, b: Mistakes, probe: Probe) -> bool:
        """Return whether a probe can't distinguish two explanations."""
        # Two mistakes can be the same function on the cases at hand, such as two mistakes in
        # lengths where every sequence is full. A diagnosis then names both.
        key = a, b, probe.asked, probe.outputs_alone
        if key not in self._agreed:
            self._agreed[key] = self._compare(a, b, probe)
        return self._agreed[key]

    def _compare(self, a: Mistakes, b: Mistakes, probe: Probe) -> bool:
        one, other = self._predict(a, probe), self._predict(b, probe)
        if isinstance(one, str) or isinstance(other, str):
            return one == other
        # Both are computed in the reference's wide arithmetic, so equal functions agree far beyond
        # the probe's own precision.
        return _shapes(one) == _shapes(other) and all(
            np.allclose(one[n], other[n], rtol=1e-9, atol=1e-12, equal_nan=True) for n in one
        )

    def _measure(self, mistakes: Mistakes, probe: Probe, measure: Callable[[Array], Any]) -> float:
        predicted = self._predict(mistakes, probe)
        if isinstance(predicted, str) or isinstance(probe.found, str):
            return 0.0 if predicted == probe.found else np.inf
        if _shapes(predicted) != _shapes(probe.found):
            return np.inf
        # Always the right LSTM's deviations: distances of different mistakes are then in one unit.
        sigmas = self._budget((), probe).sigmas
        errors = [_in_sigmas(probe.found[n], predicted[n], sigmas[n]) for n in predicted]
        return max((float(measure(error)) for error in errors if error.size), default=0.0)

    def _predict(self, mistakes: Mistakes, probe: Probe) -> Found:
        return _as_found(self._answer(mistakes, probe), probe)

    def _answer(self, mistakes: Mistakes, probe: Probe) -> Found:
        """Return the prediction at the reference's precision, one step above the probe's dtype.

        Where the backend's result isn't finite, values that overflow at the probe's dtype are taken
        from a run at that dtype.
        """
        # Mistakes that do not show at the dtype are dropped from the key, so that pairs share
        # results with single mistakes.
        key = _applied(mistakes, probe.case), probe.asked
        if key not in self._found:
            lstm = _as_asked(mistakes, Truth(), probe)
            self._found[key] = run_probe(lstm, probe.check, probe.case)
        # Wider arithmetic has a wider range: exp(100) is finite in float64 and infinite in float32.
        # It matters only if the backend found something that is not finite.
        if _is_finite(probe.found):
            return self._found[key]
        if key not in self._overflowed:
            self._overflowed[key] = _overflow(self._found[key], mistakes, probe)
        return self._overflowed[key]

    def _budget(self, mistakes: Mistakes, probe: Probe) -> Budget:
        """Drawn once for the same numbers at both precisions, where the arithmetic is the same."""
        dtype = probe.case.config.dtype
        rounding_model = make_rounding_model(dtype, self._declared)
        key = _applied(mistakes, probe.case), probe.numbers, rounding_model
        if key not in self._budgets:
            with np.errstate(all="ignore"):
                self._budgets[key] = make_budget(
                    probe.check,
                    probe.case,
                    rounding_model,
                    apply_mistakes=lambda truth: _CalledOnce(_as_asked(mistakes, truth, probe)),
                )
        factor = unit_roundoff(dtype) / rounding_model.unit
        return self._budgets[key] if factor == 1 else self._budgets[key].scaled(factor)


def _is_finite(found: Found) -> bool:
    return isinstance(found, str) or all(np.isfinite(array).all() for array in found.values())


def _overflow(wide: Found, mistakes: Mistakes, probe: Probe) -> Found:
    """Replace elements that overflow at the probe's own precision and not one step above."""
    if isinstance(wide, str):
        return wide
    narrow = _run_narrow(mistakes, probe)
    if isinstance(narrow, str):
        return wide
    # Finite elements keep the wide value, which is more exact.
    return {n: np.where(np.isfinite(narrow[n]), a, narrow[n]) for n, a in wide.items()}


def _run_narrow(mistakes: Mistakes, probe: Probe) -> Found:
    """Run the reference with the mistakes at the probe's own precision."""
    # A mistake may depend on the precision, such as one that rounds or overflows in one place.
    own = Truth(dtype=probe.case.config.dtype)
    return run_probe(_as_asked(mistakes, own, probe), probe.check, probe.case)


def _as_found(predicted: Found, probe: Probe) -> Found:
    """Return the prediction without gradients, if the backend found none."""
    if isinstance(predicted, str) or isinstance(probe.found, str):
        return predicted
    return comparable(predicted, probe.found)[0]


def _applied(mistakes: Mistakes, case: Case) -> Mistakes:
    return tuple(m for m in mistakes if case.config.dtype in m.dtypes)


def _shapes(results: Results) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, array.shape) for name, array in results.items()]


def _is_far(found: Results, predicted: Results) -> bool:
    """Return whether an error is so large that no budget needs to be computed."""
    return any(
        not np.abs(difference(array, predicted[name])).max(initial=0)
        <= _FAR * np.abs(predicted[name][np.isfinite(predicted[name])]).max(initial=0)
        for name, array in found.items()
    )


def _in_sigmas(found: Array, predicted: Array, sigmas: Array) -> Array:
    # A deviation of 0 would make any error infinite, and mistakes could not be ranked.
    least = np.finfo(found.dtype).tiny
    return in_sigmas(difference(found, predicted), np.maximum(sigmas, least))


def _root_mean_square(errors: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.square(errors).mean()))


def _log_normal(found: Array, predicted: Array, sigmas: Array) -> float:
    """Return the log-density of independent normal errors, up to a constant.

    Elements that rounding can't move are left out: they have no density.
    """
    # log(0) of an exact element would outweigh everything else.
    mask = sigmas > 0
    ratios = in_sigmas(difference(found, predicted), sigmas)[mask]
    return float(-(np.square(ratios) / 2 + np.log(sigmas[mask])).sum())
