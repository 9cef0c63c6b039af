"""The array's results as tables and tests show them: one for each check and dtype."""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import TYPE_CHECKING, Final, get_args

from gateparity.conformance.problems.case import number_problem
from gateparity.conformance.runs.result import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result

PROBLEMS: Final = "problems"  # stands for the names of their cases
# What several results show as one.
RANKS: Final = ("fail", "error", "undecided", "known", "pass", "skip")


def group_tasks(plan: Plan) -> list[list[Task]]:
    """Return the tasks in groups: a named case by itself, an array's by check and dtype."""
    groups: dict[tuple[str, ...], list[Task]] = {}
    for task in plan:
        groups.setdefault(_key(*task.key), []).append(task)
    return list(groups.values())


def task_id(tasks: Sequence[Task]) -> str:
    """Return the id of the test that runs these tasks: of a named case, or of the array."""
    check, case = tasks[0]
    name = f"{case.config.dtype}-{PROBLEMS}" if case.problem else case.id
    return f"{check.name}-{name}"


def group_results(results: Iterable[Result]) -> list[list[Result]]:
    """Return the results in groups: of a named case by itself, an array's by check and dtype."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault((result.backend.label, *_key(*result.key)), []).append(result)
    return list(groups.values())


def find_worst(results: Sequence[Result]) -> Result:
    """Return the result that speaks for a group: of the worst status the largest number."""
    return min(results, key=lambda r: (RANKS.index(r.status), -_largest(r)))


def join_results(results: Sequence[Result]) -> Result:
    """Return a group as one result: the worst, with its reason among all and the time of all."""
    worst = find_worst(results)
    if not number_problem(worst.case):
        return worst
    seconds = None if worst.seconds is None else sum(r.seconds or 0.0 for r in results)
    if worst.status not in ("fail", "error", "undecided"):
        return dataclasses.replace(worst, seconds=seconds)
    reason = f"{count_results(results)}; the worst: {describe_case(worst)}: {worst.reason}"
    return dataclasses.replace(worst, seconds=seconds, reason=reason)


def count_results(results: Sequence[Result]) -> str:
    """Return how the results of a group ended, such as `64 problems: 60 pass, 4 skip`."""
    counts = collections.Counter(result.status for result in results)
    found = [f"{counts[status]} {status}" for status in get_args(Status) if counts[status]]
    problems = PROBLEMS if len(results) > 1 else PROBLEMS.removesuffix("s")
    return f"{len(results)} {problems}: {', '.join(found)}"


def describe_case(result: Result) -> str:
    """Return the name of a result's case, and what a problem has."""
    words = f" ({result.description})" if result.description else ""
    return f"{result.case}{words}"


def group_name(case: str) -> str:
    """Return the name of a group with this case: the case itself, or that of all problems."""
    return PROBLEMS if number_problem(case) else case


def _key(check: str, case: str, dtype: str) -> tuple[str, ...]:
    return check, group_name(case), dtype


def _largest(result: Result) -> float:
    return -1.0 if result.largest is None else min(result.largest, math.inf)
