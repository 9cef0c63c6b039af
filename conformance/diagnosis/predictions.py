"""What a truth with mistakes in it makes of a probe, and whether that is what a backend found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.canonical import make_lacking
from gateparity.conformance.budget import make_arithmetic, make_budget
from gateparity.conformance.diagnosis.probes import run_probe
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.truth import Truth
from gateparity.conformance.verdict import (
    ALLOWED,
    Expected,
    Mismatch,
    difference,
    in_sigmas,
    judge,
    unit_roundoff,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.canonical import Lstm
    from gateparity.conformance.budget import Budget
    from gateparity.conformance.cases import Case
    from gateparity.conformance.diagnosis.probes import Asked, Found, Probe
    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.conformance.requirements.checks import Results
    from gateparity.parameters import Array

    Mistakes = tuple[Mistake, ...]
    Compared = tuple[Mistakes, Mistakes, Asked, bool]

_FAR: Final = 0.05  # of an array's largest element: no rounding reaches as far


def bend(mistakes: Mistakes, truth: Truth, case: Case) -> Lstm:
    """The truth with all mistakes in it, the first one inside, that show at the case's dtype."""
    lstm: Any = truth
    for mistake in _applied(mistakes, case):
        lstm = mistake.apply(lstm)
    return lstm  # type: ignore[no-any-return]


def _as_asked(mistakes: Mistakes, truth: Truth, probe: Probe) -> Lstm:
    """Return the wrong LSTM as far as the backend shows it."""
    return make_lacking(bend(mistakes, truth, probe.case), probe.lacks)


class Predictions:
    """What an LSTM with some mistakes answers, and how far rounding moves that. Computed once.

    `declared` is what the backend says of its arithmetic.
    """

    def __init__(self, declared: Mapping[str, float] | None = None) -> None:
        self._declared = declared or {}
        self._found: dict[tuple[Mistakes, Asked], Found] = {}
        self._overflowed: dict[tuple[Mistakes, Asked], Found] = {}
        self._budgets: dict[tuple[Mistakes, Asked], Budget] = {}
        self._agreed: dict[Compared, bool] = {}

    def explains(self, mistakes: Mistakes, probe: Probe) -> bool:
        """Within the budget, that of the wrong LSTM where it isn't that of the right one.

        Of shifts too, where nothing is put in: what a shift looks like depends on the LSTM.
        """
        predicted = self._predict(mistakes, probe)
        if isinstance(probe.found, str) or isinstance(predicted, str):
            return probe.found == predicted
        if _shapes(probe.found) != _shapes(predicted) or _is_far(probe.found, predicted):
            return False
        if mistakes and self.distance(mistakes, probe) <= ALLOWED:
            return True  # within the budget of the right LSTM, which is at hand
        budget = self._budget(mistakes, probe)
        if _is_within(probe.found, Expected(predicted, budget)):
            return True
        # A mistake that rounds coarsely may do it to the other side at the probe's own precision.
        narrow = _as_found(_run_narrow(mistakes, probe), probe) if mistakes else ""
        if isinstance(narrow, str) or _shapes(probe.found) != _shapes(narrow):
            return False
        return _is_within(probe.found, Expected(narrow, budget.scaled(2**0.5)))

    def usual_distance(self, mistakes: Mistakes, probe: Probe) -> float:
        """The root of the mean squared error, in standard deviations of the right LSTM."""
        return self._measure(mistakes, probe, _root_mean_square)

    def distance(self, mistakes: Mistakes, probe: Probe) -> float:
        """The largest error, in standard deviations of the right LSTM."""
        return self._measure(mistakes, probe, np.max)

    def log_likelihood(self, mistakes: Mistakes, probe: Probe) -> float:
        """Of what was found, so that a mistake with a wide budget doesn't explain everything."""
        predicted = self._predict(mistakes, probe)
        if isinstance(predicted, str) or isinstance(probe.found, str):
            return 0.0
        sigmas = self._budget(mistakes, probe).sigmas
        return sum(_log_normal(probe.found[n], predicted[n], sigmas[n]) for n in predicted)

    def agree(self, a: Mistakes, b: Mistakes, probe: Probe) -> bool:
        """Whether a probe can't tell two explanations apart."""
        key = a, b, probe.asked, probe.outputs_alone
        if key not in self._agreed:
            self._agreed[key] = self._compare(a, b, probe)
        return self._agreed[key]

    def _compare(self, a: Mistakes, b: Mistakes, probe: Probe) -> bool:
        one, other = self._predict(a, probe), self._predict(b, probe)
        if isinstance(one, str) or isinstance(other, str):
            return one == other
        return _shapes(one) == _shapes(other) and all(
            np.allclose(one[n], other[n], rtol=1e-9, atol=1e-12, equal_nan=True) for n in one
        )

    def _measure(self, mistakes: Mistakes, probe: Probe, measure: Callable[[Array], Any]) -> float:
        predicted = self._predict(mistakes, probe)
        if isinstance(predicted, str) or isinstance(probe.found, str):
            return 0.0 if predicted == probe.found else np.inf
        if _shapes(predicted) != _shapes(probe.found):
            return np.inf
        sigmas = self._budget((), probe).sigmas
        errors = [_in_sigmas(probe.found[n], predicted[n], sigmas[n]) for n in predicted]
        return max((float(measure(error)) for error in errors if error.size), default=0.0)

    def _predict(self, mistakes: Mistakes, probe: Probe) -> Found:
        return _as_found(self._answer(mistakes, probe), probe)

    def _answer(self, mistakes: Mistakes, probe: Probe) -> Found:
        """One precision up."""
        key = _applied(mistakes, probe.case), probe.asked
        if key not in self._found:
            lstm = _as_asked(mistakes, Truth(), probe)
            self._found[key] = run_probe(lstm, probe.check, probe.case)
        if _is_finite(probe.found):
            return self._found[key]
        if key not in self._overflowed:
            self._overflowed[key] = _overflow(self._found[key], mistakes, probe)
        return self._overflowed[key]

    def _budget(self, mistakes: Mistakes, probe: Probe) -> Budget:
        key = _applied(mistakes, probe.case), probe.asked
        if key not in self._budgets:
            dtype = probe.case.config.dtype
            arithmetic = make_arithmetic(dtype, self._declared)
            with np.errstate(all="ignore"):
                budget = make_budget(
                    probe.check,
                    probe.case,
                    arithmetic,
                    bend=lambda truth: _as_asked(mistakes, truth, probe),
                )
            self._budgets[key] = budget.scaled(unit_roundoff(dtype) / arithmetic.unit)
        return self._budgets[key]


