"""The budget holds what NumPy really does, and not what a small mistake does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy import Scratch
from gateparity.canonical import Canonical
from gateparity.conformance.budget import largest_sigmas, rounding_sigmas
from gateparity.conformance.cases import RECIPES
from gateparity.conformance.checks import CHECKS
from gateparity.conformance.truth import Truth

PLAN = [(check, case) for check, entry in CHECKS.items() for case in entry.cases]


def build(name, dtype="float32", seed=0):
    return RECIPES[name].build(dtype, seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "case"), PLAN, ids=[f"{c}-{n}" for n, c in PLAN])
def test_numpy_stays_within_it_and_uses_it(name, case, dtype):
    check, ratios = CHECKS[name], []
    for seed in range(5):
        problem = build(case, dtype, seed)
        found, truth = check.run(Canonical(Scratch()), problem), check.run(Truth(), problem)
        sigmas = rounding_sigmas(check, problem)
        assert largest_sigmas(found, truth, sigmas) < 6
        ratios += [
            np.abs(found[n].astype(truth[n].dtype) - truth[n])[sigmas[n] > 0]
            / sigmas[n][sigmas[n] > 0]
            for n in sigmas
        ]
    rms = np.sqrt(np.mean(np.square(np.concatenate(ratios).astype(float))))
    assert 0.3 < rms < 1.2  # one standard deviation is about what rounding causes


@pytest.mark.parametrize("case", ["sequence", "ragged", "stacked", "deep"])
def test_a_bias_that_is_off_by_a_little_is_beyond_it(case):
    check, problem = CHECKS["forward"], build(case)
    biases = problem.params[0].b_ih.copy()
    biases[2, 3] += 1e-5
    wrong = dataclasses.replace(problem.params[0], b_ih=biases)
    liar = dataclasses.replace(problem, params=(wrong, *problem.params[1:]))
    found, truth = check.run(Canonical(Scratch()), liar), check.run(Truth(), problem)
    assert largest_sigmas(found, truth, rounding_sigmas(check, problem)) > 8
    # which a comparison at PyTorch's defaults lets pass
    assert all(np.allclose(found[n], truth[n], rtol=1.3e-6, atol=1e-5) for n in truth)


def test_nothing_may_move_past_the_end_of_a_sequence():
    check, problem = CHECKS["lengths"], build("ragged")
    sigmas, truth = rounding_sigmas(check, problem), check.run(Truth(), problem)
    past = np.arange(5)[:, None] >= problem.batch.lengths
    assert (sigmas["y"][past] == 0).all()
    assert (sigmas["y"][~past] > 0).all()
    found = {name: array.astype("float32") for name, array in truth.items()}
    found["y"][4, 2, 0] = 1e-30
    assert largest_sigmas(found, truth, sigmas) == np.inf


def test_float64_has_float32s_budget_at_its_own_unit():
    check = CHECKS["gradients"]
    small, large = (rounding_sigmas(check, build("sequence", d)) for d in ("float64", "float32"))
    for name, sigma in large.items():
        assert small[name] == pytest.approx(sigma * 2.0**-29, rel=1e-3)
