"""A sigmoid that is accurate in absolute terms alone: declared it passes, and excuses nothing else.

The sigmoid is that of ONNX Runtime and Eigen, a quotient of polynomials plus a half: below -18 it
is 0, and above it is off by a few units of 1, which is much of a small result.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy import equations as scratch
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.rounding import make_rounding
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.random_cases import random_case
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.selftest.false_alarms import expect_all, try_case
from gateparity.errors import Impure

U = 2.0**-24
DECLARED = {"sigmoid_floor": 4.0}
WRONG_WITHOUT = (92, 200, 241, 263, 367, 448, 467, 473, 535)  # seeds of random LSTMs
OTHERS = tuple(range(60))
ODD = (
    4.37031012579801e-11,
    1.15627324459942e-07,
    6.08574864600143e-05,
    8.51377133304701e-03,
    2.48287947061529e-01,
)
EVEN = (
    6.10247389755681e-13,
    5.76102136993427e-09,
    6.29106785017040e-06,
    1.70198817374094e-03,
    1.16817656904453e-01,
    9.93151921023180e-01,
)


def absolute_sigmoid(x):
    x = np.clip(x, np.float32(-18), np.float32(18))
    odd, even = (np.polyval(np.array(k, "float32"), x * x) for k in (ODD, EVEN))
    return np.clip(x * odd / even + np.float32(0.5), 0, 1)


def absolute_cell(Z_x, H, C, W_h):
    Z_i, Z_f, Z_c, Z_o = np.split(Z_x + H @ W_h, 4, -1)
    I, F, O = map(absolute_sigmoid, (Z_i, Z_f, Z_o))
    C_tilde = np.tanh(Z_c)
    C_new = F * C + I * C_tilde
    return scratch.Step(H, C, I, F, C_tilde, O, C_new, O * np.tanh(C_new))


ABSOLUTE = dataclasses.replace(Scratch(), cell=absolute_cell)


def reasons(seed, declared):
    case = random_case(seed, "float32", shortest=1)
    return try_case(ABSOLUTE, case, expect_all(case, declared, ("forward",))).reasons


def test_the_declared_floor_is_the_measured_one():
    x = np.linspace(-40, 40, 400_001, dtype=np.float32)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    found = absolute_sigmoid(x)
    assert found.dtype == np.float32
    error = np.abs(found - exact) / U
    assert 2 < error.max() <= DECLARED["sigmoid_floor"]
    assert (error / exact).max() > 1e6  # all of the result


@pytest.mark.parametrize("seed", WRONG_WITHOUT)
def test_without_a_floor_some_random_lstms_are_called_wrong(seed):
    assert reasons(seed, {})
    assert not reasons(seed, DECLARED)


def test_with_its_floor_no_random_lstm_is_called_wrong():
    assert [found for seed in OTHERS if (found := reasons(seed, DECLARED))] == []


@pytest.mark.parametrize("mistake", CATALOGUE, ids=lambda mistake: mistake.name)
def test_every_mistake_is_caught_with_a_floor_declared(mistake, truths):
    """By the checks that compare numbers, or the weights."""
    for name in sorted(mistake.checks):
        check = CHECKS[name]
        for case, dtype in ((c, d) for c in check.cases for d in check.dtypes):
            if dtype in mistake.dtypes and catches(
                check, RECIPES[case].build(dtype, 0), mistake, truths
            ):
                return
    pytest.fail(f"{mistake.name} is excused")


def catches(check, case, mistake, truths):
    lstm = mistake.apply(Truth(dtype=case.config.dtype))
    try:
        with np.errstate(all="ignore"):
            judge(check.run(lstm, case), truths.of(check, case, DECLARED))
    except (Mismatch, Impure):
        return True
    return False


@pytest.fixture(scope="module")
def truths():
    return Truths()


def draw(dtype="float32", **declared):
    return make_rounding(make_rounding_model(dtype, declared), 32, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_small_sigmoid_moves_by_up_to_the_floor(dtype):
    """Float64 is drawn at float32's unit."""
    z = np.linspace(-60, -12, 2000)
    plain, wide = (scratch.sigmoid(draw(dtype, **d).lift(z)).values for d in ({}, DECLARED))
    moved = np.abs(wide - plain) / U
    assert 3.9 < moved.max() <= 4
    assert np.abs(np.mean(wide - plain)) < 0.1 * U


def test_nothing_but_a_sigmoid_moves_by_it():
    a, b = np.random.default_rng(0).uniform(-2, 2, (2, 5, 5))
    for run in (
        lambda a, b: a @ b,
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: 3 / b,
        lambda a, _: np.tanh(a),
        lambda a, _: np.exp(a),
    ):
        plain, wide = (
            run(drawn.lift(a), drawn.lift(b)).values for drawn in (draw(), draw(**DECLARED))
        )
        np.testing.assert_array_equal(plain, wide)


def test_what_no_sigmoid_reaches_is_not_wider():
    """The first step's pre-activations and candidate; the other gates are."""
    case = RECIPES["sequence"].build("float32", 0)
    plain, wide = (trace(case, drawn) for drawn in (draw(), draw(**DECLARED)))
    np.testing.assert_array_equal(plain.z.values[:, 0], wide.z.values[:, 0])
    candidate = 2
    for gate in range(4):
        one, other = (t.gates.values[:, 0, gate] for t in (plain, wide))
        assert (one == other).all() == (gate == candidate)
    assert (plain.z.values[:, 1] != wide.z.values[:, 1]).any()


def trace(case, drawn):
    return Truth(drawn.lift, "float64").gates(case.config, case.params, case.batch)


def test_weights_that_come_back_have_no_wider_budget():
    case = RECIPES["deep"].build("float32", 0)
    plain, wide = (
        make_budget(CHECKS["layout"], case, make_rounding_model("float32", declared))
        for declared in ({}, DECLARED)
    )
    for name, sigma in plain.sigmas.items():
        np.testing.assert_array_equal(sigma, wide.sigmas[name])


def test_half_precision_has_no_floor_of_its_sigmoid():
    assert make_rounding_model("float16", DECLARED) == make_rounding_model("float16")
