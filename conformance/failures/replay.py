"""A saved failure run again: what was found then, what is found now, and what is right."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas, other_bits
from gateparity.conformance.requirements.answers import comparable, find_lacks
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.failures.failure import Failure
    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.result import Result
    from gateparity.network.parameters import Array


@dataclasses.dataclass(frozen=True)
class WorstElement:
    """The worst element of an array: of the new result if it is beyond the limit, else of the old.

    A number is NaN where the array was not found.
    """

    array: str
    index: tuple[int, ...]
    expected: float
    then: float
    now: float
    sigmas_then: float
    sigmas_now: float

    @property
    def differs(self) -> bool:
        """Return whether the element is beyond the limit, then or now."""
        return any(sigmas > ALLOWED for sigmas in (self.sigmas_then, self.sigmas_now))


@dataclasses.dataclass(frozen=True)
class Replay:
    """The result of one backend on a saved failure.

    `other_bits` are the arrays that differ in a bit from the saved ones, or None if none was found;
    `same_truth` is whether the expected results are still the same.
    """

    result: Result
    version: str
    places: tuple[WorstElement, ...]
    other_bits: tuple[str, ...] | None
    same_truth: bool


def replay(failure: Failure, backend: Backend, time_limit: float) -> Replay:
    """Run the check on the case in a worker of the backend, whose errors are results.

    Raise `InputError` for a case that the check can't take, not even of the reference.
    """
    check, case, truths = CHECKS[failure.check], failure.case, Truths()
    try:
        truths.of(check, case)
    except Exception as error:
        words = printable(f"{type(error).__name__}: {error}")
        raise InputError(f"{check.name} is not for such a case, {case.sizes}: {words}") from error
    with Session(backend, truths, partial(open_worker, limit=time_limit)) as session:
        result = session.run(check, case)
        expected = truths.of(check, case, session.rounding_model, result.lacks)
        then = truths.of(check, case, session.rounding_model, find_lacks(failure.truth))
    _, asked = comparable(failure.found | (result.arrays or {}), expected.truth)
    names = [name for name, array in asked.items() if array.size]
    return Replay(
        result=result,
        version=session.version,
        places=tuple(_find_worst(name, failure, result, expected) for name in names),
        other_bits=_other_bits(failure.found, result.arrays),
        same_truth=_is_same_truth(failure, then),
    )


def exit_code(replays: Sequence[Replay]) -> int:
    """Return 1 if any backend still fails, else 2 if any gave no answer, else 0.

    A known deviation is an answer.
    """
    statuses = {one.result.status for one in replays}
    if "fail" in statuses:
        return 1
    return 0 if statuses and statuses <= {"pass", "known"} else 2


def _other_bits(then: Results, now: Results | None) -> tuple[str, ...] | None:
    return None if now is None else other_bits(*comparable(then, now))


def _find_worst(name: str, failure: Failure, result: Result, expected: Expected) -> WorstElement:
    truth, sigma = expected.truth[name], expected.budget.sigmas[name]
    sigma_then = failure.sigmas.get(name, sigma)
    then, ratios_then = _weigh(
        failure.found, name, truth, sigma_then if sigma_then.shape == sigma.shape else sigma
    )
    now, ratios_now = _weigh(result.arrays or {}, name, truth, sigma)
    ratios = ratios_now if (ratios_now > ALLOWED).any() else ratios_then
    at = np.unravel_index(int(np.nan_to_num(ratios, posinf=np.inf).argmax()), truth.shape)
    numbers = (float(array[at]) for array in (truth, then, now, ratios_then, ratios_now))
    return WorstElement(name, tuple(int(i) for i in at), *numbers)


def _weigh(found: Results, name: str, truth: Array, sigma: Array) -> tuple[Array, Array]:
    """Return an array and its errors in standard deviations; NaN for both if it is missing."""
    array = found.get(name)
    if array is None or array.shape != truth.shape:
        missing = np.full(truth.shape, np.nan)
        return missing, missing
    return array, in_sigmas(difference(array, truth), sigma)


def _is_same_truth(failure: Failure, expected: Expected) -> bool:
    """Return whether saved and new reference agree to within rounding.

    They may differ by that much, since math libraries differ between machines.
    """
    truth, sigmas = expected.truth, expected.budget.sigmas
    if {n: a.shape for n, a in failure.truth.items()} != {n: a.shape for n, a in truth.items()}:
        return False
    errors = {name: difference(failure.truth[name], truth[name]) for name in truth}
    ulps = {name: np.spacing(np.abs(failure.truth[name])) for name in truth}
    return all(
        bool((in_sigmas(errors[n], np.maximum(sigmas[n], ulps[n])) <= ALLOWED).all()) for n in truth
    )
