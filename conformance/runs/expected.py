"""Expected values that a user gives: judged like a backend, and the sentence that follows.

They get the truth's verdict, and are compared with every backend. The sentence says whether
rounding explains all differences. It says "undecidable" where rounding alone moves a result by as
much as the result is large, since no difference then means anything.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.verdict import Expected, Mismatch, judge_pair
from gateparity.conformance.runs.judging import judge_answer
from gateparity.conformance.runs.result import EXPECTED, Pair
from gateparity.conformance.runs.truths import Truths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result, Run, Status
    from gateparity.network.parameters import Array


def with_expected(run: Run, plan: Plan, expected: Mapping[str, Array]) -> Run:
    """Return the run with the expected values, if there are any, as one more backend."""
    if not expected:
        return run
    truths = Truths()
    results, pairs = [], []
    for task in plan:
        if due := _parts(task, truths, expected):
            result = judge_answer(EXPECTED, task, *due)
            results.append(result)
            pairs += [
                _pair(result, other, due[1]) for other in run.results if _shares(result, other)
            ]
    if not results:
        return run
    joined = _worst({p.b: [q for q in pairs if q.b == p.b] for p in pairs})
    return dataclasses.replace(
        run,
        backends=(*run.backends, EXPECTED),
        results=(*run.results, *results),
        pairs=(*run.pairs, *joined),
    )


def conclude(run: Run, plan: Plan) -> str:
    """Return the sentence for a bug report: explained by rounding or not, or undecidable."""
    truths = Truths()
    for task in plan:
        if words := _undecidable(task, truths):
            return words
    wrong = [r for r in run.results if r.status in ("fail", "error")]
    if wrong:
        worst = wrong[0]
        what = "expected values" if worst.backend is EXPECTED else worst.backend.label
        return f"Not explained by rounding: {what}, {worst.check}: {worst.reason}."
    apart = [pair for pair in run.pairs if pair.status == "fail"]
    if apart:
        return f"Not explained by rounding: {apart[0].a} and {apart[0].b}, {apart[0].reason}."
    found = [r.largest for r in run.results if r.largest is not None]
    labels = ", ".join(dict.fromkeys(r.backend.label for r in run.results if r.status == "pass"))
    return (
        f"Explained by rounding: {labels} differ from the truth by at most {max(found):.2g} "
        f"standard deviations of rounding, {ALLOWED:g} allowed."
        if found
        else "Nothing was computed."
    )


def _undecidable(task: Task, truths: Truths) -> str:
    """Return the sentence that says how far rounding moves a result, if it is too far."""
    expected = truths.of(*task)
    for name, truth in expected.truth.items():
        scale = float(np.abs(truth).max(initial=0))
        moved = float(expected.budget.sigmas[name].max(initial=0))
        if scale and ALLOWED * moved >= scale:
            return (
                f"Undecidable: rounding in {task.case.config.dtype} alone moves {name} by "
                f"{moved:.2g} (a standard deviation; the largest value of {name} is {scale:.2g}), "
                "so a difference of that size says nothing about either side."
            )
    return ""


def _parts(
    task: Task, truths: Truths, given: Mapping[str, Array]
) -> tuple[dict[str, Array], Expected] | None:
    """Return the arrays that a check has and a user expects, and what is right."""
    whole = truths.of(*task)
    names = [name for name in whole.truth if name in given]
    if not names:
        return None
    sigmas = {name: whole.budget.sigmas[name] for name in names}
    budget = dataclasses.replace(whole.budget, sigmas=sigmas, weights={}, scores=None)
    return {name: given[name] for name in names}, Expected(
        {n: whole.truth[n] for n in names}, budget
    )


def _shares(one: Result, other: Result) -> bool:
    return one.key == other.key and other.arrays is not None


def _pair(one: Result, other: Result, expected: Expected) -> Pair:
    arrays = one.arrays or {}
    names = [name for name in arrays if name in (other.arrays or {})]
    a, b = ({name: r[name] for name in names} for r in (arrays, other.arrays or {}))
    try:
        score = judge_pair(a, b, None, expected)
    except Mismatch as mismatch:
        score, reason = mismatch.score, f"{one.check}, {one.case}: {mismatch}"
    else:
        reason = ""
    labels = EXPECTED.label, other.backend.label, one.dtype
    status: Status = "fail" if reason else "pass"
    return Pair(*labels, status, score.relative, reason, score.sigmas)


def _worst(pairs: Mapping[str, Sequence[Pair]]) -> list[Pair]:
    """Return one pair for each backend: the one that differs most."""
    return [
        max(found, key=lambda p: (p.status == "fail", p.sigmas or 0)) for found in pairs.values()
    ]
