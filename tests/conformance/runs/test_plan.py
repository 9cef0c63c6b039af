"""What runs: checks by cases by dtypes, chosen by names, by a checkpoint or by a text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.problems.text import Text
from gateparity.conformance.requirements.checks import CHECKS, choose_checks
from gateparity.conformance.runs.plan import (
    named_plan,
    problems_plan,
    suite_plan,
    text_plan,
    weights_plan,
)
from gateparity.errors import InputError
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters


def keys(plan):
    return [task.key for task in plan]


def test_all_checks_on_all_their_cases_at_both_dtypes():
    expected = [
        (check.name, case, dtype)
        for dtype in ("float32", "float64", "float16")
        for check in CHECKS.values()
        if dtype in check.dtypes
        for case in check.cases
    ]
    assert keys(named_plan((), (), 0)) == expected
    assert len(set(expected)) == len(expected)


def test_every_case_is_run():
    assert {case for _, case, _ in keys(named_plan((), (), 0))} == set(RECIPES)


def test_names_choose():
    assert keys(named_plan(["unit", "deep"], ["gates", "forward"], 0)) == [
        (*key, dtype)
        for dtype in ("float32", "float64")
        for key in (("forward", "unit"), ("gates", "deep"))
    ]


def test_the_seed_reaches_every_case():
    one, other = named_plan((), (), 0), named_plan((), (), 1)
    for (_, a), (_, b) in zip(one, other, strict=True):
        again = RECIPES[a.name].build(a.config.dtype, 0)
        assert not np.array_equal(a.params[0].w_ih, b.params[0].w_ih, equal_nan=True)
        assert np.array_equal(a.params[0].w_ih, again.params[0].w_ih, equal_nan=True)


def test_checks_come_in_the_suites_order():
    assert [check.name for check in choose_checks(["layers", "forward"])] == ["forward", "layers"]
    assert [check.name for check in choose_checks([])] == list(CHECKS)


@pytest.mark.parametrize(
    ("cases", "checks", "message"),
    [
        (["sequenc"], [], r"^unknown case 'sequenc' \(did you mean sequence\?\): expected one of "),
        (["???"], [], r"^unknown case '\?\?\?': expected one of sequence, unit"),
        (
            [],
            ["forwards"],
            r"^unknown check 'forwards' \(did you mean forward\?\): expected one of",
        ),
        (
            ["unit"],
            ["gates"],
            "^checks gates have none of the cases unit: without --case they have all of theirs$",
        ),
    ],
)
def test_bad_names_are_refused(cases, checks, message):
    with pytest.raises(InputError, match=message):
        named_plan(cases, checks, 0)


IN_TURN = {name for name, check in CHECKS.items() if check.turns}


def names_by_problem(plan):
    """Return the names of the checks of each problem of the array, in the plan's order."""
    found = {}
    for check, case in plan:
        found.setdefault(case.problem, []).append(check.name)
    return found


def applicable(problem):
    case = problem.build()
    return [name for name, check in CHECKS.items() if check.applies_to(case)]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_problem_has_one_of_the_checks_that_take_turns_and_all_others(seed):
    found = names_by_problem(problems_plan((), (), seed))
    turns = Counter()
    for problem in draw_problems(seed):
        every = applicable(problem)
        ran = IN_TURN.intersection(found[problem.number])
        none = problem.choice["dtype"] == "float16" or problem.infinite  # where none of them runs
        assert len(ran) == (not none)
        assert found[problem.number] == [n for n in every if n in ran or n not in IN_TURN]
        turns.update(ran)
    assert set(turns) == IN_TURN
    assert max(turns.values()) - min(turns.values()) <= 2


def test_nothing_takes_turns_where_problems_or_checks_are_named():
    first, second, *_ = problems = draw_problems(0)
    assert names_by_problem(problems_plan([1, 2], (), 0)) == {
        1: applicable(first),
        2: applicable(second),
    }
    assert names_by_problem(problems_plan((), list(CHECKS), 0)) == {
        problem.number: applicable(problem) for problem in problems
    }


def test_the_suite_has_the_array_behind_the_named_cases_unless_either_is_chosen():
    named, array = named_plan((), (), 0), problems_plan((), (), 0)
    assert keys(suite_plan((), (), 0)) == keys([*named, *array])
    assert keys(suite_plan(["unit"], (), 0)) == keys(named_plan(["unit"], (), 0))
    assert keys(suite_plan((), (), 0, [3])) == keys(problems_plan([3], (), 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_checkpoints_weights_are_run_at_both_dtypes(dtype):
    config = Config(3, 2, layers=2, directions=2, dtype=dtype)
    generator = np.random.default_rng(0)
    params = build_parameters(config, lambda _, s: generator.uniform(-1, 1, s).astype(dtype))
    plan = weights_plan(config, params, (), 0)
    assert keys(plan) == [
        (check, "weights", at)
        for at in ("float32", "float64")
        for check in ("forward", "gates", "gradients")
    ]
    for _, case in plan:
        assert case.params[3].w_hh.dtype == case.config.dtype
        np.testing.assert_allclose(case.params[3].w_hh, params[3].w_hh, rtol=1e-7)
        assert (case.config.layers, case.config.directions) == (2, 2)
        assert case.batch.x.shape == (16, 4, 3)
        assert case.batch.states is not None
    assert keys(weights_plan(config, params, ["layers"], 0)) == [
        ("layers", "weights", "float32"),
        ("layers", "weights", "float64"),
    ]


def test_a_text_is_run_as_one_hot_windows():
    text = Text(("<unk>", "a", "b"), np.arange(60) % 2 + 1)
    plan = text_plan(text, (), 0)
    assert keys(plan) == [
        (check, "text", dtype)
        for dtype in ("float32", "float64")
        for check in ("forward", "gradients")
    ]
    for _, case in plan:
        assert case.batch.x.shape == (32, 28, 3)
        assert (case.batch.x.sum(-1) == 1).all()
        assert case.config.hidden_size == 32


def test_a_text_and_a_checkpoint_refuse_unknown_checks():
    text = Text(("<unk>", "a"), np.ones(60, int))
    with pytest.raises(InputError, match="unknown check 'gate'"):
        text_plan(text, ["gate"], 0)
