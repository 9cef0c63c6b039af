"""Results of one check on one case: the verdict, and whether a known deviation explains it.

No worker and no framework is needed, so recorded results are judged like new ones.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.conformance.judgement.verdict import Expected, Mismatch, Score, judge
from gateparity.conformance.runs.result import Result

if TYPE_CHECKING:
    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.judgement.deviations import Deviation
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.result import Status


def make_result(backend: Backend, task: Task, status: Status, **found: Any) -> Result:
    """Return the result of one check on one case in a backend."""
    return Result(backend, *task.key, status, needs=task.needs, **found)


def judge_answer(backend: Backend, task: Task, found: Results, expected: Expected) -> Result:
    """Judge an answer by the reference, and return the result: "pass", "undecided" or "fail"."""
    try:
        score = judge(found, expected)
    except Mismatch as mismatch:
        known = _scores(mismatch.score) | {
            "arrays": found,
            "begins": mismatch.begins,
            "ratios": mismatch.ratios,
        }
        return make_result(backend, task, "fail", reason=str(mismatch), **known)
    status: Status = "undecided" if score.undecided else "pass"
    known = {"arrays": found, "reason": score.undecided}
    return make_result(backend, task, status, **known, **_scores(score))


def judge_against(
    backend: Backend, task: Task, found: Results, against: Results, budget: Budget
) -> Result:
    """Judge an answer by another answer of the same framework: each may err."""
    expected = Expected(against, budget.scaled(2**0.5))
    result = judge_answer(backend, task, found, expected)
    return dataclasses.replace(result, against=against)


def weigh_deviation(result: Result, known: Deviation | None) -> Result:
    """Apply a known deviation: a failure becomes "known", and a pass becomes "fail"."""
    if known is None or result.status not in ("pass", "fail"):
        return result
    if result.status == "fail":
        return dataclasses.replace(result, status="known", reason=f"{known.reason}: {known.link}")
    reason = f"it no longer deviates ({known.reason}): remove its entry among the known deviations"
    return dataclasses.replace(result, status="fail", reason=reason)


def _scores(score: Score) -> dict[str, Any]:
    errors = {"max_error": score.relative, "max_absolute": score.absolute}
    return errors | {"sigmas": score.sigmas, "shift": score.shift, "shifts": score.shifts}
