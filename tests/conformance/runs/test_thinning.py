"""What slow frameworks leave out of a whole array, and which budgets nobody needs then."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.problems.case import number_problem
from gateparity.conformance.problems.space import choose_problems
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import named_plan, problems_plan
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.thinning import EVERY, SHORT, choose_thinning

ARRAY = [Task(CHECKS["forward"], problem.build()) for problem in choose_problems((), 0)]
NAMED = named_plan(["unit", "sequence"], ["forward"], 0)
NUMBERS = set(range(1, len(ARRAY) + 1))
THINNING = choose_thinning(0)
KEPT = NUMBERS - THINNING.left_out


def numbers(plan):
    return {task.case.problem for task in plan}


def absent(name, **options):
    """Return a backend that no interpreter runs: what it doesn't leave out is an error at once."""
    return Backend(name, "layer", "gone:Gone", None, missing="it isn't there", **options)


def left_out(backend):
    return {task.case.problem for task in [*NAMED, *ARRAY] if THINNING.leaves_out(backend, task)}


@pytest.mark.parametrize("name", ["jax", "tensorflow", "mxnet", "tensorflow@/opt/tf"])
def test_a_slow_framework_leaves_out_most_problems_and_no_named_case(name):
    assert left_out(absent(name)) == NUMBERS - KEPT


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_other_frameworks_leave_nothing_out(name):
    assert left_out(absent(name)) == set()


@pytest.mark.parametrize(
    ("name", "repeated"), [("jax", {"uneven"}), ("torch", {"zero_states", "uneven", "square"})]
)
def test_a_slow_framework_repeats_calls_on_few_named_cases(name, repeated):
    plan = [
        *named_plan([], ["calls"], 0),
        *problems_plan(sorted(KEPT), ["calls"], 0),
    ]
    ran = [task.case for task in THINNING.thin(plan, [absent(name)])]
    assert {case.name for case in ran if not case.problem} == repeated
    assert bool([case for case in ran if case.problem]) == (name == "torch")


def test_a_slow_framework_guards_the_calls_of_few_cases_alone():
    plan = THINNING.thin(named_plan([], ["purity"], 0), [absent("jax")])
    assert {task.key for task in plan} == {
        ("purity", "sequence", "float32"),
        ("purity", "ragged", "float32"),
        ("purity", "expanded", "float32"),
    }


@pytest.mark.parametrize("name", ["mine", "jax"])
def test_an_adapter_that_is_not_shipped_leaves_nothing_out_whatever_its_name(name):
    assert left_out(absent(name, shipped=False)) == set()


def test_a_plan_keeps_what_at_least_one_backend_runs():
    slow, slow_too, fast = absent("jax"), absent("tensorflow"), absent("numpy")
    assert numbers(THINNING.thin(ARRAY, [slow, slow_too])) == KEPT
    assert THINNING.thin(ARRAY, iter([slow, fast])) == ARRAY
    assert THINNING.thin(NAMED, [slow]) == NAMED


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_short_problems_of_each_dtype_is_kept(seed):
    short = [p for p in choose_problems((), seed) if p.cell_steps <= SHORT]
    dtypes = Counter(problem.choice["dtype"] for problem in short)
    left_out = choose_thinning(seed).left_out
    kept = Counter(p.choice["dtype"] for p in short if p.number not in left_out)
    assert all(abs(kept[dtype] - count / EVERY) < 1 for dtype, count in dtypes.items())
    assert kept.total() == len(choose_problems((), seed)) - len(left_out)


def skipped(run, name):
    """Return the numbers of the problems that a backend skipped, and why it did."""
    skips = [r for r in run.results if r.backend.name == name and r.status == "skip"]
    return {number_problem(skip.case) for skip in skips}, {skip.reason for skip in skips}


@pytest.fixture
def judged(monkeypatch):
    """Record what the main thread judges ahead, and return a wait for the last kept problem.

    The numbers are of no interest here, so none is computed.
    """
    asked, last = [], threading.Event()

    class Recorded:
        def __init__(self, store):
            assert store is None

        def of(self, _check, case, declared):
            asked.append((case.problem, dict(declared)))
            if case.problem == max(KEPT):  # that a slow framework runs
                last.set()

    monkeypatch.setattr("gateparity.conformance.runs.run.Truths", Recorded)
    return asked, lambda _result: last.wait(60)


@pytest.mark.usefixtures("judged")
def test_a_run_skips_what_is_left_out_and_says_why():
    found = run_checks(
        [absent("jax"), absent("torch")], [*NAMED, *ARRAY], seed=0, all_problems=False
    )
    left, (reason,) = skipped(found, "jax")
    assert left == NUMBERS - KEPT
    assert reason == (
        "JAX takes long for many small calls, so one short problem in 10 runs, and few checks that "
        "repeat calls; --all-problems runs the others too"
    )
    assert skipped(found, "torch") == (set(), set())


@pytest.mark.usefixtures("judged")
def test_a_run_of_chosen_problems_or_of_all_skips_nothing():
    chosen = problems_plan([1, 2, 3, 5], ["forward"], 0)
    for plan in (chosen, ARRAY):
        assert skipped(run_checks([absent("jax")], plan, seed=0), "jax") == (set(), set())


def test_nothing_is_judged_ahead_that_every_backend_leaves_out(judged):
    asked, wait = judged
    run_checks([absent("jax")], ARRAY, seed=0, all_problems=False, progress=wait)
    assert [number for number, _ in asked] == sorted(KEPT)
    assert all(declared == {"bias": 2.0} for _, declared in asked)
