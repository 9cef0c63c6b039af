"""Results of the array as one: the worst problem speaks for all."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.problems.case import name_problem
from gateparity.conformance.runs.groups import (
    count_results,
    find_worst,
    group_results,
    group_tasks,
    join_results,
)
from gateparity.conformance.runs.plan import named_plan, problems_plan, suite_plan
from gateparity.conformance.runs.result import Result, repeat_command
from gateparity.errors import InputError

ROW = Backend("mine", "layer", "mine:layer", None)


def result(number, status="pass", sigmas=1.0, **found):
    return Result(ROW, "forward", name_problem(number), "float32", status, sigmas=sigmas, **found)


def test_a_failure_speaks_before_a_larger_number_that_is_known():
    results = [result(1, "known", 99.0), result(2, "fail", 9.0), result(3, "fail", np.inf)]
    assert find_worst(results) is results[2]
    assert find_worst(results[:2]) is results[1]
    assert find_worst([result(4, "skip", None), result(5)]).case == "problem 5"


def test_the_reason_counts_the_problems_and_describes_the_worst():
    worst = result(17, "fail", 12.0, reason="y differs", description="T 9, B 4", seconds=1.0)
    joined = join_results([result(1, seconds=0.5), worst, result(2, "skip", None)])
    assert joined.reason == (
        "3 problems: 1 pass, 1 fail, 1 skip; the worst: problem 17 (T 9, B 4): y differs"
    )
    assert joined.seconds == 1.5
    assert repeat_command(joined, 3).endswith("--check forward --problem 17 --seed 3")


def test_a_named_case_stays_as_it_is():
    named = Result(ROW, "forward", "unit", "float32", "fail", reason="y differs")
    assert join_results([named]) is named


def test_results_of_an_array_are_grouped_by_check_and_dtype():
    named = Result(ROW, "forward", "unit", "float32", "pass")
    groups = group_results([named, result(1), result(2)])
    assert [len(group) for group in groups] == [1, 2]
    assert count_results(groups[1]) == "2 problems: 2 pass"


def test_a_plan_has_the_named_cases_and_then_the_array():
    named, problems = named_plan((), (), 0), problems_plan((), (), 0)
    assert [task.key for task in suite_plan((), (), 0)] == [t.key for t in [*named, *problems]]
    assert len(group_tasks(named)) == len(named)
    kinds = {(task.check.name, task.case.config.dtype) for task in problems}
    assert len(group_tasks(problems)) == len(kinds)


def test_each_check_runs_where_it_applies():
    for task in problems_plan((), (), 0):
        config, batch = task.case.config, task.case.batch
        match task.check.name:
            case "carry":
                assert config.directions == 1
                assert batch.lengths is None or min(batch.lengths) > 1
            case "lengths":
                assert batch.lengths is not None
            case "directions":
                assert config.directions == 2
            case "layers":
                assert config.layers > 1
            case "batch":
                assert batch.x.shape[1] > 1
            case "dtypes":
                assert config.dtype == "float16"
    checks = {task.check.name for task in problems_plan((), (), 0)}
    assert len(checks) == 15
    assert checks.isdisjoint({"sizes", "refusal"})


def test_a_problem_alone_and_one_to_which_no_check_applies():
    assert {task.case.name for task in problems_plan([3], (), 0)} == {"problem 3"}
    with pytest.raises(InputError, match=r"checks refusal don't apply to --problem 3"):
        problems_plan([3], ["refusal"], 0)