def _is_finite(found: Found) -> bool:
    return isinstance(found, str) or all(np.isfinite(array).all() for array in found.values())


def _overflow(wide: Found, mistakes: Mistakes, probe: Probe) -> Found:
    """What overflows at the probe's own precision, and one up doesn't."""
    if isinstance(wide, str):
        return wide
    narrow = _run_narrow(mistakes, probe)
    if isinstance(narrow, str):
        return wide
    return {n: np.where(np.isfinite(narrow[n]), a, narrow[n]) for n, a in wide.items()}


def _run_narrow(mistakes: Mistakes, probe: Probe) -> Found:
    """At the probe's own precision."""
    own = Truth(dtype=probe.case.config.dtype)
    return run_probe(_as_asked(mistakes, own, probe), probe.check, probe.case)


def _as_found(predicted: Found, probe: Probe) -> Found:
    """Without gradients where the backend found none."""
    if isinstance(predicted, str) or isinstance(probe.found, str):
        return predicted
    return comparable(predicted, probe.found)[0]


def _is_within(found: Results, expected: Expected) -> bool:
    try:
        judge(found, expected)
    except Mismatch:
        return False
    return True


def _applied(mistakes: Mistakes, case: Case) -> Mistakes:
    return tuple(m for m in mistakes if case.config.dtype in m.dtypes)


def _shapes(results: Results) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, array.shape) for name, array in results.items()]


def _is_far(found: Results, predicted: Results) -> bool:
    """Whether a glance is enough."""
    return any(
        not np.abs(difference(array, predicted[name])).max(initial=0)
        <= _FAR * np.abs(predicted[name][np.isfinite(predicted[name])]).max(initial=0)
        for name, array in found.items()
    )


def _in_sigmas(found: Array, predicted: Array, sigmas: Array) -> Array:
    least = np.finfo(found.dtype).tiny
    return in_sigmas(difference(found, predicted), np.maximum(sigmas, least))


def _root_mean_square(errors: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.square(errors).mean()))


def _log_normal(found: Array, predicted: Array, sigmas: Array) -> float:
    """Up to a constant. Where rounding can't reach there is only equality, without a density."""
    live = sigmas > 0
    ratios = in_sigmas(difference(found, predicted), sigmas)[live]
    return float(-(np.square(ratios) / 2 + np.log(sigmas[live])).sum())
