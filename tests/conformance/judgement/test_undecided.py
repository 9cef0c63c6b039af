"""Undecided elements: a chaotic LSTM is judged up to the step where rounding takes over."""

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.conformance.judgement.budget import Budget, make_rounding_model
from gateparity.conformance.judgement.shared import make_shared_budget, restate
from gateparity.conformance.judgement.undecided import SHARE, find_undecided, span_words
from gateparity.conformance.judgement.verdict import Expected, Mismatch, judge, judge_pair
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import judge_answer
from gateparity.conformance.runs.truths import Truths
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.protocol.canonical import Canonical


def chaotic_case(steps=50, dtype="float32"):
    """Weights from N(0, 3^2), and 50 hidden units."""
    generator = np.random.default_rng(0)
    config = Config(4, 50, dtype=dtype)
    params = build_parameters(
        config, lambda _, shape: (3 * generator.standard_normal(shape)).astype(dtype)
    )
    x = generator.standard_normal((steps, 2, 4)).astype(dtype)
    return build_case("chaotic", config, x, draw_for("chaotic", 0, dtype), params=params)


@pytest.fixture(scope="module")
def chaotic():
    case = chaotic_case()
    expected = Truths().of(CHECKS["forward"], case)
    return case, CHECKS["forward"].run(Canonical(Scratch()), case), expected


def first_undecided(expected):
    return int(expected.budget.undecided["y"].any(axis=(1, 2)).argmax())


def test_a_chaotic_lstm_is_undecided_from_a_step_on(chaotic):
    case, found, expected = chaotic
    start = first_undecided(expected)
    assert 5 < start < 30
    assert expected.budget.undecided["y"][start:].any(axis=(1, 2)).all()
    words = judge(found, expected).undecided
    assert f"from step {start} on ({50 - start} of 50 steps): undecided there" in words
    assert words.startswith("rounding alone moves y by ")
    assert words.endswith("the steps before agree; 3 of 3 arrays are undecided")
    result = judge_answer(load_local(Scratch())[0], Task(CHECKS["forward"], case), found, expected)
    assert (result.status, result.reason) == ("undecided", words)


def test_a_kept_budget_has_its_arrays_in_another_order_and_the_words_stay(chaotic):
    _, found, expected = chaotic
    masks = dict(reversed(expected.budget.undecided.items()))
    again = Expected(expected.truth, dataclasses.replace(expected.budget, undecided=masks))
    assert next(iter(masks)) != "y"
    assert judge(found, again).undecided == judge(found, expected).undecided


def test_a_difference_before_that_step_fails(chaotic):
    _, found, expected = chaotic
    wrong = {name: array.copy() for name, array in found.items()}
    wrong["y"][3, 1, 2] += 1e-3
    with pytest.raises(Mismatch, match=r"^y\[3, 1, 2\]"):
        judge(wrong, expected)


def test_what_is_not_finite_fails_even_where_the_rest_is_undecided(chaotic):
    _, found, expected = chaotic
    wrong = {name: array.copy() for name, array in found.items()}
    wrong["y"][45, 1, 2] = np.nan
    with pytest.raises(Mismatch, match=r"^y\[45, 1, 2\].*rounding can't explain it"):
        judge(wrong, expected)


def test_any_finite_answer_there_is_undecided_and_no_pass(chaotic):
    _, found, expected = chaotic
    wrong = {name: array.copy() for name, array in found.items()}
    wrong["y"][expected.budget.undecided["y"]] *= -1
    assert judge(wrong, expected).undecided


def test_a_pair_is_undecided_too(chaotic):
    _, found, expected = chaotic
    score = judge_pair(found, found, None, expected)
    assert "undecided there; the steps before agree" in score.undecided


def test_float64_is_undecided_where_its_own_errors_are_wild():
    """Its budget is scaled from coarser draws, which holds only while errors are linear."""
    case = chaotic_case(dtype="float64")
    expected = Truths().of(CHECKS["forward"], case)
    score = judge(CHECKS["forward"].run(Canonical(Scratch()), case), expected)
    assert score.undecided.startswith(
        "rounding to 9e-13 of a number, from which this budget is scaled, moves"
    )


def test_float64_is_decided_where_only_float32_has_too_few_digits():
    task = Task(CHECKS["gradients"], RECIPES["overflowing"].build("float64", 0))
    assert not Truths().of(*task).budget.undecided


@pytest.mark.parametrize("check", ["forward", "gradients"])
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("sequence", "float16"),
        ("sequence", "float32"),
        ("saturated", "float32"),
        ("overflowing", "float32"),
        ("subnormal", "float32"),
    ],
)
def test_ordinary_and_extreme_cases_are_decided(name, check, dtype):
    assert not Truths().of(CHECKS[check], RECIPES[name].build(dtype, 0)).budget.undecided


def test_an_element_is_undecided_above_a_share_of_the_largest_and_takes_its_step_along():
    truth = {"y": np.full((4, 2, 3), 0.5)}
    truth["y"][0, 0, 0] = 1.0
    sigma = np.full((4, 2, 3), SHARE / 8 / 2)
    sigma[2, 1, 0] = SHARE / 8
    assert not find_undecided(truth, {"y": sigma})
    sigma[2, 1, 0] *= 1.001
    expected = np.zeros((4, 2, 3), bool)
    expected[2, 1] = True
    np.testing.assert_array_equal(find_undecided(truth, {"y": sigma})["y"], expected)


def test_gradients_that_explode_do_not_hide_chaos_at_another_step():
    truth = {"d_x": np.ones((3, 2, 4)) * np.array([1e6, 1e3, 1.0])[:, None, None]}
    sigma = np.ones((3, 2, 4)) * np.array([1e6, 1e2, 1e-6])[:, None, None]
    found = find_undecided(truth, {"d_x": sigma})["d_x"]
    assert found[:2].all()
    assert not found[2].any()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([2, 3, 4], " from step 2 on (3 of 5 steps): undecided there; the steps before agree"),
        ([0, 1], " from step 0 to 1 (2 of 5 steps): undecided there; the others agree"),
        ([0, 4], " at steps between 0 and 4 (2 of 5 steps): undecided there; the others agree"),
        (range(5), " at all 5 steps: undecided there"),
    ],
)
def test_the_steps_are_described(steps, words):
    mask = np.zeros((5, 2, 3), bool)
    mask[list(steps), 1, 2] = True
    assert span_words("y", mask) == words


def test_an_array_without_steps_has_its_elements_counted():
    mask = np.zeros((1, 2, 3), bool)
    mask[0, 1] = True
    assert span_words("h_n", mask) == " in 3 of 6 elements: undecided there"


def test_a_scaled_budget_keeps_what_is_undecided():
    case = dataclasses.replace(chaotic_case(2))
    mask = {"y": np.ones((2, 2, 50), bool)}
    budget = Budget(case, {"y": np.ones((2, 2, 50))}, undecided=mask)
    assert budget.scaled(2.0**-29).undecided is mask
    assert not judge({"y": mask["y"] * 1.0}, Expected({"y": mask["y"] * 1.0}, budget)).sigmas


def test_a_shared_budget_keeps_shifts_and_what_is_undecided(chaotic):
    case, found, expected = chaotic
    shared = make_shared_budget(case, make_rounding_model("float32"), frozenset())
    budget = restate(shared, expected.truth)
    assert sorted(budget.undecided) == ["c_n", "h_n", "y"]
    score = judge(found, Expected(expected.truth, budget))
    assert "undecided there" in score.undecided
    assert score.shifts is not None
