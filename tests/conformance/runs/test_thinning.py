"""Which problems of the array a slow framework leaves out, and that it runs them on request."""

from __future__ import annotations

import dataclasses

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs import thinning
from gateparity.conformance.runs.plan import named_plan, problems_plan, suite_plan
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.thinning import has_whole_array, is_left_out, thin, why

PLAN = [Task(CHECKS["layout"], problem.build()) for problem in draw_problems(0)]
NUMBERS = {task.case.problem for task in PLAN}
NUMPY = parse_backends(["numpy"])
JAX = dataclasses.replace(NUMPY[0], name="jax")


def left_out(backend):
    return {task.case.problem for task in PLAN if is_left_out(backend, task.case)}


def test_slow_frameworks_run_every_fourth_problem():
    slow = {name for name, framework in FRAMEWORKS.items() if framework.slow}
    assert slow == {"jax", "tensorflow"}
    for name in FRAMEWORKS:
        found = left_out(dataclasses.replace(NUMPY[0], name=name))
        assert found == ({n for n in NUMBERS if n % 4} if name in slow else set())


def test_named_cases_are_never_left_out():
    assert not any(is_left_out(JAX, task.case) for task in named_plan((), (), 0))


def test_your_own_adapter_runs_all_problems_whatever_computes_it():
    own = dataclasses.replace(JAX, target="mine:Layer", shipped=False)
    assert left_out(own) == set()


def test_a_plan_has_a_whole_array_unless_problems_are_chosen():
    assert has_whole_array(suite_plan((), (), 0))
    assert not has_whole_array(problems_plan([4, 5, 6], (), 0))
    assert not has_whole_array(named_plan((), (), 0))


def test_a_thin_plan_has_what_at_least_one_backend_runs():
    assert thin(PLAN, [JAX]) == [task for task in PLAN if task.case.problem % 4 == 0]
    assert thin(PLAN, [JAX, NUMPY[0]]) == PLAN


@pytest.fixture
def slow(monkeypatch):
    """NumPy as if it were slow, and arrays that are whole with eight problems."""
    monkeypatch.setitem(FRAMEWORKS, "numpy", dataclasses.replace(FRAMEWORKS["numpy"], slow=True))
    monkeypatch.setattr(thinning, "LEAST", 8)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("all_problems", [False, True])
def test_a_run_skips_them_with_the_reason_unless_all_are_asked_for(all_problems):
    plan = PLAN[:8]
    run = run_checks(NUMPY, plan, seed=0, all_problems=all_problems)
    ran = {task.case.name for task in plan if all_problems or task.case.problem % 4 == 0}
    assert {r.case for r in run.results if r.status == "pass"} == ran
    skipped = {r.case: r.reason for r in run.results if r.status == "skip"}
    assert skipped == {t.case.name: why(NUMPY[0]) for t in plan if t.case.name not in ran}
    assert "--all-problems" in why(NUMPY[0])


@pytest.mark.usefixtures("slow")
def test_a_problem_chosen_by_its_number_runs_in_a_slow_framework():
    chosen = next(t for t in PLAN if t.case.problem % 4 and t.case.config.dtype == "float32")
    plan = problems_plan([chosen.case.problem], ["layout"], 0)
    assert [r.status for r in run_checks(NUMPY, plan, seed=0).results] == ["pass"]
