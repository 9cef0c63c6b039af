"""Results of one check on one case: the verdict, and whether a known deviation explains it.

No worker and no framework is needed, so recorded results are judged like new ones.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.conformance.judgement.verdict import Expected, Mismatch, Score, judge
from gateparity.conformance.runs.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.judgement.deviations import Deviation
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.result import Status
    from gateparity.conformance.runs.truths import Truths


def make_result(backend: Backend, task: Task, status: Status, **found: Any) -> Result:
    """Return the result of one check on one case in a backend."""
    about = task.case.description
    return Result(backend, *task.key, status, needs=task.needs, description=about, **found)


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


def weigh_deviations(
    result: Result,
    task: Task,
    known: Sequence[Deviation],
    truths: Truths,
    rounding_model: Mapping[str, float],
) -> Result:
    """Apply known deviations: judge an answer also by what the framework computes instead.

    A failure that equals this becomes "known". Any other failure stays one, and says what differs
    beside the deviation. A pass fails where the deviation must show and doesn't. An answer within
    the rounding of both passes, because the deviation changes nothing there.
    """
    if not known or result.arrays is None or result.status not in ("pass", "fail"):
        return result
    expected = expect_deviating(task, known, truths, rounding_model, result.lacks)
    beside = judge_answer(result.backend, task, result.arrays, expected)
    must = [one for one in known if one.must.holds(task.case)]
    if result.status == "pass":
        return result if beside.status == "pass" or not must else _report_gone(result, must)
    words = "; ".join(f"{one.reason}: {one.link}" for one in must or known)
    if beside.status == "pass":
        return dataclasses.replace(result, status="known", reason=words)
    reason = f"{beside.reason}; this is beside a known deviation, {words}"
    return dataclasses.replace(beside, reason=reason, lacks=result.lacks, against=result.against)


def expect_deviating(
    task: Task,
    known: Sequence[Deviation],
    truths: Truths,
    rounding_model: Mapping[str, float],
    lacks: frozenset[str] = frozenset(),
) -> Expected:
    """Return what a framework with these deviations computes, and how far rounding may move it."""
    case = task.case
    for one in known:
        if one.engine:
            case = one.engine(case)
            case = dataclasses.replace(case, name=f"{case.name}, as {one.framework} takes it")
    equations = next((one.equations for one in known if one.equations), None)
    return truths.of(task.check, case, rounding_model, lacks, equations)


def _report_gone(result: Result, known: Sequence[Deviation]) -> Result:
    reasons = "; ".join(one.reason for one in known)
    reason = f"it no longer deviates ({reasons}): remove its entry among the known deviations"
    return dataclasses.replace(result, status="fail", reason=reason)


def _scores(score: Score) -> dict[str, Any]:
    errors = {"max_error": score.relative, "max_absolute": score.absolute}
    return errors | {"sigmas": score.sigmas, "shift": score.shift, "shifts": score.shifts}
